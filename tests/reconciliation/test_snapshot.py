"""Proves that a snapshot is whole or an error, and that balances and trades in it are of one moment."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.outcomes import Fill, OrderReport
from engine.flows.snapshot import Snapshot, Wanted, read_snapshot
from engine.paper.faults import FaultKind, Match
from tests.flows.rig import SYMBOL
from tests.paper.clients import KEY
from tests.reconciliation.stage import Stage


def wanted(stage: Stage) -> Wanted:
    since = datetime.fromtimestamp(stage.rig.gateway.exchange_now_ms() / 1000, UTC) - timedelta(minutes=1)
    return Wanted({SYMBOL: since}, since)


async def read(stage: Stage) -> Snapshot:
    return await read_snapshot(stage.rig.session, stage.lease, wanted(stage))


async def test_everything_in_one_look(stage: Stage) -> None:
    """Open and ended orders, their trades, foreign ones, balances and transfers are all in it."""
    resting = await stage.view(await stage.place())
    filled = await stage.view(await stage.place(price="50100"))
    by_hand = await stage.foreign("buy", "0.01", "30000")
    stage.deposit("USDT", "5")
    snapshot = await read(stage)
    statuses = {key[1]: report.status for key, report in snapshot.orders.items()}
    expected = {
        resting["exchange_order_id"]: "open",
        filled["exchange_order_id"]: "filled",
        by_hand["id"]: "open",
    }
    assert expected == statuses
    assert [filled["exchange_order_id"]] == [fill.exchange_order_id for fill in snapshot.in_time()]
    assert snapshot.balances is not None
    held = stage.rig.paper.oracle
    held.catch_up()
    assert Decimal(held.balances(KEY)["USDT"]["total"]) == snapshot.balances["USDT"].total
    assert [("deposit", "USDT", Decimal(5))] == [(t.kind, t.asset, t.quantity) for t in snapshot.transfers]


async def test_a_part_that_fails_is_no_snapshot(stage: Stage) -> None:
    """A list that cannot be read makes the whole look no evidence."""
    paths = ("/api/v3/openOrders", "/api/v3/allOrders", "/api/v3/myTrades", "/api/v3/account")
    for path in paths:
        stage.rig.paper.fault(FaultKind.HTTP_5XX_BEFORE, match=Match(path=path))
        with pytest.raises(HoldfastError) as raised:
            await read(stage)
        assert ErrorCode.EXCHANGE_UNAVAILABLE == raised.value.code, path


async def test_transfers_that_cannot_be_read_leave_balances_uncompared(stage: Stage) -> None:
    """Without the deposits the orders are compared still, the balances are not."""
    stage.rig.paper.fault(
        FaultKind.HTTP_5XX_BEFORE, match=Match(path="/sapi/v1/capital/deposit/hisrec"), count=None
    )
    snapshot = await read(stage)
    assert (False, None) == (snapshot.quiet, snapshot.balances)
    stage.rig.paper.faults.clear()
    assert (await read(stage)).quiet


async def test_trades_between_the_reads(stage: Stage) -> None:
    """A trade while the balances are read makes them be read again, and is in the snapshot."""
    rig = stage.rig
    traded = itertools.count()

    async def trade() -> None:
        if next(traded) == 0:
            await stage.foreign("buy", "0.01")

    rig.plug.crossings.clear()
    rig.plug.when, rig.plug.what, rig.plug.times = "after balances", trade, 9
    snapshot = await read(stage)
    assert snapshot.quiet
    assert 1 == len(snapshot.fills)
    assert 2 == rig.plug.crossings.count("after balances")


async def test_an_account_that_never_stands_still(stage: Stage) -> None:
    """If each read of the balances meets a trade, they compare with nothing, and the look ends."""
    rig = stage.rig

    async def trade() -> None:
        await stage.foreign("buy", "0.01", client_order_id=f"hand-{len(rig.plug.crossings)}")

    rig.plug.crossings.clear()
    rig.plug.when, rig.plug.what, rig.plug.times = "after balances", trade, 9
    snapshot = await read(stage)
    assert not snapshot.quiet
    assert 3 == rig.plug.crossings.count("after balances")


async def test_no_read_without_the_lease(stage: Stage) -> None:
    """A lease lost on the way ends the look before its next question."""
    rig = stage.rig
    rig.plug.when, rig.plug.what = "after open_orders_all", lambda: stage.lease.lose("test")
    rig.plug.crossings.clear()
    with pytest.raises(HoldfastError) as raised:
        await read(stage)
    assert ErrorCode.LEASE_LOST == raised.value.code
    assert ["before open_orders_all", "after open_orders_all"] == rig.plug.crossings


def report(status: str | None, filled: str | None, **more: Any) -> OrderReport:
    given: dict[str, Any] = {"exchange_order_id": "7", "client_order_id": "c", "side": "buy", **more}
    amount = None if filled is None else Decimal(filled)
    return OrderReport(
        symbol=SYMBOL,
        status=status,
        quantity=Decimal(10),
        filled_quantity=amount,
        price=None,
        exchange_time=None,
        **given,
    )


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([report("open", "5"), report("filled", "10")], ("filled", Decimal(10))),
        ([report("filled", "10"), report("open", "5")], ("filled", Decimal(10))),
        ([report("canceled", "5"), report("open", "5")], ("canceled", Decimal(5))),
        ([report("open", "5"), report(None, None)], ("open", Decimal(5))),
        ([report("open", "2"), report("open", "3")], ("open", Decimal(3))),
    ],
    ids=["advanced-last", "advanced-first", "ended-before-open", "says-nothing", "more-filled"],
)
def test_the_most_advanced_report_stays(reports: list[OrderReport], expected: tuple[str, Decimal]) -> None:
    """Of two reports of one order the more advanced one counts, in whatever order they come."""
    snapshot = Snapshot({}, frozenset(), {})
    snapshot.add_orders(reports)
    (kept,) = snapshot.orders.values()
    assert expected == (kept.status, kept.filled_quantity)


def test_trades_once_and_in_time() -> None:
    """A trade is kept once, and trades are told in order of time, then of their ids as numbers."""
    at = datetime(2026, 1, 1, tzinfo=UTC)

    def trade(number: str, after_s: int) -> Fill:
        when = at + timedelta(seconds=after_s)
        return Fill(SYMBOL, "7", number, "buy", Decimal(1), Decimal(1), None, None, when)

    snapshot = Snapshot({}, frozenset(), {})
    assert 3 == snapshot.add_fills([trade("10", 1), trade("9", 1), trade("11", 0), trade("9", 1)])
    assert ["11", "9", "10"] == [fill.exchange_trade_id for fill in snapshot.in_time()]
