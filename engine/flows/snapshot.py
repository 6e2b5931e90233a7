"""Reads what an exchange account shows at one time, or fails: orders, trades, balances, transfers."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from engine.domain.errors import HoldfastError
from engine.domain.money import ZERO
from engine.domain.outcomes import Balance, Fill, OrderReport
from engine.domain.states import FINAL_ORDER_STATES
from engine.exchange.transfers import Transfer
from engine.flows.accounts import AccountSession
from engine.flows.lease import Lease
from engine.runtime.log import get_logger

T = TypeVar("T")
OrderKey = tuple[str, str]  # symbol, exchange order id
_BALANCE_READS = 3
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a pass needs to see: trades and ended orders of some symbols, each since a moment."""

    since: Mapping[str, datetime]
    transfers_since: datetime


@dataclass(slots=True)
class Snapshot:
    """One complete look at an exchange account.

    `orders` has the most advanced report of each order, `open_symbols` the symbols whose open orders are
    all in it, `fills` is in order of time. `quiet`: no trade and no transfer came between the reads around
    the balances, so that balances and trades are of the same moment; else `balances` compare with nothing.
    `unlisted`: symbols of open orders that the exchange does not list; those orders are left out.
    """

    since: dict[str, datetime]
    open_symbols: frozenset[str]
    orders: dict[OrderKey, OrderReport]
    fills: dict[tuple[str, str, str], Fill] = field(default_factory=dict)
    balances: Mapping[str, Balance] | None = None
    transfers: tuple[Transfer, ...] = ()
    quiet: bool = False
    unlisted: frozenset[str] = frozenset()

    def add_orders(self, reports: Iterable[OrderReport]) -> None:
        """Take reports in; of two of one order the more advanced stays."""
        for report in reports:
            key = (report.symbol, report.exchange_order_id)
            known = self.orders.get(key)
            if known is None or _advance(report) > _advance(known):
                self.orders[key] = report

    def add_fills(self, fills: Iterable[Fill]) -> int:
        """Take fills in; returns how many were not there yet."""
        before = len(self.fills)
        for fill in fills:
            self.fills.setdefault((fill.symbol, fill.exchange_order_id, fill.exchange_trade_id), fill)
        return len(self.fills) - before

    def in_time(self) -> list[Fill]:
        """Return the fills, the earliest first; within a moment by the length and text of their ids."""
        return sorted(self.fills.values(), key=_by_time)

    def last_trades(self) -> dict[str, Fill]:
        """Return the last trade of each symbol that has one."""
        return {fill.symbol: fill for fill in self.in_time()}


async def read_snapshot(session: AccountSession, lease: Lease, wanted: Wanted) -> Snapshot:
    """Read an exchange account once. Raises EXCHANGE_UNAVAILABLE if any part is missing, LEASE_LOST.

    Open orders come first: what ends meanwhile is among the ended ones or the trades that are read later.
    """
    gateway = session.gateway
    whole = gateway.facts.lists_all_orders
    reports = await _ask(
        lease, lambda: gateway.open_orders() if whole else gateway.open_orders_of(sorted(wanted.since))
    )
    # a symbol that is not listed cannot be asked for more: it must not keep the others from being read
    unlisted = frozenset(each.symbol for each in reports) - session.instruments.keys()
    known = [each for each in reports if each.symbol not in unlisted]
    since = {**dict.fromkeys((each.symbol for each in known), wanted.transfers_since), **wanted.since}
    orders = {(each.symbol, each.exchange_order_id): each for each in known}
    snapshot = Snapshot(since, frozenset(since), orders, unlisted=unlisted)
    for symbol, begin in snapshot.since.items():
        snapshot.add_orders(await read_ended(session, lease, symbol, begin))
    for symbol, begin in snapshot.since.items():
        snapshot.add_fills(await read_trades(session, lease, symbol, begin))
    await _read_balances(session, lease, wanted, snapshot)
    return snapshot


async def read_ended(
    session: AccountSession, lease: Lease, symbol: str, since: datetime
) -> tuple[OrderReport, ...]:
    """Return the orders of a symbol made since a moment and ended by now."""
    return await _ask(lease, lambda: session.gateway.closed_orders(symbol, _ms(since)))


async def read_trades(
    session: AccountSession, lease: Lease, symbol: str, since: datetime
) -> tuple[Fill, ...]:
    """Return the account's trades of a symbol since a moment."""
    return await _ask(lease, lambda: session.gateway.fills(symbol, since_ms=_ms(since)))


async def _read_balances(session: AccountSession, lease: Lease, wanted: Wanted, snapshot: Snapshot) -> None:
    """Read the balances between two reads of the trades that show the same; give up after some attempts.

    A busy account is compared in a later pass: what trades between the reads explains is no difference.
    """
    gateway = session.gateway
    for _ in range(_BALANCE_READS):
        began_ms = gateway.exchange_now_ms()
        snapshot.balances = await _ask(lease, gateway.balances)
        news = 0
        last = snapshot.last_trades()
        for symbol, begin in snapshot.since.items():
            since = last[symbol].exchange_time if symbol in last else begin
            news += snapshot.add_fills(await read_trades(session, lease, symbol, since))
        try:
            snapshot.transfers = await _ask(lease, lambda: gateway.transfers(_ms(wanted.transfers_since)))
        except HoldfastError as error:
            lease.check()
            # Not every key may read them. Orders and trades are compared; balances without them cannot be.
            _log.warning("transfers not read", account_id=str(session.account_id), reason=str(error))
            snapshot.balances = None
            return
        if not news and not any(_ms(each.at) >= began_ms for each in snapshot.transfers):
            snapshot.quiet = True
            return


async def _ask(lease: Lease, read: Callable[[], Awaitable[T]]) -> T:
    lease.check()
    return await read()


def _advance(report: OrderReport) -> tuple[bool, object]:
    """Return how far an order has come: ended before open, then what was filled."""
    return (report.status in FINAL_ORDER_STATES, report.filled_quantity or ZERO)


def _by_time(fill: Fill) -> tuple[datetime, int, str]:
    return (fill.exchange_time, len(fill.exchange_trade_id), fill.exchange_trade_id)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
