"""What a key may do: the closed set of scopes, and which of them lets a request pass."""

from collections.abc import Iterable
from enum import StrEnum

from engine.domain.errors import ErrorCode, HoldfastError


class Scope(StrEnum):
    """A key for orders alone has `trade`; one that can only stop has `cancel`; a dashboard's has `read`.

    `manage` changes the rules that the others are held to: specs and modes. No key has it unasked: a robot
    that could lift its own limits would have none.
    """

    TRADE = "trade"
    CANCEL = "cancel"
    READ = "read"
    MANAGE = "manage"


ROBOT_SCOPES = frozenset({Scope.TRADE, Scope.CANCEL, Scope.READ})
# Who may open must be able to stop.
_SUFFICIENT = {
    Scope.TRADE: frozenset({Scope.TRADE}),
    Scope.CANCEL: frozenset({Scope.CANCEL, Scope.TRADE}),
    Scope.READ: frozenset({Scope.READ}),
    Scope.MANAGE: frozenset({Scope.MANAGE}),
}
_READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def scopes_of(names: Iterable[str]) -> frozenset[Scope]:
    """Return scopes by name. Raises BAD_REQUEST for a name that is none."""
    try:
        return frozenset(Scope(name) for name in names)
    except ValueError as error:
        raise HoldfastError(
            ErrorCode.BAD_REQUEST, str(error), scopes=[scope.value for scope in Scope]
        ) from error


def needed_for(method: str) -> Scope:
    """Return what a request needs by its method, unless its route says otherwise.

    A route that says nothing and changes something needs the most: forgetting to say it opens no door.
    """
    if method in _READING_METHODS:
        return Scope.READ
    return Scope.CANCEL if method == "DELETE" else Scope.TRADE


def require(held: frozenset[Scope], needed: Scope) -> None:
    """Let pass who holds a sufficient scope. Raises FORBIDDEN with the one that is missing."""
    if not held & _SUFFICIENT[needed]:
        raise HoldfastError(
            ErrorCode.FORBIDDEN,
            f"this needs the scope {needed.value!r}",
            missing_scope=needed.value,
            scopes=sorted(scope.value for scope in held),
        )
