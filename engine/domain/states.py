"""States of intents and orders, and which may follow which: the table that SQL and tests are held against."""

from collections.abc import Mapping
from enum import StrEnum

from engine.domain.errors import ErrorCode, HoldfastError


class IntentState(StrEnum):
    """What we know of an intent's order."""

    SENDING = "sending"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    NOT_PLACED = "not_placed"
    IN_DOUBT = "in_doubt"
    NEEDS_OPERATOR = "needs_operator"


class OrderState(StrEnum):
    """What the exchange says of an order."""

    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


class Mode(StrEnum):
    """What engine, tenant, account or profile may do; the strictest of the four counts."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


# `rejected` and `not_placed` may still be proven wrong by the exchange showing the order: the fact is
# booked, the profile halts, and the false absence is counted.
INTENT_TRANSITIONS: Mapping[IntentState, frozenset[IntentState]] = {
    IntentState.SENDING: frozenset(
        {IntentState.CONFIRMED, IntentState.REJECTED, IntentState.NOT_PLACED, IntentState.IN_DOUBT}
    ),
    IntentState.IN_DOUBT: frozenset(
        {
            IntentState.CONFIRMED,
            IntentState.REJECTED,
            IntentState.NOT_PLACED,
            IntentState.NEEDS_OPERATOR,
        }
    ),
    IntentState.NEEDS_OPERATOR: frozenset(
        {IntentState.CONFIRMED, IntentState.REJECTED, IntentState.NOT_PLACED}
    ),
    IntentState.REJECTED: frozenset({IntentState.CONFIRMED}),
    IntentState.NOT_PLACED: frozenset({IntentState.CONFIRMED}),
    IntentState.CONFIRMED: frozenset(),
}

# A fill may become visible after the cancel or the expiry that it raced with.
ORDER_TRANSITIONS: Mapping[OrderState, frozenset[OrderState]] = {
    OrderState.OPEN: frozenset(
        {OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED}
    ),
    OrderState.CANCELED: frozenset({OrderState.FILLED}),
    OrderState.EXPIRED: frozenset({OrderState.FILLED}),
    OrderState.FILLED: frozenset(),
    OrderState.REJECTED: frozenset(),
}

UNRESOLVED = frozenset({IntentState.SENDING, IntentState.IN_DOUBT, IntentState.NEEDS_OPERATOR})
FINAL_ORDER_STATES = frozenset(OrderState) - {OrderState.OPEN}


def check_intent_transition(before: IntentState, after: IntentState) -> None:
    """Refuse a step that the table has not; staying is no step. Raises ILLEGAL_TRANSITION."""
    if before != after and after not in INTENT_TRANSITIONS[before]:
        raise HoldfastError(ErrorCode.ILLEGAL_TRANSITION, before=before.value, after=after.value)


def check_order_transition(before: OrderState, after: OrderState) -> None:
    """Refuse a step that the table has not; staying is no step. Raises ILLEGAL_TRANSITION."""
    if before != after and after not in ORDER_TRANSITIONS[before]:
        raise HoldfastError(ErrorCode.ILLEGAL_TRANSITION, before=before.value, after=after.value)
