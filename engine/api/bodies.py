"""Bodies of the calls that place no order: cancel-all, preview, modes."""

from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response

from engine.api.problems import from_validation
from engine.api.requests import PRINTABLE, EntryBody, ExitBody, Name

_STRICT = ConfigDict(strict=True, extra="forbid", frozen=True)
REASON_LENGTH_MAX = 500
B = TypeVar("B", bound=BaseModel)


class CancelAllBody(BaseModel):
    """Which orders to cancel; {} is all of the tenant."""

    model_config = _STRICT

    profile: Name | None = Field(default=None, description="id or name; only its orders")
    symbol: Name | None = Field(default=None, description="only orders of this instrument")
    own: bool = Field(default=False, description="only orders of the robot that asks")


class PreviewEntry(BaseModel):
    """An entry that is not to be placed."""

    model_config = _STRICT

    kind: Literal["entry"]
    order: EntryBody


class PreviewExit(BaseModel):
    """An exit that is not to be placed."""

    model_config = _STRICT

    kind: Literal["exit"]
    order: ExitBody


class PreviewBody(RootModel[Annotated[PreviewEntry | PreviewExit, Field(discriminator="kind")]]):
    """What `POST /v1/entries` or `POST /v1/exits` would be sent, and which of the two."""


class ModeBody(BaseModel):
    """A mode for the tenant, one exchange account or one profile."""

    model_config = _STRICT

    level: Literal["tenant", "account", "profile"]
    id: Name | None = Field(default=None, description="id or name of the account or profile")
    mode: Literal["active", "reducing", "halted"]
    reason: str = Field(
        min_length=1,
        max_length=REASON_LENGTH_MAX,
        pattern=PRINTABLE,
        description="why; kept with the mode and shown to every robot it stops",
    )

    @model_validator(mode="after")
    def _named(self) -> Self:
        if (self.level == "tenant") is (self.id is not None):
            raise PydanticCustomError("id", "id names the account or profile, and stands for no tenant")
        if not self.reason.strip():
            raise PydanticCustomError("reason", "the reason is blank")
        return self


async def body_of(request: Request, model: type[B]) -> B | Response:
    """Return the request's body, or the answer that names what is wrong with it."""
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        return from_validation(request, [dict(entry) for entry in error.errors()])
