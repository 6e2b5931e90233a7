"""What entries and exits have in common: views, results of opening, the ends without a confirmation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypedDict
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger.seam import Ledger
from engine.ledger.wire import instant, number

Kind = Literal["entry", "exit"]


class OrderView(TypedDict):
    """A confirmed order inside an intent's view; numbers are text."""

    status: str
    unconfirmed: bool
    quantity: str
    filled_quantity: str
    booked_quantity: str
    booked_notional: str
    average_price: str | None
    fees: dict[str, str]
    exchange_time: str | None
    finished_at: str | None


class IntentView(TypedDict):
    """An intent as robots see it; numbers are text, moments ISO text."""

    id: str
    kind: Kind
    profile_id: str
    account_id: str
    robot_id: str
    symbol: str
    side: str
    type: str
    quantity: str
    limit_price: str | None
    time_in_force: str
    post_only: bool
    label: str | None
    client_order_id: str
    state: str
    exchange_order_id: str | None
    reserved: str | None
    remaining: str | None
    cancel_requested_at: str | None
    reason_code: str | None
    reason: str | None
    expires_at: str
    exchange_deadline: str
    spec_version: int
    created_at: str
    updated_at: str
    fencing_token: int
    owner: str
    order: OrderView | None


@dataclass(frozen=True, slots=True)
class Opened:
    """The intent is durable and 'sending'; its owner may send it once."""

    intent_id: UUID
    client_order_id: str
    fencing_token: int
    expires_at: datetime
    exchange_deadline: datetime
    quantity: Decimal
    reserved: Decimal
    available: Decimal | None  # after it; None for exits
    spec_version: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """The key was used before: the intent as it is now, or the denial stored with the key."""

    intent: IntentView | None
    denial: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Denied:
    """Refused before anything was sent; nothing is left but what the code says."""

    code: ErrorCode
    details: Mapping[str, Any]


OpenResult = Opened | Replayed | Denied


@dataclass(frozen=True, slots=True)
class Persisted:
    """The confirmation is recorded. `conflict`: the intent has another order already, visible in audit."""

    replay: bool
    order_status: str | None
    cancel_requested: bool
    false_absence: bool
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """How a release went: OK, STALE_TOKEN (someone else owns the intent), ILLEGAL_TRANSITION, NOT_FOUND."""

    code: str
    replay: bool

    @property
    def done(self) -> bool:
        """Whether the intent is in that state now."""
        return self.code == "OK"


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a send without a confirmation. `exchange_code` only where the exchange refused."""

    intent_id: UUID
    fencing_token: int
    reason: str
    exchange_code: str | None = None
    evidence: Mapping[str, Any] | None = None

    def item(self) -> dict[str, Any]:
        """Return the array item of fn_not_placed, fn_mark_in_doubt and the two reject functions."""
        item: dict[str, Any] = {
            "intent_id": self.intent_id,
            "fencing_token": self.fencing_token,
            "evidence": self.evidence,
        }
        if self.exchange_code is None:
            return item | {"reason": self.reason}
        return item | {"exchange_code": self.exchange_code, "message": self.reason}


async def find_answer(
    ledger: Ledger, tenant_id: UUID, robot_id: UUID, key: str, request_hash: str
) -> Replayed | Denied | None:
    """Return what a key was answered, None if it is new; opens nothing."""
    found = await ledger.call("fn_find_answer", tenant_id, robot_id, key, request_hash)
    if found is None:
        return None
    result = open_result(found, None)
    return None if isinstance(result, Opened) else result


async def not_placed(
    ledger: Ledger, tenant_id: UUID, ending: Ending, *, deadline: float | None = None
) -> Ended:
    """Record that the order never left, or is proven absent; releases everything."""
    return ended(await ledger.item("fn_not_placed", tenant_id, ending.item(), deadline=deadline))


async def mark_in_doubt(
    ledger: Ledger, tenant_id: UUID, ending: Ending, *, deadline: float | None = None
) -> Ended:
    """Record that the outcome is unknown; reservation and lock stay."""
    return ended(await ledger.item("fn_mark_in_doubt", tenant_id, ending.item(), deadline=deadline))


def ended(result: Mapping[str, Any]) -> Ended:
    """Read the result of a release."""
    return Ended(str(result["code"]), bool(result.get("replay", False)))


def open_result(result: Mapping[str, Any], quantity: Decimal | None) -> OpenResult:
    """Read the result of opening an intent; `quantity` is what was asked for (None: "all")."""
    code = str(result["code"])
    if code == "REPLAY":
        return Replayed(result.get("intent"), result.get("denial"))
    if code != "OK":
        return Denied(ErrorCode(code), {key: value for key, value in result.items() if key != "code"})
    decided = number(result.get("quantity")) or quantity
    reserved = number(result.get("reserved")) or decided
    if decided is None or reserved is None:
        raise HoldfastError(ErrorCode.INTERNAL, "an opened intent without quantity")
    return Opened(
        UUID(str(result["intent_id"])),
        str(result["client_order_id"]),
        int(result["fencing_token"]),
        instant(result["expires_at"]),
        instant(result["exchange_deadline"]),
        decided,
        reserved,
        number(result.get("available")),
        int(result["spec_version"]),
    )


def persisted(result: Mapping[str, Any]) -> Persisted:
    """Read the result of persisting a confirmation; NOT_FOUND and the like are raised."""
    code = str(result["code"])
    if code not in {"OK", "CONFLICT"}:
        raise HoldfastError(ErrorCode(code), **{k: v for k, v in result.items() if k != "code"})
    return Persisted(
        bool(result.get("replay", False)),
        result.get("order_status"),
        bool(result.get("cancel_requested", False)),
        bool(result.get("false_absence", False)),
        conflict=code == "CONFLICT",
    )
