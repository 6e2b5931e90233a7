"""Endpoints about one's own account: balances, fees, limits, and what else clients ask at start."""

from typing import TYPE_CHECKING, Any

from engine.paper import limits, render
from engine.paper.scale import text

if TYPE_CHECKING:
    from engine.paper.calls import Call
    from engine.paper.matching import Market


def account(call: "Call") -> Any:
    return render.account(call.owner, call.params.get("omitZeroBalances") == "true")


def commission(call: "Call") -> Any:
    return render.commission(call.owner, call.market().instrument.symbol)


def order_counts(call: "Call") -> Any:
    """How many orders this account has sent in the current windows."""
    ten_seconds, day = call.limits.order_counts(call.matching.clock.now_ms(), call.owner.key)
    by_interval = {"SECOND": ten_seconds, "DAY": day}
    return [
        {**limit, "count": by_interval[limit["interval"]]}
        for limit in limits.RATE_LIMITS
        if limit["rateLimitType"] == "ORDERS"
    ]


def filters(call: "Call") -> Any:
    """The filters that are in force for this account on one symbol."""
    return {
        "exchangeFilters": [],
        "symbolFilters": call.market().instrument.wire["filters"],
        "assetFilters": [],
    }


def trade_fee(call: "Call") -> Any:
    owner = call.owner

    def shape(market: "Market") -> Any:
        return {
            "symbol": market.instrument.symbol,
            "makerCommission": text(owner.maker_rate),
            "takerCommission": text(owner.taker_rate),
        }

    return [shape(market) for market in call.named_markets()]


def all_coins(call: "Call") -> Any:
    instruments = [market.instrument for market in call.matching.markets.values()]
    owner = call.owner
    return [
        {
            "coin": asset,
            "name": asset,
            "depositAllEnable": True,
            "withdrawAllEnable": True,
            "free": text(owner.free_of(asset)),
            "locked": text(owner.locked.get(asset, 0)),
            "freeze": "0",
            "withdrawing": "0",
            "ipoing": "0",
            "ipoable": "0",
            "storage": "0",
            "isLegalMoney": False,
            "trading": True,
            "networkList": [],
        }
        for asset in sorted({name for one in instruments for name in (one.base, one.quote)})
    ]


def api_restrictions(call: "Call") -> Any:
    return {
        "ipRestrict": False,
        "enableReading": True,
        "enableWithdrawals": call.owner.can_withdraw,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": True,
        "enablePortfolioMarginTrading": False,
    }
