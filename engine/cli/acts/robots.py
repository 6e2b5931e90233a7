"""Robots and their keys: a key is shown once, and only its hash is kept."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from engine.cli.acts import tenants
from engine.cli.acts.session import actor, find, new_id
from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger import admin, reads
from engine.ledger.seam import Ledger
from engine.runtime.secrets import hash_robot_key, new_robot_key


async def create(ledger: Ledger, tenant: str, name: str) -> dict[str, Any]:
    """Make a robot with its first key, which is in the answer and nowhere else."""
    tenant_id, robot_id = await tenants.id_of(ledger, tenant), new_id()
    await admin.create_robot(ledger, tenant_id, robot_id, name, actor())
    return {"robot_id": str(robot_id), "name": name, **await _new_key(ledger, tenant_id, robot_id)}


async def every(ledger: Ledger, tenant: str) -> list[dict[str, Any]]:
    """Return a tenant's robots with the ids of their keys."""
    return await reads.list_robots(ledger, await tenants.id_of(ledger, tenant))


async def rotate_key(ledger: Ledger, tenant: str, robot: str, *, keep_old: bool) -> dict[str, Any]:
    """Make a new key and revoke the old ones, unless they are kept until the robot has the new one."""
    tenant_id = await tenants.id_of(ledger, tenant)
    found = await _named(ledger, tenant_id, robot)
    robot_id = UUID(str(found["robot_id"]))
    made = await _new_key(ledger, tenant_id, robot_id)
    revoked = [] if keep_old else _live_keys(found)
    for key_id in revoked:
        await admin.revoke_robot_key(ledger, tenant_id, UUID(key_id), actor())
    return {"robot_id": str(robot_id), "name": found["name"], **made, "revoked": revoked}


async def revoke_key(ledger: Ledger, tenant: str, robot: str, key_id: str | None) -> dict[str, Any]:
    """Revoke one key, or all of a robot's. Raises NOT_FOUND for a key that is not the robot's."""
    tenant_id = await tenants.id_of(ledger, tenant)
    found = await _named(ledger, tenant_id, robot)
    live = _live_keys(found)
    if key_id is not None and key_id not in live:
        raise HoldfastError(
            ErrorCode.NOT_FOUND, f"The robot {found['name']!r} has no living key {key_id!r}.", keys=live
        )
    revoked = live if key_id is None else [key_id]
    for one in revoked:
        await admin.revoke_robot_key(ledger, tenant_id, UUID(one), actor())
    return {"robot_id": str(found["robot_id"]), "name": found["name"], "revoked": revoked}


async def _named(ledger: Ledger, tenant_id: UUID, wanted: str) -> Mapping[str, Any]:
    return find(await reads.list_robots(ledger, tenant_id), wanted, "robot", "robot_id")


async def _new_key(ledger: Ledger, tenant_id: UUID, robot_id: UUID) -> dict[str, str]:
    key, key_id = new_robot_key(), new_id()
    await admin.create_robot_key(ledger, tenant_id, robot_id, (key_id, hash_robot_key(key)), actor())
    return {"key_id": str(key_id), "key": key}


def _live_keys(robot: Mapping[str, Any]) -> list[str]:
    return [str(key["key_id"]) for key in robot["keys"] if key["revoked_at"] is None]
