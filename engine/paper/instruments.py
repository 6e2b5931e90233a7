"""The instruments that trade here, built in or from a recorded exchangeInfo, with their filters."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.paper import scale

ORDER_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET")
PREVENTION_MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")
# A filter that is absent, or switched off by a zero as Binance does, allows everything.
_UNLIMITED = 10**30
# What one unit of an asset is worth in USDT when the exchange opens; unknown assets are priced by their tick.
_WORTH_USDT = {"USDT": "1", "USDC": "1", "FDUSD": "1", "BTC": "60000", "ETH": "3000", "BNB": "600"}
_UNKNOWN_PRICE_TICKS = 10_000


@dataclass(frozen=True, slots=True)
class PercentPrice:
    """How far a price may be from the average of some minutes: multipliers in units of 10^-8."""

    name: str
    minutes: int
    buy_up: int
    buy_down: int
    sell_up: int
    sell_down: int


@dataclass(frozen=True, slots=True)
class Instrument:
    """Sizes are integers of 10^-8: `tick` and prices in quote per base, `lot` in base, notionals in quote."""

    symbol: str
    base: str
    quote: str
    trading: bool
    tick: int
    price_min: int
    price_max: int
    lot: int
    quantity_min: int
    quantity_max: int
    market_lot: int
    market_quantity_min: int
    market_quantity_max: int
    notional_name: str
    notional_min: int
    notional_max: int
    notional_min_at_market: bool
    notional_max_at_market: bool
    notional_minutes: int
    percent_price: PercentPrice | None
    open_orders_max: int
    position_max: int
    order_types: tuple[str, ...]
    quote_quantity_allowed: bool
    prevention: str
    preventions: tuple[str, ...]
    start_price: int
    wire: dict[str, Any]

    def on_lot(self, quantity: int) -> int:
        """Cut a quantity down to the lot size."""
        return quantity - quantity % self.lot

    def on_tick(self, price: int) -> int:
        """Cut a price down to the tick, never below one tick."""
        return max(price - price % self.tick, self.tick)


def default_instruments() -> dict[str, Instrument]:
    """Four liquid instruments with the filters Binance puts on them, open to any number of orders."""
    rows = [
        # symbol, base, quote, tick, lot, max quantity, market max, price max, notional min
        ("BTCUSDT", "BTC", "USDT", "0.01", "0.00001", "9000", "150", "1000000", "5"),
        ("ETHUSDT", "ETH", "USDT", "0.01", "0.0001", "9000", "3000", "1000000", "5"),
        ("BNBUSDT", "BNB", "USDT", "0.01", "0.001", "900000", "8000", "100000", "5"),
        ("ETHBTC", "ETH", "BTC", "0.00001", "0.0001", "100000", "2000", "922327", "0.0001"),
    ]
    return read_instruments([_wire(row) for row in rows])


def recorded_instruments(path: Path) -> dict[str, Instrument]:
    """Read a recorded answer of /api/v3/exchangeInfo; ValueError says what is wrong with the file."""
    try:
        recorded = json.loads(path.read_text(encoding="utf-8"), parse_float=str)
        instruments = read_instruments(recorded["symbols"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no recorded exchangeInfo: {type(error).__name__} {error}") from None
    if not any(one.trading for one in instruments.values()):
        raise ValueError(f"{path} has no symbol that is trading")
    return instruments


def read_instruments(symbols: list[dict[str, Any]]) -> dict[str, Instrument]:
    worth = {asset: scale.parse(price) for asset, price in _WORTH_USDT.items()}
    found: dict[str, Instrument] = {}
    for wire in symbols:
        instrument = _read(wire, worth)
        found[instrument.symbol] = instrument
    return found


def _read(wire: dict[str, Any], worth: dict[str, int]) -> Instrument:
    filters = {one["filterType"]: one for one in wire["filters"]}
    price, lot = _Sizes(filters.get("PRICE_FILTER")), _Sizes(filters.get("LOT_SIZE"))
    market = _Sizes(filters.get("MARKET_LOT_SIZE"))
    name = "NOTIONAL" if "NOTIONAL" in filters else "MIN_NOTIONAL"
    given = filters.get(name, {})
    notional = _Sizes(given)
    tick = price.size("tickSize") or 1
    modes = tuple(one for one in PREVENTION_MODES if one in wire.get("allowedSelfTradePreventionModes", []))
    default_mode = wire.get("defaultSelfTradePreventionMode", "NONE")
    types = tuple(one for one in ORDER_TYPES if one in wire.get("orderTypes", ORDER_TYPES))
    return Instrument(
        symbol=wire["symbol"],
        base=wire["baseAsset"],
        quote=wire["quoteAsset"],
        trading=wire.get("status", "TRADING") == "TRADING",
        tick=tick,
        price_min=max(price.size("minPrice"), tick),
        price_max=price.most("maxPrice"),
        lot=lot.size("stepSize") or 1,
        quantity_min=max(lot.size("minQty"), 1),
        quantity_max=lot.most("maxQty"),
        market_lot=market.size("stepSize") or 1,
        market_quantity_min=market.size("minQty"),
        market_quantity_max=market.most("maxQty"),
        notional_name=name,
        notional_min=notional.size("minNotional"),
        notional_max=notional.most("maxNotional"),
        notional_min_at_market=bool(given.get("applyMinToMarket", given.get("applyToMarket", True))),
        notional_max_at_market=bool(given.get("applyMaxToMarket", False)),
        notional_minutes=int(given.get("avgPriceMins", 0)),
        percent_price=_percent_price(filters),
        open_orders_max=int(filters.get("MAX_NUM_ORDERS", {}).get("maxNumOrders", 0)),
        position_max=_Sizes(filters.get("MAX_POSITION")).size("maxPosition"),
        order_types=types,
        quote_quantity_allowed=bool(wire.get("quoteOrderQtyMarketAllowed", True)),
        prevention=default_mode if default_mode in modes else "NONE",
        preventions=modes,
        start_price=_start_price(wire, tick, worth),
        wire=_spoken(wire, types, modes),
    )


class _Sizes:
    """Reads the fields of one filter."""

    def __init__(self, given: dict[str, Any] | None) -> None:
        self._given = given or {}

    def size(self, name: str) -> int:
        return scale.parse(str(self._given.get(name, "0")))

    def most(self, name: str) -> int:
        return self.size(name) or _UNLIMITED


def _percent_price(filters: dict[str, dict[str, Any]]) -> PercentPrice | None:
    given = filters.get("PERCENT_PRICE_BY_SIDE")
    if given is not None:
        names = ("bidMultiplierUp", "bidMultiplierDown", "askMultiplierUp", "askMultiplierDown")
        name = "PERCENT_PRICE_BY_SIDE"
    else:
        given = filters.get("PERCENT_PRICE")
        names = ("multiplierUp", "multiplierDown", "multiplierUp", "multiplierDown")
        name = "PERCENT_PRICE"
    if given is None:
        return None
    sizes = _Sizes(given)
    return PercentPrice(name, int(given.get("avgPriceMins", 0)), *(sizes.size(one) for one in names))


def _start_price(wire: dict[str, Any], tick: int, worth: dict[str, int]) -> int:
    """Where a market opens: by what its assets are worth, so that crossing prices fit together."""
    base, quote = wire["baseAsset"], wire["quoteAsset"]
    unit = worth.setdefault(quote, scale.ONE)
    if base not in worth:
        worth[base] = max(scale.times(tick * _UNKNOWN_PRICE_TICKS, unit), 1)
    price = worth[base] * scale.ONE // unit
    return max(price - price % tick, tick)


def _spoken(wire: dict[str, Any], types: tuple[str, ...], modes: tuple[str, ...]) -> dict[str, Any]:
    """Tell of a recorded symbol only what this exchange really offers."""
    return {
        **wire,
        "orderTypes": list(types),
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": (
            wire["defaultSelfTradePreventionMode"]
            if wire.get("defaultSelfTradePreventionMode") in modes
            else "NONE"
        ),
        "allowedSelfTradePreventionModes": list(modes),
    }


def _wire(row: tuple[str, ...]) -> dict[str, Any]:
    """One built-in symbol as exchangeInfo shows it."""
    symbol, base, quote = row[:3]
    tick, lot, quantity_max, market_max, price_max, notional_min, notional_max, zero = (
        scale.text(scale.parse(value)) for value in (*row[3:], "9000000", "0")
    )
    return {
        "symbol": symbol,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(ORDER_TYPES),
        "quoteOrderQtyMarketAllowed": True,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": price_max, "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": quantity_max, "stepSize": lot},
            {"filterType": "MARKET_LOT_SIZE", "minQty": zero, "maxQty": market_max, "stepSize": zero},
            {
                "filterType": "NOTIONAL",
                "minNotional": notional_min,
                "applyMinToMarket": True,
                "maxNotional": notional_max,
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
        ],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": list(PREVENTION_MODES),
    }
