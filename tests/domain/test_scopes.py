"""Scopes: which key may do what, and what a route needs that says nothing."""

import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.scopes import ROBOT_SCOPES, Scope, needed_for, require, scopes_of

PASSES = {
    (Scope.TRADE, Scope.TRADE),
    (Scope.TRADE, Scope.CANCEL),
    (Scope.CANCEL, Scope.CANCEL),
    (Scope.READ, Scope.READ),
    (Scope.MANAGE, Scope.MANAGE),
}


@pytest.mark.parametrize("held", Scope)
@pytest.mark.parametrize("needed", Scope)
def test_one_scope_opens_what_it_says(held: Scope, needed: Scope) -> None:
    """Each pair of held and needed scope: those who trade may cancel too, nothing else follows."""
    if (held, needed) in PASSES:
        require(frozenset({held}), needed)
        return
    with pytest.raises(HoldfastError) as caught:
        require(frozenset({held}), needed)
    assert (ErrorCode.FORBIDDEN, needed.value) == (caught.value.code, caught.value.details["missing_scope"])


def test_a_route_that_says_nothing_needs_the_most() -> None:
    """Reading methods need read, DELETE needs cancel, and whatever else changes something needs trade."""
    assert [Scope.READ, Scope.CANCEL, Scope.TRADE, Scope.TRADE] == [
        needed_for(method) for method in ("GET", "DELETE", "POST", "PUT")
    ]


def test_names_become_scopes() -> None:
    """A name that is no scope is refused instead of being left out."""
    assert ROBOT_SCOPES == scopes_of(["trade", "read", "cancel"])
    with pytest.raises(HoldfastError) as caught:
        scopes_of(["trade", "admin"])
    assert ErrorCode.BAD_REQUEST is caught.value.code
