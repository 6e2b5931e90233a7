"""Proves the gateway's outcomes against every fault of the paper exchange, by URL and on the real host.

Both ways, because ccxt chooses its error table by the address; the exchange's own books are the judge.
"""

import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.ids import client_order_id
from engine.domain.outcomes import Canceled, InDoubt, NotFound, NotSent, Placed, Refused
from engine.domain.requests import OrderRequest
from engine.exchange.account import AccountConfig, ExchangeUrls
from engine.exchange.gateway import Gateway
from engine.paper.faults import FaultKind, Match
from engine.paper.options import Options, read_account
from engine.paper.server import PaperExchange
from tests.exchange.own_tls import Loopback, made_once

SYMBOL = "BTC/USDT"
PLACE = Match(method="POST", path="/api/v3/order")
CANCEL = Match(method="DELETE", path="/api/v3/order")


@pytest.fixture
async def paper() -> AsyncIterator[PaperExchange]:
    accounts = (read_account("key:secret:USDT=100000,BTC=2,BNB=1"),)
    folder = made_once().ca_file.parent
    async with PaperExchange(Options(step_ms=0, accounts=accounts, tls_dir=folder)) as exchange:
        exchange.outside.pin("BTCUSDT", 50_000 * 10**8, 50_010 * 10**8, 5 * 10**8)
        yield exchange
        assert [] == exchange.oracle.differences(exchange.matching)
        assert [] == exchange.rest.crashes


@pytest.fixture(params=["url", "tls"])
async def gateway(paper: PaperExchange, request: pytest.FixtureRequest) -> AsyncIterator[Gateway]:
    if request.param == "tls":
        config = AccountConfig("acc-1", "binance", "key", "secret", ca_file=str(paper.ca_file))
        made = Gateway(config, resolver=Loopback(paper.tls_port), timeout_s=5)
    else:
        urls = ExchangeUrls(paper.url, f"{paper.ws_url}/ws-api/v3", f"{paper.ws_url}/stream/ws")
        made = Gateway(AccountConfig("acc-1", "binance", "key", "secret", urls=urls), timeout_s=5)
    async with made:
        yield made


def order(gateway: Gateway, number: int = 1, **changes: Any) -> OrderRequest:
    values: dict[str, Any] = {
        "symbol": SYMBOL,
        "side": "buy",
        "type": "limit",
        "quantity": Decimal("0.01"),
        "limit_price": Decimal(40000),
        "time_in_force": "GTC",
        "post_only": False,
        "client_order_id": client_order_id("hold", "tenant", "profile", str(number)),
        "signed_at_ms": gateway.exchange_now_ms(),
        "valid_for_ms": 5_000,
        "send_before_monotonic": time.monotonic() + 4,
    }
    return OrderRequest(**{**values, **changes})


async def placed(gateway: Gateway, number: int = 1) -> str:
    outcome = await gateway.submit(order(gateway, number))
    assert isinstance(outcome, Placed)
    return outcome.report.exchange_order_id


def exists(paper: PaperExchange) -> bool:
    """Tell whether the exchange has an order of its own books, whatever it said."""
    shown = paper.oracle.shown(paper.matching)
    return bool(shown["accounts"]["key"]["orders"])


SUBMITS: list[tuple[FaultKind, dict[str, Any], type, bool]] = [
    (FaultKind.DROP_BEFORE, {}, InDoubt, False),
    (FaultKind.DROP_AFTER, {}, InDoubt, True),
    (FaultKind.UNKNOWN_BEFORE, {"code": -1006}, InDoubt, False),
    (FaultKind.UNKNOWN_AFTER, {"code": -1006}, InDoubt, True),
    (FaultKind.UNKNOWN_AFTER, {"code": -1007}, InDoubt, True),
    (FaultKind.UNKNOWN_AFTER, {"code": -1000}, InDoubt, True),
    (FaultKind.UNKNOWN_AFTER, {"code": -1001, "status": 400}, InDoubt, True),
    (FaultKind.UNKNOWN_AFTER, {"code": -1006, "status": 400}, InDoubt, True),
    (FaultKind.UNKNOWN_AFTER, {"code": -1007, "status": 400}, InDoubt, True),
    (FaultKind.HTTP_5XX_BEFORE, {"status": 503}, InDoubt, False),
    (FaultKind.HTTP_5XX_AFTER, {"status": 500}, InDoubt, True),
    (FaultKind.HTML_200_AFTER, {}, InDoubt, True),
    (FaultKind.EMPTY_200_AFTER, {}, InDoubt, True),
    (FaultKind.LATE_APPLY, {"delay_s": 3600, "recheck": False}, InDoubt, False),
    (FaultKind.LATE_APPLY, {"delay_s": 3600, "answer": "drop"}, InDoubt, False),
    (FaultKind.RATE_LIMITED, {"status": 429}, Refused, False),
    (FaultKind.RATE_LIMITED, {"status": 418}, Refused, False),
    (FaultKind.CLOCK_STEP, {"step_ms": 6000}, Refused, False),
    (FaultKind.PARTIAL_FILLS, {}, Placed, True),
    (FaultKind.FEE_ASSET_CHANGE, {}, Placed, True),
    (FaultKind.WITHDRAWAL, {}, Placed, True),
]


@pytest.mark.parametrize(
    ("kind", "fields", "outcome", "there"),
    [pytest.param(*row, id=f"{row[0].value}{row[1]}") for row in SUBMITS],
)
async def test_submits(
    paper: PaperExchange,
    gateway: Gateway,
    *,
    kind: FaultKind,
    fields: dict[str, Any],
    outcome: type,
    there: bool,
) -> None:
    """What is concluded from each fault of a new order never contradicts what the exchange did."""
    paper.fault(kind, match=PLACE, **fields)
    assert outcome is type(await gateway.submit(order(gateway)))
    assert there is exists(paper)
    assert 1 == len([one for one in paper.rest.requests if one["method"] == "POST"])


CANCELS: list[tuple[FaultKind, dict[str, Any], type, str]] = [
    (FaultKind.UNKNOWN_BEFORE, {}, InDoubt, "NEW"),
    (FaultKind.UNKNOWN_AFTER, {"code": -1006, "status": 400}, InDoubt, "CANCELED"),
    (FaultKind.HTTP_5XX_AFTER, {}, InDoubt, "CANCELED"),
    (FaultKind.HTML_200_AFTER, {}, InDoubt, "CANCELED"),
    (FaultKind.EMPTY_200_AFTER, {}, InDoubt, "CANCELED"),
    (FaultKind.LATE_APPLY, {"delay_s": 3600}, InDoubt, "NEW"),
    (FaultKind.NOT_FOUND, {}, NotFound, "NEW"),
    (FaultKind.FILL_AFTER_CANCEL, {}, Canceled, "FILLED"),
    # aiohttp sends a DELETE again on a connection that broke: the first try may have done it
    (FaultKind.DROP_AFTER, {}, NotFound, "CANCELED"),
    (FaultKind.DROP_BEFORE, {"count": None}, InDoubt, "NEW"),
]


@pytest.mark.parametrize(
    ("kind", "fields", "outcome", "status"),
    [pytest.param(*row, id=f"{row[0].value}{row[1]}") for row in CANCELS],
)
async def test_cancels(
    paper: PaperExchange,
    gateway: Gateway,
    *,
    kind: FaultKind,
    fields: dict[str, Any],
    outcome: type,
    status: str,
) -> None:
    """A cancel that works is Canceled, one that says there is nothing is NotFound, all else is in doubt."""
    order_id = await placed(gateway)
    paper.fault(kind, match=CANCEL, **fields)
    assert outcome is type(await gateway.cancel(SYMBOL, order_id))
    paper.faults.clear()
    assert status == paper.matching.markets["BTCUSDT"].orders[int(order_id)].status.value


async def test_reads(paper: PaperExchange, gateway: Gateway) -> None:
    """A read that fails raises and is no evidence; one that is stale lies, which no client can see."""
    order_id = await placed(gateway)
    for kind, fields in (
        (FaultKind.HTTP_5XX_BEFORE, {}),
        (FaultKind.HTML_200_AFTER, {}),
        (FaultKind.EMPTY_200_AFTER, {}),
        (FaultKind.UNKNOWN_BEFORE, {"status": 400}),
    ):
        paper.fault(kind, match=Match(method="GET"), **fields)
        with pytest.raises(HoldfastError) as caught:
            await gateway.open_orders(SYMBOL)
        assert ErrorCode.EXCHANGE_UNAVAILABLE is caught.value.code
    paper.fault(FaultKind.NOT_FOUND, match=Match(method="GET"))
    assert None is await gateway.find_order(SYMBOL, exchange_order_id=order_id)
    paper.fault(FaultKind.MISSING_PAGES, keep=0, match=Match(method="GET"))
    assert not list(await gateway.open_orders(SYMBOL))
    (found,) = await gateway.open_orders(SYMBOL)
    assert order_id == found.exchange_order_id


async def test_maintenance(paper: PaperExchange, gateway: Gateway) -> None:
    """In maintenance a submit is in doubt, because a 5xx proves nothing, and reads raise."""
    paper.maintain(True)
    assert isinstance(await gateway.submit(order(gateway)), InDoubt)
    with pytest.raises(HoldfastError):
        await gateway.balances()
    paper.maintain(False)
    assert not exists(paper)
    assert not isinstance(await gateway.submit(order(gateway, 2)), NotSent)
