"""Errors by ccxt's names: caught by `except ccxt.NetworkError` wherever the robot has loaded ccxt itself.

The tree is ccxt's, as far as these names need it. ccxt is never imported here: a robot that catches its
errors has loaded it, and then each class raised is a child of ccxt's class of that name as well.
"""

import sys

from engine.client.results import NO_ANSWER, TOO_OLD, UNREACHABLE

# name -> the name of its parent
PARENTS = {
    "BaseError": None,
    "ExchangeError": "BaseError",
    "AuthenticationError": "ExchangeError",
    "PermissionDenied": "AuthenticationError",
    "ArgumentsRequired": "ExchangeError",
    "BadRequest": "ExchangeError",
    "BadSymbol": "BadRequest",
    "OperationRejected": "ExchangeError",
    "InsufficientFunds": "ExchangeError",
    "InvalidOrder": "ExchangeError",
    "OrderNotFound": "InvalidOrder",
    "DuplicateOrderId": "InvalidOrder",
    "NotSupported": "ExchangeError",
    "OperationFailed": "BaseError",
    "NetworkError": "OperationFailed",
    "RateLimitExceeded": "NetworkError",
    "ExchangeNotAvailable": "NetworkError",
    "RequestTimeout": "NetworkError",
}

OWN_CODES = frozenset({UNREACHABLE, NO_ANSWER, TOO_OLD})

# Codes of Holdfast and the SDK; what is not here is an ExchangeError, or ExchangeNotAvailable if retryable.
BY_CODE = {
    "BAD_REQUEST": "BadRequest",
    "UNAUTHORIZED": "AuthenticationError",
    "FORBIDDEN": "PermissionDenied",
    "NOT_FOUND": "OrderNotFound",
    "IDEMPOTENCY_KEY_REUSED": "DuplicateOrderId",
    "INVALID_NUMBER": "InvalidOrder",
    "UNKNOWN_SYMBOL": "BadSymbol",
    "INVALID_PRICE": "InvalidOrder",
    "INVALID_QUANTITY": "InvalidOrder",
    "BELOW_MIN_NOTIONAL": "InvalidOrder",
    "INSUFFICIENT_CAPITAL": "InsufficientFunds",
    "INSUFFICIENT_POSITION": "InsufficientFunds",
    "LIMIT_EXCEEDED": "OperationRejected",
    "MODE_REDUCING": "OperationRejected",
    "MODE_HALTED": "OperationRejected",
    "INTENT_EXPIRED": "OperationRejected",
    "REJECTED": "InvalidOrder",
    UNREACHABLE: "ExchangeNotAvailable",
    NO_ANSWER: "RequestTimeout",
    TOO_OLD: "RequestTimeout",
}

_made: dict[tuple[str, type | None], type[Exception]] = {}


def ccxt_error(name: str) -> type[Exception]:
    """Return the class of a name, a child of ccxt's own if the robot has loaded ccxt by now."""
    theirs = getattr(sys.modules.get("ccxt.base.errors"), name, None)
    known = theirs if isinstance(theirs, type) and issubclass(theirs, Exception) else None
    if (name, known) not in _made:
        parent = PARENTS[name]
        above: tuple[type[Exception], ...] = (Exception if parent is None else ccxt_error(parent),)
        if known is not None:
            above = (above[0], known) if parent is not None else (known,)
        _made[name, known] = type(name, above, {"__module__": __name__})
    return _made[name, known]


def error_of(code: str, message: str, *, retryable: bool = False) -> Exception:
    """Return the error that stands for a code; `code` and `retryable` are on it too."""
    name = BY_CODE.get(code, "ExchangeNotAvailable" if retryable else "ExchangeError")
    error = ccxt_error(name)(f"holdfast {code}: {message}")
    error.code = code  # type: ignore[attr-defined] # beside what ccxt's errors carry
    error.retryable = retryable  # type: ignore[attr-defined]
    return error
