"""Every error code that a robot, an operator or a log can see, with what it means: the closed set."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What is known of the order at the exchange when an answer is given."""

    PLACED = "placed"
    NOT_PLACED = "not_placed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Explanation:
    """HTTP status, whether the same request may be sent again, and the sentence shown by docs and CLI."""

    status: int
    retryable: bool
    text: str


class ErrorCode(StrEnum):
    """Stable codes; the text behind each is in `EXPLANATIONS`."""

    # the request itself
    BAD_REQUEST = "BAD_REQUEST"
    UNAUTHORIZED = "UNAUTHORIZED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    IDEMPOTENCY_KEY_REQUIRED = "IDEMPOTENCY_KEY_REQUIRED"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    INVALID_NUMBER = "INVALID_NUMBER"
    UNKNOWN_SYMBOL = "UNKNOWN_SYMBOL"
    INVALID_PRICE = "INVALID_PRICE"
    INVALID_QUANTITY = "INVALID_QUANTITY"
    BELOW_MIN_NOTIONAL = "BELOW_MIN_NOTIONAL"
    SPEC_INVALID_SCHEMA = "SPEC_INVALID_SCHEMA"
    PRECONDITION_REQUIRED = "PRECONDITION_REQUIRED"
    PRECONDITION_FAILED = "PRECONDITION_FAILED"
    # denials: we refuse, nothing was sent
    INSUFFICIENT_CAPITAL = "INSUFFICIENT_CAPITAL"
    INSUFFICIENT_POSITION = "INSUFFICIENT_POSITION"
    ACCOUNT_CAPITAL_EXCEEDED = "ACCOUNT_CAPITAL_EXCEEDED"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    MODE_REDUCING = "MODE_REDUCING"
    MODE_HALTED = "MODE_HALTED"
    ENTRY_LOCKED = "ENTRY_LOCKED"
    BUSY = "BUSY"
    STALE_PRICE = "STALE_PRICE"
    INTENT_EXPIRED = "INTENT_EXPIRED"
    INTENT_SENDING = "INTENT_SENDING"
    RATE_LIMITED = "RATE_LIMITED"
    # the exchange
    REJECTED = "REJECTED"
    NOT_PLACED = "NOT_PLACED"
    IN_DOUBT = "IN_DOUBT"
    EXCHANGE_UNAVAILABLE = "EXCHANGE_UNAVAILABLE"
    CIRCUIT_OPEN = "CIRCUIT_OPEN"
    EXCHANGE_TIMER_UNAVAILABLE = "EXCHANGE_TIMER_UNAVAILABLE"
    ACCOUNT_SHARED = "ACCOUNT_SHARED"
    # the engine
    NOT_READY = "NOT_READY"
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    IDENTITY_UNAVAILABLE = "IDENTITY_UNAVAILABLE"
    ILLEGAL_TRANSITION = "ILLEGAL_TRANSITION"
    STALE_TOKEN = "STALE_TOKEN"  # noqa: S105 - a fencing token, no secret
    LEASE_LOST = "LEASE_LOST"
    LEASE_HELD = "LEASE_HELD"
    IMMUTABLE = "IMMUTABLE"
    INVARIANT_BROKEN = "INVARIANT_BROKEN"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    CONFIGURATION = "CONFIGURATION"
    DRIFT = "DRIFT"
    INTERNAL = "INTERNAL"


def _e(status: int, text: str, *, retryable: bool = False) -> Explanation:
    return Explanation(status, retryable, text)


EXPLANATIONS: dict[ErrorCode, Explanation] = {
    ErrorCode.BAD_REQUEST: _e(400, "The request is not of the documented form; `errors` names each field."),
    ErrorCode.UNAUTHORIZED: _e(401, "No robot key was sent, or it is unknown or revoked."),
    ErrorCode.FORBIDDEN: _e(403, "The key is known, but may not do this."),
    ErrorCode.NOT_FOUND: _e(404, "No such thing is visible to this tenant."),
    ErrorCode.IDEMPOTENCY_KEY_REQUIRED: _e(400, "Every mutating call carries an Idempotency-Key header."),
    ErrorCode.IDEMPOTENCY_KEY_REUSED: _e(422, "This key was used before with another body."),
    ErrorCode.INVALID_NUMBER: _e(
        422, "A number is not a plain decimal string, is not positive, or exceeds 20 + 18 digits."
    ),
    ErrorCode.UNKNOWN_SYMBOL: _e(
        422, "The profile's exchange account has no such instrument in its quote asset."
    ),
    ErrorCode.INVALID_PRICE: _e(422, "The price is off the tick or outside the instrument's bounds."),
    ErrorCode.INVALID_QUANTITY: _e(422, "The quantity is off the lot or outside the instrument's bounds."),
    ErrorCode.BELOW_MIN_NOTIONAL: _e(422, "Price times quantity is below the instrument's minimum."),
    ErrorCode.SPEC_INVALID_SCHEMA: _e(422, "The profile spec is not of the documented form."),
    ErrorCode.PRECONDITION_REQUIRED: _e(
        428, "A spec is written with If-Match: the ETag of the version that was read."
    ),
    ErrorCode.PRECONDITION_FAILED: _e(
        412, "The spec has another version by now; read it again. `current_etag` is its tag."
    ),
    ErrorCode.INSUFFICIENT_CAPITAL: _e(422, "Available capital is below what this order reserves."),
    ErrorCode.INSUFFICIENT_POSITION: _e(422, "The profile holds less than this; `sellable` says how much."),
    ErrorCode.ACCOUNT_CAPITAL_EXCEEDED: _e(
        422, "The account's unassigned holding is below the capital to be allocated."
    ),
    ErrorCode.LIMIT_EXCEEDED: _e(422, "A limit of the spec forbids it; `limit` and `value` are named."),
    ErrorCode.MODE_REDUCING: _e(422, "Engine, tenant, account or profile is reducing: entries are refused."),
    ErrorCode.MODE_HALTED: _e(422, "Engine, tenant, account or profile is halted: entries are refused."),
    ErrorCode.ENTRY_LOCKED: _e(
        409, "Another entry of this profile and symbol is being placed or in doubt.", retryable=True
    ),
    ErrorCode.BUSY: _e(503, "The queue of this profile and symbol is full.", retryable=True),
    ErrorCode.STALE_PRICE: _e(503, "No ask fresh enough to bound a market entry.", retryable=True),
    ErrorCode.INTENT_EXPIRED: _e(422, "expires_after_ms passed before the order could be sent."),
    ErrorCode.INTENT_SENDING: _e(409, "The first request of this key is being sent.", retryable=True),
    ErrorCode.RATE_LIMITED: _e(
        429, "Too many requests of this kind; Retry-After says when the next one passes.", retryable=True
    ),
    ErrorCode.REJECTED: _e(422, "The exchange refused the order; its own code is in `exchange_code`."),
    ErrorCode.NOT_PLACED: _e(503, "The order never left this process; use a new key.", retryable=True),
    ErrorCode.IN_DOUBT: _e(202, "The order was sent and its outcome is unknown; its capital stays reserved."),
    ErrorCode.EXCHANGE_UNAVAILABLE: _e(
        503, "The exchange did not answer a read, or not completely; it proves nothing.", retryable=True
    ),
    ErrorCode.CIRCUIT_OPEN: _e(
        503,
        "The exchange is away, unwell or asked us to wait: entries are denied; exits and cancels are tried.",
        retryable=True,
    ),
    ErrorCode.EXCHANGE_TIMER_UNAVAILABLE: _e(
        422, "This exchange has no timer (cancel all after) that is known to reach spot orders."
    ),
    ErrorCode.ACCOUNT_SHARED: _e(
        409, "Others trade on this exchange account: its timer would cancel their orders."
    ),
    ErrorCode.NOT_READY: _e(503, "A start-up gate is closed; /readyz names it.", retryable=True),
    ErrorCode.DATABASE_UNAVAILABLE: _e(503, "The database did not answer in time.", retryable=True),
    ErrorCode.IDENTITY_UNAVAILABLE: _e(
        503, "The issuer of users' tokens does not give its keys; robot keys work.", retryable=True
    ),
    ErrorCode.ILLEGAL_TRANSITION: _e(409, "The state machine has no such transition."),
    ErrorCode.STALE_TOKEN: _e(409, "The fencing token is not the current one; a release by it is refused."),
    ErrorCode.LEASE_LOST: _e(
        503, "This process may not speak for the exchange account any more; another one will.", retryable=True
    ),
    ErrorCode.LEASE_HELD: _e(
        409, "A daemon holds the lease of an exchange account; stop it first, or wait for the lease to end."
    ),
    ErrorCode.IMMUTABLE: _e(409, "Ledger rows are never changed; corrections are new events."),
    ErrorCode.INVARIANT_BROKEN: _e(409, "It would break the capital invariant."),
    ErrorCode.ALREADY_EXISTS: _e(409, "A thing of this name or identity exists already."),
    ErrorCode.CONFIGURATION: _e(500, "A setting is missing or wrong; the message names it."),
    ErrorCode.DRIFT: _e(500, "The database differs from sql/; `holdfast db verify` lists where."),
    ErrorCode.INTERNAL: _e(500, "A fault of ours; the request id finds it in the log."),
}


class HoldfastError(Exception):
    """The one root of our errors: a stable code, a sentence, and the numbers as strings."""

    def __init__(
        self,
        code: ErrorCode,
        message: str | None = None,
        *,
        outcome: Outcome = Outcome.NOT_PLACED,
        **details: Any,
    ) -> None:
        self.code = code
        self.outcome = outcome
        self.details = details
        super().__init__(message or EXPLANATIONS[code].text)

    @property
    def explanation(self) -> Explanation:
        """Status, retryability and text of the code."""
        return EXPLANATIONS[self.code]
