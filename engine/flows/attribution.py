"""Says whose each order and trade of a snapshot is: an intent's, ours without an intent, or a stranger's."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from engine.domain.ids import is_ours
from engine.domain.outcomes import Fill, OrderReport
from engine.flows.accounts import AccountSession
from engine.flows.lease import Lease
from engine.flows.snapshot import OrderKey, Snapshot
from engine.ledger import reconciliation
from engine.ledger.reconciliation import AccountPart, Attribution, ProfilePart
from engine.ledger.seam import Ledger
from engine.runtime.log import get_logger

_log = get_logger(__name__)


@dataclass(slots=True)
class Owners:
    """`known` by order; `strangers` are orders without an intent, `hidden` those of which only trades show.

    Trades of hidden orders are left for a later pass: they may be ours.
    """

    known: dict[OrderKey, Attribution] = field(default_factory=dict)
    strangers: dict[OrderKey, OrderReport] = field(default_factory=dict)
    hidden: set[OrderKey] = field(default_factory=set)


@dataclass(slots=True)
class Shares:
    """A snapshot divided: what each profile is compared with, and what is nobody's."""

    orders: dict[UUID, list[tuple[UUID, OrderReport]]]
    fills: dict[UUID, list[Fill]]
    own: list[OrderReport]
    foreign: list[OrderReport]
    foreign_fills: list[Fill]
    read_until: dict[str, datetime]

    def of_profile(self, profile_id: UUID, snapshot: Snapshot, began_at: datetime) -> ProfilePart:
        """Return a profile's part."""
        return ProfilePart(
            began_at,
            sorted(snapshot.open_symbols),
            snapshot.since,
            self.orders.get(profile_id, []),
            self.fills.get(profile_id, []),
        )

    def of_account(self, snapshot: Snapshot, began_at: datetime) -> AccountPart:
        """Return the account's part."""
        held = snapshot.balances
        return AccountPart(
            began_at,
            snapshot.quiet,
            None if held is None else {asset: each.total for asset, each in held.items()},
            self.own,
            self.foreign,
            self.foreign_fills,
            snapshot.transfers,
        )


class Attributor:
    """Asks the ledger whose an order is; what it once said stays true and is not asked again.

    `looks_max`: how many orders of which only trades show are asked for in one pass.
    """

    def __init__(self, ledger: Ledger, looks_max: int) -> None:
        self._ledger = ledger
        self._looks_max = looks_max
        self._told: dict[UUID, dict[OrderKey, Attribution]] = {}

    async def attribute(self, session: AccountSession, lease: Lease, snapshot: Snapshot) -> Owners:
        """Return whose everything in a snapshot is. Raises EXCHANGE_UNAVAILABLE and SQL's errors."""
        owners, told = Owners(), self._told.get(session.account_id, {})
        keys = dict.fromkeys([*snapshot.orders, *(order_key(fill) for fill in snapshot.fills.values())])
        owners.known = {key: told[key] for key in keys if key in told}
        await self._ask(session, snapshot, [key for key in keys if key not in told], owners)
        # a trade tells no client order id, but its order does
        for symbol, exchange_order_id in sorted(owners.hidden)[: self._looks_max]:
            lease.check()
            report = await session.gateway.find_order(symbol, exchange_order_id=exchange_order_id)
            if report is not None:
                snapshot.add_orders([report])
        shown = [key for key in owners.hidden if key in snapshot.orders]
        owners.hidden.difference_update(shown)
        await self._ask(session, snapshot, shown, owners)
        self._told[session.account_id] = dict(owners.known)
        if owners.hidden:
            _log.warning("trades of orders that are not shown", orders=len(owners.hidden))
        return owners

    def forget(self, account_id: UUID) -> None:
        """Ask anew from the next pass on."""
        self._told.pop(account_id, None)

    async def _ask(
        self, session: AccountSession, snapshot: Snapshot, keys: Sequence[OrderKey], owners: Owners
    ) -> None:
        reports = [snapshot.orders.get(key) for key in keys]
        told = await reconciliation.attribute_orders(
            self._ledger,
            session.tenant_id,
            session.account_id,
            [
                (*key, None if report is None else report.client_order_id)
                for key, report in zip(keys, reports, strict=True)
            ],
        )
        for key, report, owner in zip(keys, reports, told, strict=True):
            if owner is not None:
                owners.known[key] = owner
            elif report is not None:
                owners.strangers[key] = report
            else:
                owners.hidden.add(key)


def divide(snapshot: Snapshot, owners: Owners, *, tag: str, exchange: str, began: datetime) -> Shares:
    """Divide a snapshot by owner; `began`: when the exchange was first asked, by its clock."""
    orders: dict[UUID, list[tuple[UUID, OrderReport]]] = defaultdict(list)
    for key, report in snapshot.orders.items():
        owner = owners.known.get(key)
        if owner is not None:
            orders[owner.profile_id].append((owner.intent_id, report))
    fills: dict[UUID, list[Fill]] = defaultdict(list)
    foreign: list[Fill] = []
    read_until = dict.fromkeys(snapshot.since, began)
    for fill in snapshot.in_time():
        key = order_key(fill)
        owner, stranger = owners.known.get(key), owners.strangers.get(key)
        if owner is not None:
            fills[owner.profile_id].append(fill)
        elif stranger is not None:
            foreign.append(replace(fill, client_order_id=stranger.client_order_id or ""))
        else:
            read_until[fill.symbol] = min(read_until[fill.symbol], fill.exchange_time)
    ours = {key for key, each in owners.strangers.items() if is_ours(tag, exchange, each.client_order_id)}
    return Shares(
        orders,
        fills,
        _chosen(owners.strangers, ours),
        _chosen(owners.strangers, owners.strangers.keys() - ours),
        foreign,
        read_until,
    )


def order_key(of: Fill | OrderReport) -> OrderKey:
    """Return how an order is identified on an account."""
    return (of.symbol, of.exchange_order_id)


def _chosen(strangers: dict[OrderKey, OrderReport], keys: Iterable[OrderKey]) -> list[OrderReport]:
    return [strangers[key] for key in sorted(keys)]
