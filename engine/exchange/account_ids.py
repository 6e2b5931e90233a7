"""How an exchange names the account itself: the endpoint, and the way to the id in its answer."""

from collections.abc import Mapping
from typing import Any

from engine.domain.errors import ErrorCode, HoldfastError
from engine.exchange.unified import refuse_missing_fields

_ACCOUNT_ID: Mapping[str, tuple[str, tuple[str | int, ...]]] = {
    "binance": ("privateGetAccount", ("uid",)),
    "bybit": ("privateGetV5UserQueryApi", ("result", "userID")),
    "okx": ("privateGetAccountConfig", ("data", 0, "uid")),
}


def endpoint_of(exchange: str) -> str:
    """Return ccxt's name of the call that tells it. Raises CONFIGURATION where nothing does."""
    if exchange not in _ACCOUNT_ID:
        raise HoldfastError(
            ErrorCode.CONFIGURATION, "this exchange's account id cannot be read", exchange=exchange
        )
    return _ACCOUNT_ID[exchange][0]


def read_account_id(exchange: str, answer: Any) -> str:
    """Return the id that an answer tells. Raises EXCHANGE_UNAVAILABLE if it does not."""
    found = answer
    for step in _ACCOUNT_ID[exchange][1]:
        try:
            found = found[step]
        except (LookupError, TypeError) as error:
            raise refuse_missing_fields(error) from error
    return str(found)
