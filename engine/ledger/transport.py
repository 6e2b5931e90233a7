"""What carries a call to the database: PostgreSQL's own wire, or HTTP where there is no port for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import asyncpg

# What a transport raises, and nothing else: translation.py tells what each means.
# InternalClientError: asyncpg's own state machine stumbles when the server ends a session under it.
FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


@dataclass(slots=True)
class Crossing:
    """One call of one function in one transaction, and what is known of it if it fails.

    `reader`: called inside a reading transaction of that tenant. `remaining_s` raises TimeoutError past the
    deadline. The transport sets `sent` when the database may have got the call, and `lost` when an answer was
    lost and it sent the call again: then even a refusal does not prove that the first one had no effect.
    """

    function: str
    args: tuple[Any, ...]
    remaining_s: Callable[[], float]
    table: bool = False
    reader: UUID | None = None
    sent: bool = False
    lost: bool = False


class Transport(Protocol):
    """Carries calls; each is one transaction that has committed when the call returns."""

    async def fetch(self, crossing: Crossing) -> list[Any]:
        """Return rows: of a table each as a mapping, else one whose only value is the function's."""

    async def renew(self) -> None:
        """Let calls that follow use no session that is open now."""

    async def close(self, timeout_s: float) -> None:
        """Let go of every session; calls in flight end first, for a while."""
