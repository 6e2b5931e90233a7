"""Robots and their keys: a key is shown once, and only its hash is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from engine.cli.acts import tenants
from engine.cli.acts.session import actor, find, new_id
from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.scopes import ROBOT_SCOPES, scopes_of
from engine.ledger import admin, reads
from engine.ledger.seam import Ledger
from engine.runtime.robot_keys import hash_robot_key, new_robot_key


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new key may do, and for how many days; empty and None: as before, or all and for ever."""

    scopes: Sequence[str] = ()
    days: int | None = None

    def key(self, like: Mapping[str, Any] | None = None) -> tuple[str, admin.NewKey]:
        """Return a fresh key and what is stored of it; `like` is the key that it takes its scopes from."""
        text = new_robot_key()
        named = self.scopes or ([] if like is None else like["scopes"])
        ends_at = None if self.days is None else datetime.now(UTC) + timedelta(days=self.days)
        scopes = scopes_of(named) if named else ROBOT_SCOPES
        return text, admin.NewKey(new_id(), hash_robot_key(text), scopes, ends_at)


async def create(ledger: Ledger, tenant: str, name: str, wanted: Wanted | None = None) -> dict[str, Any]:
    """Make a robot with its first key, which is in the answer and nowhere else."""
    text, key = (wanted or Wanted()).key()
    tenant_id, robot_id = await tenants.id_of(ledger, tenant), new_id()
    await admin.create_robot(ledger, tenant_id, robot_id, name, actor())
    await admin.create_robot_key(ledger, tenant_id, robot_id, key, actor())
    return {"robot_id": str(robot_id), "name": name, **_shown(key), "key": text}


async def every(ledger: Ledger, tenant: str) -> list[dict[str, Any]]:
    """Return a tenant's robots with the ids of their keys."""
    return await reads.list_robots(ledger, await tenants.id_of(ledger, tenant))


async def keys(ledger: Ledger, tenant: str, robot: str) -> list[dict[str, Any]]:
    """Return a robot's keys, the ended ones included, never a hash."""
    found = await _named(ledger, await tenants.id_of(ledger, tenant), robot)
    return [{"key_id": key["key_id"], "robot": found["name"], **key} for key in found["keys"]]


async def rotate_key(
    ledger: Ledger,
    tenant: str,
    robot: str,
    *,
    keep_old: bool = False,
    overlap_s: int = 0,
    wanted: Wanted | None = None,
) -> dict[str, Any]:
    """Make a new key and end the others: at once, after `overlap_s`, or not at all if they are kept."""
    tenant_id = await tenants.id_of(ledger, tenant)
    found = await _named(ledger, tenant_id, robot)
    robot_id = UUID(str(found["robot_id"]))
    last = (_living(found) or found["keys"] or [None])[-1]
    text, key = (wanted or Wanted()).key(last)
    ended: list[UUID] = []
    if keep_old:
        await admin.create_robot_key(ledger, tenant_id, robot_id, key, actor())
    else:
        ended = await admin.rotate_robot_key(
            ledger, tenant_id, robot_id, key, overlap_s=overlap_s, actor=actor()
        )
    ending = "ending" if overlap_s else "revoked"
    shown = {"robot_id": str(robot_id), "name": found["name"], **_shown(key), "key": text}
    return {**shown, ending: [str(one) for one in ended]}


async def revoke_key(ledger: Ledger, tenant: str, robot: str, key_id: str | None) -> dict[str, Any]:
    """Revoke one key, or all of a robot's. Raises NOT_FOUND for a key that is not the robot's."""
    tenant_id = await tenants.id_of(ledger, tenant)
    found = await _named(ledger, tenant_id, robot)
    living = [str(key["key_id"]) for key in _living(found)]
    if key_id is not None and key_id not in living:
        raise HoldfastError(
            ErrorCode.NOT_FOUND, f"The robot {found['name']!r} has no living key {key_id!r}.", keys=living
        )
    revoked = living if key_id is None else [key_id]
    for one in revoked:
        await admin.revoke_robot_key(ledger, tenant_id, UUID(one), actor())
    return {"robot_id": str(found["robot_id"]), "name": found["name"], "revoked": revoked}


async def _named(ledger: Ledger, tenant_id: UUID, wanted: str) -> Mapping[str, Any]:
    return find(await reads.list_robots(ledger, tenant_id), wanted, "robot", "robot_id")


def _living(robot: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [key for key in robot["keys"] if key["living"]]


def _shown(key: admin.NewKey) -> dict[str, Any]:
    ends_at = None if key.expires_at is None else key.expires_at.isoformat(timespec="seconds")
    return {"key_id": str(key.key_id), "scopes": sorted(key.scopes), "expires_at": ends_at}
