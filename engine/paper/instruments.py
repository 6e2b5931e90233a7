"""The instruments that trade here, with the filters Binance puts on them."""

from dataclasses import dataclass
from typing import Any

from engine.paper import scale

_ORDER_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET"]


@dataclass(frozen=True, slots=True)
class Instrument:
    """Sizes are integers of 10^-8: `tick` and prices in quote per base, `lot` in base, notionals in quote."""

    symbol: str
    base: str
    quote: str
    tick: int
    lot: int
    quantity_min: int
    quantity_max: int
    market_quantity_max: int
    price_max: int
    notional_min: int
    notional_max: int
    start_price: int

    def on_lot(self, quantity: int) -> int:
        """Cut a quantity down to the lot size."""
        return quantity - quantity % self.lot

    def on_tick(self, price: int) -> int:
        """Cut a price down to the tick, never below one tick."""
        return max(price - price % self.tick, self.tick)


def default_instruments() -> dict[str, Instrument]:
    rows = [
        # symbol, base, quote, tick, lot, max quantity, market max, price max, notional min, start price
        ("BTCUSDT", "BTC", "USDT", "0.01", "0.00001", "9000", "150", "1000000", "5", "60000"),
        ("ETHUSDT", "ETH", "USDT", "0.01", "0.0001", "9000", "3000", "1000000", "5", "3000"),
        ("BNBUSDT", "BNB", "USDT", "0.01", "0.001", "900000", "8000", "100000", "5", "600"),
        ("ETHBTC", "ETH", "BTC", "0.00001", "0.0001", "100000", "2000", "922327", "0.0001", "0.05"),
    ]
    return {row[0]: _instrument(row) for row in rows}


def _instrument(row: tuple[str, ...]) -> Instrument:
    symbol, base, quote = row[:3]
    tick, lot, quantity_max, market_max, price_max, notional_min, start = (scale.parse(v) for v in row[3:])
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quote,
        tick=tick,
        lot=lot,
        quantity_min=lot,
        quantity_max=quantity_max,
        market_quantity_max=market_max,
        price_max=price_max,
        notional_min=notional_min,
        notional_max=scale.parse("9000000"),
        start_price=start,
    )


def wire_instrument(instrument: Instrument) -> dict[str, Any]:
    """Render one symbol of exchangeInfo."""
    return {
        "symbol": instrument.symbol,
        "status": "TRADING",
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": _ORDER_TYPES,
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "amendAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _wire_filters(instrument),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }


def _wire_filters(instrument: Instrument) -> list[dict[str, Any]]:
    text = scale.text
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": text(instrument.tick),
            "maxPrice": text(instrument.price_max),
            "tickSize": text(instrument.tick),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": text(instrument.quantity_min),
            "maxQty": text(instrument.quantity_max),
            "stepSize": text(instrument.lot),
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": text(0),
            "maxQty": text(instrument.market_quantity_max),
            "stepSize": text(0),
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": text(instrument.notional_min),
            "applyMinToMarket": True,
            "maxNotional": text(instrument.notional_max),
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
    ]
