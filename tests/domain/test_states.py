"""Proves the transition tables: every pair of states is either allowed by name or refused."""

from itertools import product

import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.states import (
    INTENT_TRANSITIONS,
    ORDER_TRANSITIONS,
    IntentState,
    OrderState,
    check_intent_transition,
    check_order_transition,
)

INTENT_STEPS = {
    "sending": {"confirmed", "rejected", "not_placed", "in_doubt"},
    "in_doubt": {"confirmed", "rejected", "not_placed", "needs_operator"},
    "needs_operator": {"confirmed", "rejected", "not_placed"},
    "rejected": {"confirmed"},
    "not_placed": {"confirmed"},
    "confirmed": set(),
}
ORDER_STEPS = {
    "open": {"filled", "canceled", "expired", "rejected"},
    "canceled": {"filled"},
    "expired": {"filled"},
    "filled": set(),
    "rejected": set(),
}


@pytest.mark.parametrize(("before", "after"), list(product(IntentState, IntentState)))
def test_intent_steps(before: IntentState, after: IntentState) -> None:
    """An intent takes the steps of the table and no other; nothing leaves `confirmed`."""
    if before == after or after.value in INTENT_STEPS[before.value]:
        check_intent_transition(before, after)
        return
    with pytest.raises(HoldfastError) as caught:
        check_intent_transition(before, after)
    assert ErrorCode.ILLEGAL_TRANSITION == caught.value.code
    assert {"before": before.value, "after": after.value} == caught.value.details


@pytest.mark.parametrize(("before", "after"), list(product(OrderState, OrderState)))
def test_order_steps(before: OrderState, after: OrderState) -> None:
    """An order takes the steps of the table and no other; a late fill may follow cancel and expiry."""
    if before == after or after.value in ORDER_STEPS[before.value]:
        check_order_transition(before, after)
        return
    with pytest.raises(HoldfastError):
        check_order_transition(before, after)


def test_tables_are_complete() -> None:
    """Each state has its row."""
    assert set(IntentState) == set(INTENT_TRANSITIONS)
    assert set(OrderState) == set(ORDER_TRANSITIONS)
