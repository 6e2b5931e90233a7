"""Robots' calls that place no order but change something: each claims its idempotency key with its effect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.ledger.intents import Kind, OpenResult, open_result
from engine.ledger.reading import Calls
from engine.ledger.seam import Ledger

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """The key under which a robot asks, and the hash of what it asks for."""

    robot_id: UUID
    key: str
    request_hash: str

    @property
    def actor(self) -> str:
        """Who the audit names."""
        return f"robot:{self.robot_id}"

    def item(self) -> Json:
        """Return what an array item carries of it."""
        return {
            "robot_id": self.robot_id,
            "idempotency_key": self.key,
            "request_hash": self.request_hash,
        }


async def change_spec(
    ledger: Ledger,
    tenant_id: UUID,
    claim: Claim,
    profile_id: UUID,
    if_match: Sequence[str],
    *,
    spec: Mapping[str, Any],
    spec_hash: str,
) -> Json:
    """Store the next version of a spec if one of the tags is the current one's; `replay`: it was before.

    Raises NOT_FOUND, IDEMPOTENCY_KEY_REUSED, PRECONDITION_FAILED, BAD_REQUEST.
    """
    changed: Json = await ledger.call(
        "fn_change_spec",
        tenant_id,
        claim.robot_id,
        claim.key,
        claim.request_hash,
        profile_id,
        list(if_match),
        dict(spec),
        spec_hash,
        claim.actor,
    )
    return changed


async def change_mode(
    ledger: Ledger, tenant_id: UUID, claim: Claim, level: str, id_: UUID | None, *, mode: str, reason: str
) -> Json:
    """Set the mode of a "tenant", "account" or "profile"; `replay` says if it was before.

    Raises NOT_FOUND, IDEMPOTENCY_KEY_REUSED, INVARIANT_BROKEN for a refused resume.
    """
    changed: Json = await ledger.call(
        "fn_change_mode",
        tenant_id,
        claim.robot_id,
        claim.key,
        claim.request_hash,
        level,
        id_,
        mode,
        claim.actor,
        reason,
    )
    return changed


async def cancel_all(ledger: Ledger, tenant_id: UUID, claim: Claim, only: Mapping[str, Any]) -> Json:
    """Record the cancel of every unfinished order, or those of {profile_id, symbol, robot_id}.

    Returns {replay, orders}; the orders are those of the key's first call. Raises IDEMPOTENCY_KEY_REUSED.
    """
    recorded: Json = await ledger.call(
        "fn_cancel_all", tenant_id, claim.robot_id, claim.key, claim.request_hash, dict(only), claim.actor
    )
    return recorded


async def preview_order(ledger: Ledger, tenant_id: UUID, kind: Kind, item: Json) -> OpenResult:
    """Tell what opening this order would answer now; nothing of it stays."""
    result = await ledger.call("fn_preview_order", tenant_id, kind, item)
    return open_result(result, None)


async def get_answer(ledger: Calls, tenant_id: UUID, robot_id: UUID, key: str) -> Json | None:
    """Return what was kept under a robot's key, None if nothing was.

    {of: "order", created_at, intent, denial} with one of the two, or {of: "call", created_at, answer}.
    """
    kept: Json | None = await ledger.call("fn_get_answer", tenant_id, robot_id, key)
    return kept


async def get_spec(ledger: Calls, tenant_id: UUID, profile_id: UUID, version: int | None = None) -> Json:
    """Return one version of a spec, the current one without a number. Raises NOT_FOUND."""
    view: Json = await ledger.call("fn_get_spec", tenant_id, profile_id, version)
    return view


async def list_specs(
    ledger: Calls, tenant_id: UUID, profile_id: UUID, filters: Mapping[str, Any]
) -> list[Json]:
    """Return the versions of a spec, newest first; filters: before, limit. Raises NOT_FOUND."""
    views: list[Json] = await ledger.call("fn_list_specs", tenant_id, profile_id, dict(filters))
    return views


async def list_events(ledger: Calls, tenant_id: UUID, filters: Mapping[str, Any]) -> list[Json]:
    """Return events, newest first; filters: profile_id, order_id, type, before, before_part, limit."""
    views: list[Json] = await ledger.call("fn_list_events", tenant_id, dict(filters))
    return views


async def get_limits(ledger: Calls, tenant_id: UUID, profile_id: UUID) -> Json:
    """Return what a profile may do now, with what is used of each limit. Raises NOT_FOUND."""
    view: Json = await ledger.call("fn_get_limits", tenant_id, profile_id)
    return view


async def get_modes(ledger: Calls, tenant_id: UUID) -> Json:
    """Return the modes of engine, tenant, accounts and profiles, and each profile's effective one."""
    view: Json = await ledger.call("fn_get_modes", tenant_id)
    return view
