"""What a robot may send: strict bodies in which money is a plain decimal string and nothing else."""

import hashlib
import json
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from engine.api.problems import NUMBER_ERROR
from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.money import parse_positive, to_text

KEY_LENGTH_MAX = 128

_NUMBER_SCHEMA = {
    "type": "string",
    "pattern": r"^[0-9]{1,20}(\.[0-9]{1,18})?$",
    "description": "a positive decimal number as text; JSON numbers are refused",
    "examples": ["0.01"],
}


def _positive(value: object) -> Decimal:
    try:
        return parse_positive(value, "value")
    except HoldfastError as error:
        reason = str(error).removeprefix("value: ")
        if isinstance(value, bool | int | float):
            reason = "money is sent as a decimal string, not as a JSON number"
        raise PydanticCustomError(NUMBER_ERROR, "{reason}", {"reason": reason}) from None


def _quantity_or_all(value: object) -> Decimal | Literal["all"]:
    return "all" if value == "all" else _positive(value)


Positive = Annotated[Decimal, BeforeValidator(_positive), WithJsonSchema(_NUMBER_SCHEMA)]
QuantityOrAll = Annotated[
    Decimal | Literal["all"],
    BeforeValidator(_quantity_or_all),
    WithJsonSchema({"anyOf": [_NUMBER_SCHEMA, {"const": "all", "type": "string"}]}),
]
# Control characters have no place in a name, and the database takes no NUL in a text.
PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=PRINTABLE)]


class _Order(BaseModel):
    """What entries and exits have in common."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    profile: Name = Field(description="id or name of the profile whose capital it uses")
    symbol: Name = Field(description="the instrument, as in BTC/USDT")
    type: Literal["limit", "market"]
    limit_price: Positive | None = Field(
        default=None, description="required for a limit order, refused for a market order"
    )
    time_in_force: Literal["GTC", "IOC", "FOK"] | None = Field(
        default=None, description="limit orders only; GTC if it is left out"
    )
    post_only: bool = Field(
        default=False, description="limit GTC orders only: never take, be rejected instead"
    )
    expires_after_ms: int | None = Field(
        default=None,
        ge=1,
        le=3_600_000,
        description="not sent at all if this many milliseconds pass before its turn",
    )
    label: Name | None = Field(
        default=None, description="the robot's own mark; shown, never sent to the exchange"
    )

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if self.type == "limit":
            if self.limit_price is None:
                raise PydanticCustomError("missing_price", "a limit order needs limit_price")
            if self.post_only and self.time_in_force not in {None, "GTC"}:
                raise PydanticCustomError("post_only", "post_only stands with time_in_force GTC only")
            return self
        if self.limit_price is not None:
            raise PydanticCustomError("extra_price", "a market order has no limit_price")
        if self.time_in_force is not None:
            raise PydanticCustomError("extra_time_in_force", "a market order has no time_in_force")
        if self.post_only:
            raise PydanticCustomError("post_only", "a market order cannot be post_only")
        return self


class EntryBody(_Order):
    """An order that buys base with the profile's quote."""

    quantity: Positive = Field(description="base units, a multiple of the lot")


class ExitBody(_Order):
    """An order that sells base the profile holds."""

    quantity: QuantityOrAll = Field(description='base units, or "all" for what can be sold now')


def request_hash(kind: str, body: EntryBody | ExitBody) -> str:
    """Return what two requests under one key are compared by: the meaning, not the bytes."""
    canonical = json.dumps(_plain(body), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{kind}\n{canonical}".encode()).hexdigest()


def check_key(key: str | None) -> str:
    """Return the Idempotency-Key; 1 to 128 printable ASCII characters."""
    if not key:
        raise HoldfastError(ErrorCode.IDEMPOTENCY_KEY_REQUIRED)
    if len(key) > KEY_LENGTH_MAX or not key.isascii() or not key.isprintable():
        raise HoldfastError(
            ErrorCode.BAD_REQUEST,
            "an Idempotency-Key has 1 to 128 printable ASCII characters",
            length=len(key),
            length_max=KEY_LENGTH_MAX,
        )
    return key


def _plain(body: EntryBody | ExitBody) -> dict[str, Any]:
    values = body.model_dump(exclude_none=True)
    return {key: to_text(value) if isinstance(value, Decimal) else value for key, value in values.items()}
