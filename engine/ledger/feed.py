"""Typed calls for the feed: which tenants' events wait, their numbering, reading them, the snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.ledger.seam import Ledger
from engine.runtime.log import get_logger

Json = dict[str, Any]

_SNAPSHOT_TIMEOUT_S = 15.0
_log = get_logger(__name__)
_SUBSCRIBE = "feed"  # what counters and audit call the place where a foreign profile was asked for


@dataclass(frozen=True, slots=True)
class DueFeed:
    """Where a tenant's feed stands: last seq, and how many events wait for theirs (1000 at most) how long."""

    tenant_id: UUID
    epoch: int
    last_seq: int
    waiting: int
    waiting_s: float


@dataclass(frozen=True, slots=True)
class Sequenced:
    """What one call of the sequencer did."""

    epoch: int
    last_seq: int
    numbered: int


@dataclass(frozen=True, slots=True)
class Page:
    """Events after a seq, in order; `through_seq` is how far the page has looked."""

    epoch: int
    last_seq: int
    through_seq: int
    events: list[Json]


async def due_feeds(ledger: Ledger, watched: Sequence[UUID]) -> list[DueFeed]:
    """Return the feeds in which events wait, and those of the `watched` tenants."""
    return [DueFeed(**row) for row in await ledger.rows("fn_due_feeds", list(watched))]


async def sequence(ledger: Ledger, tenant_id: UUID, limit: int) -> Sequenced:
    """Number at most `limit` waiting events of a tenant; any process may, at any time."""
    return Sequenced(**await ledger.call("fn_sequence_feed", tenant_id, limit))


async def read(
    ledger: Ledger, tenant_id: UUID, since_seq: int, limit: int, profile_ids: Sequence[UUID] | None = None
) -> Page:
    """Return the events of the next `limit` numbers after `since_seq`; of some profiles if they are named."""
    chosen = None if profile_ids is None else list(profile_ids)
    return Page(**await ledger.call("fn_read_feed", tenant_id, since_seq, limit, chosen))


async def snapshot(ledger: Ledger, tenant_id: UUID, profile_ids: Sequence[UUID] | None = None) -> Json:
    """Return profiles, capital, positions and open orders with the `epoch` and `seq` that they are of."""
    chosen = None if profile_ids is None else list(profile_ids)
    view: Json = await ledger.call(
        "fn_feed_snapshot", tenant_id, chosen, deadline=ledger.deadline(_SNAPSHOT_TIMEOUT_S)
    )
    return view


async def start_epoch(ledger: Ledger, tenant_id: UUID, actor: str, reason: str) -> Json:
    """Begin a new epoch: every reader will be told to take a new snapshot."""
    view: Json = await ledger.call("fn_start_epoch", tenant_id, actor, reason)
    return view
