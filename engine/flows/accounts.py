"""The exchange accounts a process can trade on, with their gateway, instruments, quotes and profiles."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.instruments import Instrument
from engine.domain.outcomes import Quote
from engine.exchange.gateway import Gateway
from engine.flows.lease import Lease
from engine.ledger import reads
from engine.ledger.intents import IntentView, Kind
from engine.ledger.seam import Ledger

_DEFAULT_SLIPPAGE = Decimal("0.01")
_DEFAULT_QUOTE_AGE_MS = 2_000


class QuoteBook:
    """The last quote of each symbol of an account; the monitor puts, flows and valuations read.

    Accounts of one exchange may share the quotes; what is asked for stays each account's own.
    """

    def __init__(self, shared: dict[str, Quote] | None = None) -> None:
        self._quotes: dict[str, Quote] = {} if shared is None else shared
        self.asked: set[str] = set()  # what flows need: the monitor keeps it fresh

    def sharing(self) -> "QuoteBook":
        """Return a book of another account with the same quotes."""
        return QuoteBook(self._quotes)

    def put(self, quote: Quote) -> None:
        """Take a quote; an older one than the last is dropped."""
        last = self._quotes.get(quote.symbol)
        if last is None or quote.at_ms >= last.at_ms:
            self._quotes[quote.symbol] = quote

    def get(self, symbol: str) -> Quote | None:
        """Return the last quote of a symbol, and remember that it is needed."""
        self.asked.add(symbol)
        return self._quotes.get(symbol)

    def peek(self, symbol: str) -> Quote | None:
        """Return the last quote of a symbol without asking for more of it."""
        return self._quotes.get(symbol)

    def all(self) -> list[Quote]:
        """Return the last quotes of all symbols."""
        return list(self._quotes.values())


def _open(_kind: Kind) -> None:
    """All gates of an account are open."""


@dataclass(slots=True)
class AccountSession:
    """One exchange account this process trades on; `instruments` by symbol.

    `lease` is there while this process holds the account's lease: then it alone follows and settles.
    `closed_for` gives gate and reason while entries, or exits, are not to be taken.
    """

    tenant_id: UUID
    account_id: UUID
    gateway: Gateway
    instruments: Mapping[str, Instrument]
    quotes: QuoteBook = field(default_factory=QuoteBook)
    lease: Lease | None = None
    closed_for: Callable[[Kind], tuple[str, str] | None] = _open
    skewed: str | None = None  # why the exchange's clock is too far from ours to open entries by it

    def check_open(self, kind: Kind) -> None:
        """Let an entry or exit of this account pass. Raises NOT_READY with the gate that is closed for it."""
        closed = self.closed_for(kind)
        if closed is None and kind == "entry" and self.skewed is not None:
            closed = ("clock", self.skewed)
        if closed is not None:
            raise HoldfastError(
                ErrorCode.NOT_READY,
                f"{closed[0]}: {closed[1]}",
                gate=closed[0],
                account_id=str(self.account_id),
            )

    def instrument(self, symbol: str) -> Instrument:
        """Return what the symbol names. Raises UNKNOWN_SYMBOL."""
        found = self.instruments.get(symbol)
        if found is None:
            raise HoldfastError(ErrorCode.UNKNOWN_SYMBOL, symbol=symbol)
        return found


@dataclass(frozen=True, slots=True)
class Profile:
    """What Python checks of a profile before the database decides."""

    profile_id: UUID
    account_id: UUID
    name: str
    quote_asset: str
    spec_version: int
    max_slippage: Decimal
    quote_max_age_ms: int
    has_collar: bool = False  # then each entry needs a fresh reference price


class Accounts:
    """The sessions of this process, and its memory of profiles; the database has the last word on both."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._sessions: dict[tuple[UUID, UUID], AccountSession] = {}
        self._profiles: dict[tuple[UUID, str], Profile] = {}
        self._reading = asyncio.Lock()
        self._recent: dict[UUID, OrderIds] = {}

    def add(self, session: AccountSession) -> None:
        """Let flows trade on an account."""
        self._sessions[session.tenant_id, session.account_id] = session

    def remove(self, tenant_id: UUID, account_id: UUID) -> None:
        """Stop flows from trading on an account."""
        self._sessions.pop((tenant_id, account_id), None)

    def sessions(self) -> list[AccountSession]:
        """Return every session."""
        return list(self._sessions.values())

    def holds(self, tenant_id: UUID, account_id: UUID) -> bool:
        """Tell whether this process holds the lease of an account it trades on."""
        found = self._sessions.get((tenant_id, account_id))
        return found is not None and found.lease is not None and found.lease.live

    def session(self, tenant_id: UUID, account_id: UUID) -> AccountSession:
        """Return an account's session. Raises NOT_READY while this process has none."""
        found = self._sessions.get((tenant_id, account_id))
        if found is None:
            raise HoldfastError(
                ErrorCode.NOT_READY,
                "the exchange account is not connected yet",
                account_id=str(account_id),
            )
        return found

    async def profile(self, tenant_id: UUID, id_or_name: str, *, fresh: bool = False) -> Profile:
        """Return a tenant's profile by id or name. Raises NOT_FOUND, another tenant's included."""
        key = (tenant_id, id_or_name.lower())
        if fresh or key not in self._profiles or self._reading.locked():
            # the lock hands over in order of arrival: nobody overtakes who waits for the same read
            async with self._reading:
                if fresh or key not in self._profiles:
                    await self._read_profiles(tenant_id)
        found = self._profiles.get(key)
        if found is None:
            raise HoldfastError(ErrorCode.NOT_FOUND, "no such profile", profile=id_or_name)
        return found

    async def _read_profiles(self, tenant_id: UUID) -> None:
        for row in await reads.list_profiles(self._ledger, tenant_id):
            profile = _profile(row)
            self._profiles[tenant_id, str(profile.profile_id)] = profile
            self._profiles[tenant_id, profile.name.lower()] = profile

    def forget_profiles(self, tenant_id: UUID) -> None:
        """Drop what is remembered of a tenant's profiles: a spec changed."""
        for key in [key for key in self._profiles if key[0] == tenant_id]:
            del self._profiles[key]

    def remember(self, ids: "OrderIds") -> None:
        """Keep how an order is named at the exchange, so that its cancel needs no database."""
        known = self._recent.get(ids.intent_id)
        if ids.origin is None and known is not None:
            ids = replace(ids, origin=known.origin)
        self._recent[ids.intent_id] = ids
        while len(self._recent) > _RECENT_MAX:
            del self._recent[next(iter(self._recent))]

    def recall(self, tenant_id: UUID, intent_id: UUID) -> "OrderIds | None":
        """Return what `remember` kept, for the same tenant only."""
        found = self._recent.get(intent_id)
        return found if found is not None and found.tenant_id == tenant_id else None

    def recent(self, tenant_id: UUID) -> "list[OrderIds]":
        """Return every order of a tenant that `remember` kept, ended ones too, the oldest first."""
        return [ids for ids in self._recent.values() if ids.tenant_id == tenant_id]


_RECENT_MAX = 50_000


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an order comes from: what a cancel-all chooses by."""

    profile_id: UUID
    robot_id: UUID
    kind: Kind


@dataclass(frozen=True, slots=True)
class OrderIds:
    """How a confirmed order is named, here and at the exchange."""

    tenant_id: UUID
    account_id: UUID
    intent_id: UUID
    symbol: str
    exchange_order_id: str
    client_order_id: str
    origin: Origin | None = None  # None: not known where the rest was learned


def origin_of(view: IntentView) -> Origin:
    """Return where a recorded intent comes from."""
    return Origin(UUID(view["profile_id"]), UUID(view["robot_id"]), view["kind"])


def _profile(row: Mapping[str, Any]) -> Profile:
    spec = row.get("spec") or {}
    return Profile(
        UUID(str(row["profile_id"])),
        UUID(str(row["account_id"])),
        str(row["name"]),
        str(row["quote_asset"]),
        int(row["spec_version"]),
        Decimal(str(spec.get("slippage_cap", spec.get("max_slippage", _DEFAULT_SLIPPAGE)))),
        int(spec.get("quote_max_age_ms", _DEFAULT_QUOTE_AGE_MS)),
        "price_collar" in spec,
    )
