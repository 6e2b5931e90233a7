"""What robots ask of the flows, and what they are answered; free of HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.domain.errors import EXPLANATIONS, ErrorCode, HoldfastError, Outcome
from engine.domain.requests import OrderType, TimeInForce
from engine.ledger.intents import IntentView
from engine.ledger.requests import Claim

OK = "OK"


@dataclass(frozen=True, slots=True)
class EntryCommand:
    """A wish to buy base with the profile's quote; `profile` is an id or a name.

    `request_hash` is what two requests under one idempotency key are compared by. `limit_price` None:
    market. `expires_after_ms`: dropped unsent if it waits longer than that for its turn.
    """

    tenant_id: UUID
    robot_id: UUID
    profile: str
    idempotency_key: str
    request_hash: str
    symbol: str
    type: OrderType
    quantity: Decimal
    limit_price: Decimal | None = None
    time_in_force: TimeInForce = "GTC"
    post_only: bool = False
    label: str | None = None
    expires_after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ExitCommand:
    """A wish to sell base that the profile holds; `quantity` None is "all" that whole lots can sell."""

    tenant_id: UUID
    robot_id: UUID
    profile: str
    idempotency_key: str
    request_hash: str
    symbol: str
    type: OrderType
    quantity: Decimal | None
    limit_price: Decimal | None = None
    time_in_force: TimeInForce = "GTC"
    post_only: bool = False
    label: str | None = None
    expires_after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CancelCommand:
    """A wish to cancel the order of an intent."""

    tenant_id: UUID
    intent_id: UUID
    actor: str  # "robot:<id>" | "operator:<name>"
    claim: Claim | None = None  # the key of a robot's call


@dataclass(frozen=True, slots=True)
class CancelAllCommand:
    """A wish to cancel every unfinished order, or those of a profile (id or name), symbol or robot."""

    tenant_id: UUID
    claim: Claim
    profile: str | None = None
    symbol: str | None = None
    robot_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """How an intent was answered.

    `code` is OK or an ErrorCode's value. `recorded` False: it is known, but the database has not
    taken it yet; it is repeated until it has. `details` hold the numbers of a denial, the exchange's
    code, `resolve_by` of an unknown outcome; all JSON-ready. For cancels `details["cancel"]` says
    recorded | sent | done | final | sent_not_recorded | unknown.
    """

    code: str
    outcome: Outcome
    recorded: bool = True
    replay: bool = False
    intent: IntentView | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether what was asked for happened, or was happening when it was asked again."""
        return self.code == OK

    @property
    def retryable(self) -> bool:
        """Whether the same request may be sent again."""
        return not self.ok and EXPLANATIONS[ErrorCode(self.code)].retryable

    @property
    def message(self) -> str:
        """The sentence behind the code."""
        return "" if self.ok else EXPLANATIONS[ErrorCode(self.code)].text


EntryAnswer = Answer
ExitAnswer = Answer
CancelAnswer = Answer


def denied(code: ErrorCode, details: Mapping[str, Any] | None = None) -> Answer:
    """Return the answer of a request that was refused before anything was sent."""
    return Answer(code.value, Outcome.NOT_PLACED, details=dict(details or {}))


def refused_by(error: HoldfastError) -> Answer:
    """Return the answer of a request that an error ended before anything was sent."""
    details = {key: value for key, value in error.details.items() if key not in _INTERNAL_DETAILS}
    return Answer(error.code.value, Outcome.NOT_PLACED, details={"message": str(error), **details})


_INTERNAL_DETAILS = frozenset({"function", "sqlstate", "effect", "cause"})
