"""What this process is about to record, and what it has recorded: so that a stream's copy need not be."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from engine.domain.outcomes import Fill, OrderReport

_KNOWN_MAX = 20_000


class Underway:
    """The sends of this process whose outcome is not recorded yet, by account and client order id.

    The exchange's stream overtakes its own answer; who books what the stream says before the answer is
    recorded makes the database do everything twice.
    """

    def __init__(self) -> None:
        self._sends: dict[tuple[UUID, str], asyncio.Event] = {}

    @contextmanager
    def sending(self, account_id: UUID, client_order_id: str) -> Iterator[None]:
        """Hold a send for under way until its outcome is recorded, or given up."""
        key, ended = (account_id, client_order_id), asyncio.Event()
        self._sends[key] = ended
        try:
            yield
        finally:
            self._sends.pop(key, None)
            ended.set()

    def has(self, account_id: UUID, client_order_id: str | None) -> bool:
        """Tell whether the outcome of a send is still to be recorded."""
        return client_order_id is not None and (account_id, client_order_id) in self._sends

    async def recorded(self, account_id: UUID, client_order_id: str | None, timeout_s: float) -> bool:
        """Wait until a send is no longer under way; False if the time was over first."""
        if client_order_id is None:
            return True
        ended = self._sends.get((account_id, client_order_id))
        if ended is None:
            return True
        try:
            async with asyncio.timeout(timeout_s):
                await ended.wait()
        except TimeoutError:
            return False
        return True


class KnownFacts:
    """Facts that the database has committed, as far as this process remembers: the last ones only.

    To forget one costs a call, nothing else; so a fact is added only after its commit, and only in the very
    form in which it was booked. Nobody decides by it but the stream's reader: polling asks the database.
    """

    def __init__(self, length_max: int = _KNOWN_MAX) -> None:
        self._facts: dict[tuple[object, ...], None] = {}
        self._length_max = length_max

    def __len__(self) -> int:
        return len(self._facts)

    def add_fills(self, account_id: UUID, fills: Iterable[Fill]) -> None:
        """Remember fills whose booking is committed."""
        for fill in fills:
            self._add(_fill_key(account_id, fill))

    def add_end(self, account_id: UUID, report: OrderReport) -> None:
        """Remember that an order's end is committed as it was reported."""
        self._add(_end_key(account_id, report))

    def add_order(self, account_id: UUID, report: OrderReport, client_order_id: str) -> None:
        """Remember that an order is committed as that of an intent."""
        self._add(_order_key(account_id, report, client_order_id))

    def has_order(self, account_id: UUID, report: OrderReport) -> bool:
        """Tell whether this very order was committed under the client order id that the report names."""
        own = report.client_order_id
        return own is not None and _order_key(account_id, report, own) in self._facts

    def has_fill(self, account_id: UUID, fill: Fill) -> bool:
        """Tell whether the very same fill, fee and all, was committed."""
        return _fill_key(account_id, fill) in self._facts

    def has_end(self, account_id: UUID, report: OrderReport) -> bool:
        """Tell whether the same end with the same filled quantity was committed."""
        return _end_key(account_id, report) in self._facts

    def _add(self, key: tuple[object, ...]) -> None:
        self._facts.pop(key, None)
        self._facts[key] = None
        while len(self._facts) > self._length_max:
            del self._facts[next(iter(self._facts))]


def _fill_key(account_id: UUID, fill: Fill) -> tuple[object, ...]:
    # with what was booked beside the identity: a copy that says something else goes to the database
    said = (fill.price, fill.quantity, fill.fee_quantity, fill.fee_asset)
    return (account_id, fill.symbol, fill.exchange_order_id, fill.exchange_trade_id, *said)


def _order_key(account_id: UUID, report: OrderReport, client_order_id: str) -> tuple[object, ...]:
    return (account_id, report.symbol, report.exchange_order_id, client_order_id)


def _end_key(account_id: UUID, report: OrderReport) -> tuple[object, ...]:
    return (account_id, report.symbol, report.exchange_order_id, report.status, report.filled_quantity)
