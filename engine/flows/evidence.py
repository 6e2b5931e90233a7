"""Asks an exchange for one intent's order in every way it can be asked, and keeps each answer whole."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from engine.domain.errors import HoldfastError
from engine.domain.money import to_text
from engine.domain.outcomes import Fill, OrderReport
from engine.flows.accounts import AccountSession
from engine.flows.lease import Lease
from engine.ledger.intents import IntentView
from engine.ledger.wire import instant

T = TypeVar("T")
Answer = dict[str, Any]
Tell = Callable[[Any], Any]

# Before the request was signed there is nothing to find; an exchange's own clocks differ a little.
_WINDOW_MARGIN = timedelta(seconds=60)
_SKEW_MS_MAX = 1_000
_OWNERS_MAX = 50_000
_OWNER_LOOKS_MAX = 20


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one look has shown. `found`: the order, or several, which is one too many.

    `failed`: why the look is no evidence of absence; None for a complete look.
    """

    began_ms: int
    ended_ms: int
    found: tuple[OrderReport, ...]
    failed: str | None
    asked: tuple[Answer, ...]


class Round:
    """One turn of looking at an account: begun at a moment that the exchange told, lists read once a symbol.

    Every question of a round is asked after `began_ms`. Each call checks the lease first.
    """

    def __init__(
        self, session: AccountSession, lease: Lease, began_ms: int, before: float, window: timedelta
    ) -> None:
        self._session = session
        self._lease = lease
        self._before = before  # our monotonic clock when the exchange was asked for its own
        self._window = window + _WINDOW_MARGIN
        self._lists: dict[tuple[str, str], tuple[Answer, Sequence[Any] | None]] = {}
        self._since: dict[str, datetime] = {}
        self.began_ms = began_ms

    @classmethod
    async def begin(cls, session: AccountSession, lease: Lease, window: timedelta) -> "Round":
        """Ask the exchange for its clock. Raises EXCHANGE_UNAVAILABLE, LEASE_LOST."""
        gateway = session.gateway
        lease.check()
        before = gateway.clock.monotonic()
        began_ms = await gateway.ask_clock_ms()
        if abs(began_ms - gateway.exchange_now_ms()) > _SKEW_MS_MAX:
            await gateway.measure_clock()  # or it takes none of the signed questions
        return cls(session, lease, began_ms, before, window)

    def expect(self, intents: Sequence[IntentView]) -> None:
        """Let the lists of each symbol reach back far enough for all these intents."""
        for intent in intents:
            since = instant(intent["exchange_deadline"]) - self._window
            self._since[intent["symbol"]] = min(since, self._since.get(intent["symbol"], since))

    @property
    def now_ms(self) -> int:
        """The exchange's clock, as late as it can be."""
        elapsed_s = self._session.gateway.clock.monotonic() - self._before
        return self.began_ms + round(elapsed_s * 1000) + 1

    async def by_id(self, intent: IntentView) -> Evidence:
        """Ask by client order id alone: enough for presence, never for absence."""
        asking = _Asking(self, intent)
        await asking.by_client_order_id()
        return asking.evidence("only asked by client order id")

    async def whole(self, intent: IntentView, owners: "Owners") -> Evidence:
        """Ask by client order id, then the open orders, the closed ones and the trades of its symbol."""
        self.expect([intent])
        asking = _Asking(self, intent)
        if self._session.gateway.facts.query_param is not None:
            await asking.by_client_order_id()
        for name in ("open_orders", "closed_orders", "fills"):
            if asking.found:
                break
            asking.take(*await self._list(name, intent["symbol"]))
        if not asking.found and asking.failed is None:
            await asking.by_trades(owners)
        return asking.evidence(None)

    async def executions(self, report: OrderReport) -> OrderReport:
        """Return a report with what was filled of it, as far as the exchange tells it now."""
        if report.filled_quantity == 0:
            return report
        self._lease.check()
        try:
            fills = await self._session.gateway.fills(
                report.symbol, exchange_order_id=report.exchange_order_id
            )
        except HoldfastError:
            return report  # the order is there all the same; its end waits for its fills
        return replace(report, fills=tuple(fills))

    async def _list(self, name: str, symbol: str) -> tuple[Answer, Sequence[Any] | None]:
        if (name, symbol) not in self._lists:
            gateway, since = self._session.gateway, self._since[symbol]
            since_ms = int(since.timestamp() * 1000)
            reads: Mapping[str, Callable[[], Awaitable[Sequence[Any]]]] = {
                "open_orders": lambda: gateway.open_orders(symbol),
                "closed_orders": lambda: gateway.closed_orders(symbol, since_ms),
                "fills": lambda: gateway.fills(symbol, since_ms=since_ms),
            }
            how = {"symbol": symbol} | ({} if name == "open_orders" else {"since": since.isoformat()})
            tell = _fills if name == "fills" else _orders
            self._lists[name, symbol] = await self.ask(name, how, reads[name], tell)
        return self._lists[name, symbol]

    async def ask(
        self, name: str, how: Mapping[str, Any], read: Callable[[], Awaitable[T]], tell: Tell
    ) -> tuple[Answer, T | None]:
        """Ask one question; returns what is kept of it, and the answer (None if it was none)."""
        self._lease.check()
        asked: Answer = {"question": name, **how, "at": _iso(self.now_ms)}
        try:
            answer = await read()
        except HoldfastError as error:
            return {**asked, "error": str(error), "code": error.code.value}, None
        return {**asked, "answer": tell(answer), "answered_at": _iso(self.now_ms)}, answer

    async def find(self, symbol: str, **ids: str) -> tuple[Answer, OrderReport | None]:
        """Ask for one order by an id of it."""
        gateway = self._session.gateway
        return await self.ask(
            "find_order",
            {"symbol": symbol, **ids},
            lambda: gateway.find_order(symbol, **ids),
            lambda report: None if report is None else {**_order(report), "raw": report.raw},
        )


@dataclass(slots=True)
class Owners:
    """Whose orders the trades belong to that a look came across: client order ids by exchange order id."""

    known: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def learn(self, report: OrderReport) -> None:
        """Remember an order's client order id; the oldest are forgotten."""
        self.known[report.symbol, report.exchange_order_id] = report.client_order_id
        while len(self.known) > _OWNERS_MAX:
            del self.known[next(iter(self.known))]


class _Asking:
    """One intent's look while it is made."""

    def __init__(self, round_: Round, intent: IntentView) -> None:
        self._round = round_
        self._intent = intent
        self._own = intent["client_order_id"]
        self._asked: list[Answer] = []
        self._listed: list[OrderReport] = []
        self._trades: list[Fill] = []
        self._found: dict[str, OrderReport] = {}
        self.failed: str | None = None

    @property
    def found(self) -> bool:
        return bool(self._found)

    def evidence(self, failed: str | None) -> Evidence:
        reports = tuple(self._found.values())
        why = self.failed or failed
        return Evidence(self._round.began_ms, self._round.now_ms, reports, why, tuple(self._asked))

    async def by_client_order_id(self) -> None:
        asked, report = await self._round.find(self._intent["symbol"], client_order_id=self._own)
        self.take(asked, [] if report is None else [report])
        if report is not None and not self._found:
            self.failed = "the exchange answers with another order"

    def take(self, asked: Answer, rows: Sequence[Any] | None) -> None:
        """Take an answer: an error makes the look no evidence, a row of ours makes it a proof."""
        self._asked.append(asked)
        if "error" in asked or rows is None:
            self.failed = self.failed or f"{asked['question']}: {asked.get('error')}"
            return
        for row in rows:
            if isinstance(row, Fill):
                self._trades.append(row)
            else:
                self._listed.append(row)
                if row.client_order_id == self._own and row.symbol == self._intent["symbol"]:
                    self._found[row.exchange_order_id] = row

    async def by_trades(self, owners: Owners) -> None:
        """Find out whose the trades are that no listed order explains: it may hide the order alone."""
        for report in self._listed:
            owners.learn(report)
        symbol, looks = self._intent["symbol"], 0
        for order_id in sorted({t.exchange_order_id for t in self._trades if t.side == self._intent["side"]}):
            if (symbol, order_id) not in owners.known:
                if looks == _OWNER_LOOKS_MAX:
                    self.failed = "more trades than can be attributed in one look"
                    return
                looks += 1
                asked, owner = await self._round.find(symbol, exchange_order_id=order_id)
                if owner is None:
                    self._asked.append(asked)
                    self.failed = f"a trade of order {order_id}, which the exchange does not show"
                    return
                owners.learn(owner)
                self.take(asked, [owner])
            if owners.known[symbol, order_id] == self._own and not self._found:
                self.failed = f"order {order_id} was ours, and is not shown any more"
                return


def _orders(reports: Sequence[OrderReport]) -> list[Answer]:
    return [_order(report) for report in reports]


def _fills(fills: Sequence[Fill]) -> list[Answer]:
    return [_fill(fill) for fill in fills]


def _order(report: OrderReport) -> Answer:
    return {
        "exchange_order_id": report.exchange_order_id,
        "client_order_id": report.client_order_id,
        "side": report.side,
        "status": report.status,
        "quantity": None if report.quantity is None else to_text(report.quantity),
        "filled_quantity": None if report.filled_quantity is None else to_text(report.filled_quantity),
        "exchange_time": None if report.exchange_time is None else report.exchange_time.isoformat(),
    }


def _fill(fill: Fill) -> Answer:
    return {
        "exchange_trade_id": fill.exchange_trade_id,
        "exchange_order_id": fill.exchange_order_id,
        "client_order_id": fill.client_order_id,
        "side": fill.side,
        "price": to_text(fill.price),
        "quantity": to_text(fill.quantity),
        "exchange_time": fill.exchange_time.isoformat(),
    }


def _iso(unix_ms: int) -> str:
    return datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat()
