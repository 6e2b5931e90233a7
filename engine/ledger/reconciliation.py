"""Reconciliation passes: what to read, whose orders these are, what differs, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Protocol
from uuid import UUID

from engine.domain.money import to_text
from engine.domain.outcomes import Fill, OrderReport
from engine.ledger.seam import Ledger
from engine.ledger.wire import instant

# A big account's sets take longer than a robot's call: rows are compared in one statement.
_COMPARE_TIMEOUT_S = 25.0


@dataclass(frozen=True, slots=True)
class PlanProfile:
    """A profile of the account that is compared."""

    profile_id: UUID
    name: str
    quote_asset: str


@dataclass(frozen=True, slots=True)
class PlanSymbol:
    """What to read of a symbol: trades (and closed orders) since a moment of the exchange.

    `trade_id` is the cursor (None: never read). `hot`: open orders, unresolved intents, a position, or traded
    within the last day; the others are history whose trades can only be foreign or late.
    """

    symbol: str
    since: datetime
    trade_id: str | None
    open_orders: int
    hot: bool


@dataclass(frozen=True, slots=True)
class PassPlan:
    """A pass that has begun. Rows of the ledger touched after `began_at` (database time) are not compared."""

    pass_id: int
    began_at: datetime
    dry_run: bool
    tag: str
    read_from: datetime
    transfers_since: datetime
    profiles: tuple[PlanProfile, ...]
    symbols: tuple[PlanSymbol, ...]
    assets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whose an order is."""

    profile_id: UUID
    intent_id: UUID
    state: str


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference. `key` names it within its kind; numbers in `detail` are text, moments ISO text."""

    kind: str
    key: str
    profile_id: UUID | None = None
    intent_id: UUID | None = None
    symbol: str | None = None
    exchange_order_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProfilePart:
    """What a snapshot shows of one profile.

    `orders` are attributed reports (open and closed); `fills` the trades of the profile's orders since each
    symbol's moment; `open_symbols` those whose open orders were read completely, `trade_symbols` those whose
    trades were, with the moment since when.
    """

    began_at: datetime
    open_symbols: Sequence[str]
    trade_symbols: Mapping[str, datetime]
    orders: Sequence[tuple[UUID, OrderReport]]
    fills: Sequence[Fill]


@dataclass(frozen=True, slots=True)
class ProfileComparison:
    """What differs in one profile.

    `skipped`: touched after the pass began; `to_query`: skipped three passes in a row, to be asked for by
    themselves.
    """

    compared: int
    skipped: tuple[UUID, ...]
    to_query: tuple[UUID, ...]
    mismatches: tuple[Mismatch, ...]


class Transfer(Protocol):
    """A deposit or withdrawal; `quantity` is without the fee, which a withdrawal pays in the same asset."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> Literal["deposit", "withdrawal"]: ...
    @property
    def asset(self) -> str: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def fee(self) -> Decimal: ...
    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class AccountPart:
    """What a snapshot shows of the account beside its profiles' orders.

    `cursors_same`: the newest trades before and after the balance read were the same. `balances` None: not
    read; an asset missing in it is not zero. `own_orders` carry our tag and belong to no intent;
    `foreign_orders` do not; `foreign_fills` are the trades of both.
    """

    began_at: datetime
    cursors_same: bool
    balances: Mapping[str, Decimal] | None
    own_orders: Sequence[OrderReport] = ()
    foreign_orders: Sequence[OrderReport] = ()
    foreign_fills: Sequence[Fill] = ()
    transfers: Sequence[Transfer] = ()


@dataclass(frozen=True, slots=True)
class AccountComparison:
    """What differs in the account. `explained`: booked on the unassigned holding now, or known to stand.

    `equations`: "compared", or why they were not. `halted`: profiles whose asset a foreign order sold.
    """

    mismatches: tuple[Mismatch, ...]
    explained: tuple[Mismatch, ...]
    equations: str
    mode_before: str
    mode_after: str
    halted: tuple[UUID, ...]
    postponed: int


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a mismatch in this pass: outcome "healed", "explained" or "open"."""

    mismatch: Mismatch
    outcome: str
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a symbol's trades are read and booked."""

    symbol: str
    exchange_trade_id: str | None
    exchange_time: datetime


@dataclass(frozen=True, slots=True)
class PassEnd:
    """How a pass ended. `complete`: what it did not see does not exist, so older mismatches end.

    `outcome`: "clean", "healed", "explained", "open" or "failed"; `compared`: counts for the record.
    """

    outcome: str
    complete: bool
    compared: Mapping[str, Any]
    skipped: Sequence[UUID] = ()
    found: Sequence[Found] = ()
    cursors: Sequence[Cursor] = ()
    error: str | None = None


async def begin_pass(
    ledger: Ledger,
    tenant_id: UUID,
    account_id: UUID,
    token: int | None,
    cause: str,
    *,
    profile_id: UUID | None = None,
    dry_run: bool = False,
) -> PassPlan:
    """Begin a pass and learn what to read. Raises STALE_TOKEN (a dry run needs no lease), NOT_FOUND."""
    plan = await ledger.call("fn_begin_pass", tenant_id, account_id, token, cause, profile_id, dry_run)
    return PassPlan(
        int(plan["pass_id"]),
        instant(plan["began_at"]),
        dry_run,
        str(plan["tag"]),
        instant(plan["read_from"]),
        instant(plan["transfers_since"]),
        tuple(
            PlanProfile(UUID(one["profile_id"]), str(one["name"]), str(one["quote_asset"]))
            for one in plan["profiles"]
        ),
        tuple(
            PlanSymbol(
                str(one["symbol"]), instant(one["since"]), one["trade_id"], int(one["open"]), bool(one["hot"])
            )
            for one in plan["symbols"]
        ),
        tuple(plan["assets"]),
    )


async def attribute_orders(
    ledger: Ledger, tenant_id: UUID, account_id: UUID, orders: Sequence[tuple[str, str, str | None]]
) -> list[Attribution | None]:
    """Tell whose orders (symbol, exchange order id, client order id) these are, in their order."""
    owners: list[Attribution | None] = [None] * len(orders)
    if not orders:
        return owners
    symbols, exchange_order_ids, client_order_ids = zip(*orders, strict=True)
    given = {
        "symbol": symbols,
        "exchange_order_id": exchange_order_ids,
        "client_order_id": client_order_ids,
    }
    deadline = ledger.deadline(_COMPARE_TIMEOUT_S)
    for row in await ledger.rows("fn_attribute_orders", tenant_id, account_id, given, deadline=deadline):
        owners[row["place"]] = Attribution(row["profile_id"], row["intent_id"], row["state"])
    return owners


async def lock_profiles(
    ledger: Ledger,
    tenant_id: UUID,
    account_id: UUID,
    profile_ids: Sequence[UUID],
    *,
    holder: UUID,
    token: int,
    ttl_s: float,
) -> dict[UUID, int]:
    """Take the reconciliation locks of an account's profiles; the tokens of those that nobody else holds.

    Raises STALE_TOKEN.
    """
    answers = await ledger.call(
        "fn_lock_reconciliation",
        tenant_id,
        account_id,
        list(profile_ids),
        holder,
        token,
        round(ttl_s * 1000),
    )
    return {
        profile_id: int(answer["fencing_token"])
        for profile_id, answer in zip(profile_ids, answers, strict=True)
        if answer["code"] == "OK"
    }


async def unlock_profiles(ledger: Ledger, tenant_id: UUID, locks: Mapping[UUID, int]) -> bool:
    """Give locks back, with their tokens by profile; False if one was no longer ours."""
    given = [{"profile_id": profile_id, "fencing_token": token} for profile_id, token in locks.items()]
    answers = await ledger.call("fn_unlock_reconciliation", tenant_id, given)
    return all(answer["code"] == "OK" for answer in answers)


async def compare_profile(
    ledger: Ledger, tenant_id: UUID, profile_id: UUID, lock_token: int | None, part: ProfilePart
) -> ProfileComparison:
    """Compare a profile's orders and fills with what the exchange shows; reads only.

    `lock_token` None: a dry run. Raises STALE_TOKEN when the lock was lost.
    """
    given = {
        "began_at": part.began_at,
        "open_symbols": list(part.open_symbols),
        "trade_symbols": [{"symbol": symbol, "since": since} for symbol, since in part.trade_symbols.items()],
        "orders": _columns(part.orders),
        "fills": [
            {
                "symbol": fill.symbol,
                "exchange_order_id": fill.exchange_order_id,
                "exchange_trade_id": fill.exchange_trade_id,
                "price": to_text(fill.price),
                "quantity": to_text(fill.quantity),
                "exchange_time": fill.exchange_time,
            }
            for fill in part.fills
        ],
    }
    deadline = ledger.deadline(_COMPARE_TIMEOUT_S)
    answer = await ledger.call(
        "fn_compare_profile", tenant_id, profile_id, lock_token, given, deadline=deadline
    )
    return ProfileComparison(
        int(answer["compared"]),
        tuple(UUID(one) for one in answer["skipped"]),
        tuple(UUID(one) for one in answer["to_query"]),
        tuple(_mismatch(one) for one in answer["mismatches"]),
    )


async def compare_account(
    ledger: Ledger,
    tenant_id: UUID,
    account_id: UUID,
    token: int | None,
    part: AccountPart,
    *,
    dry_run: bool = False,
) -> AccountComparison:
    """Book foreign fills and transfers on the unassigned holding, then compare the account's equations.

    Call it after the profiles' mismatches were handled. A dry run books nothing and says what would be.
    """
    given = {
        "began_at": part.began_at,
        "cursors_same": part.cursors_same,
        "balances": None
        if part.balances is None
        else {asset: to_text(total) for asset, total in part.balances.items()},
        "own_orders": [order_item(report) for report in part.own_orders],
        "foreign_orders": [order_item(report) for report in part.foreign_orders],
        "foreign_fills": [_foreign_fill(fill) for fill in part.foreign_fills],
        "transfers": [
            {
                "id": one.id,
                "kind": one.kind,
                "asset": one.asset,
                "quantity": to_text(one.quantity),
                "fee": to_text(one.fee),
                "at": one.at,
            }
            for one in part.transfers
        ],
    }
    deadline = ledger.deadline(_COMPARE_TIMEOUT_S)
    answer = await ledger.call(
        "fn_compare_account", tenant_id, account_id, token, dry_run, given, deadline=deadline
    )
    return AccountComparison(
        tuple(_mismatch(one) for one in answer["mismatches"]),
        tuple(_mismatch(one) for one in answer["explained"]),
        str(answer["equations"]),
        str(answer["mode"]["before"]),
        str(answer["mode"]["after"]),
        tuple(UUID(one) for one in answer["halted"]),
        int(answer["postponed"]),
    )


async def finish_pass(
    ledger: Ledger, tenant_id: UUID, pass_id: int, token: int | None, end: PassEnd
) -> dict[str, int]:
    """Record how a pass ended; what stands open after it, per kind. Raises STALE_TOKEN, NOT_FOUND."""
    compared = {
        **end.compared,
        "complete": end.complete,
        "skipped": [str(one) for one in end.skipped],
    }
    found = [
        {
            "kind": one.mismatch.kind,
            "key": one.mismatch.key,
            "profile_id": one.mismatch.profile_id,
            "intent_id": one.mismatch.intent_id,
            "detail": {
                **one.mismatch.detail,
                "symbol": one.mismatch.symbol,
                "exchange_order_id": one.mismatch.exchange_order_id,
            },
            "cause": one.cause,
            "outcome": one.outcome,
        }
        for one in end.found
    ]
    cursors = [
        {
            "symbol": one.symbol,
            "exchange_trade_id": one.exchange_trade_id,
            "exchange_time": one.exchange_time,
        }
        for one in end.cursors
    ]
    deadline = ledger.deadline(_COMPARE_TIMEOUT_S)
    answer = await ledger.call(
        "fn_finish_pass",
        tenant_id,
        pass_id,
        token,
        end.outcome,
        compared,
        found,
        cursors,
        end.error,
        deadline=deadline,
    )
    return {str(kind): int(count) for kind, count in answer["open"].items()}


def _columns(orders: Sequence[tuple[UUID, OrderReport]]) -> dict[str, list[str | None]]:
    """Return of reports what is compared, in columns: there may be very many, and names cost as values do."""
    reports = [report for _, report in orders]
    filled = [report.filled_quantity for report in reports]
    return {
        "intent_id": [str(intent_id) for intent_id, _ in orders],
        "exchange_order_id": [report.exchange_order_id for report in reports],
        "status": [report.status for report in reports],
        "side": [report.side for report in reports],
        "filled_quantity": [None if one is None else str(one) for one in filled],
        "quantity": [None if report.quantity is None else str(report.quantity) for report in reports],
    }


def order_item(report: OrderReport) -> dict[str, Any]:
    """Return a report as the functions take it."""
    return {
        "symbol": report.symbol,
        "exchange_order_id": report.exchange_order_id,
        "client_order_id": report.client_order_id,
        "status": report.status,
        "side": report.side,
        "quantity": _text(report.quantity),
        "filled_quantity": _text(report.filled_quantity),
        "price": _text(report.price),
        "exchange_time": report.exchange_time,
    }


def _foreign_fill(fill: Fill) -> dict[str, Any]:
    return {
        "symbol": fill.symbol,
        "exchange_order_id": fill.exchange_order_id,
        "exchange_trade_id": fill.exchange_trade_id,
        "client_order_id": fill.client_order_id,
        "side": fill.side,
        "price": to_text(fill.price),
        "quantity": to_text(fill.quantity),
        "fee_quantity": _text(fill.fee_quantity),
        "fee_asset": fill.fee_asset,
        "maker": fill.maker,
        "exchange_time": fill.exchange_time,
    }


def _text(quantity: Decimal | None) -> str | None:
    return None if quantity is None else to_text(quantity)


def _mismatch(given: Mapping[str, Any]) -> Mismatch:
    return Mismatch(
        str(given["kind"]),
        str(given["key"]),
        _id(given.get("profile_id")),
        _id(given.get("intent_id")),
        given.get("symbol"),
        given.get("exchange_order_id"),
        dict(given["detail"]),
    )


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
