"""Webhook routes: a secret is shown once, and only its hash is kept."""

import hashlib
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from engine.cli.acts import tenants
from engine.cli.acts.session import actor, find, new_id
from engine.domain.alerts import checked_template
from engine.ledger import reads
from engine.ledger import webhooks as routes
from engine.ledger.seam import Ledger

_SECRET_BYTES = 24


async def create(
    ledger: Ledger, tenant: str, name: str, *, robot: str, profile: str, template: Any, max_lag_s: int
) -> dict[str, Any]:
    """Make a route; its secret is in the answer and nowhere else. Raises BAD_REQUEST for the template."""
    rules = checked_template(template)
    tenant_id = await tenants.id_of(ledger, tenant)
    robot_id = find(await reads.list_robots(ledger, tenant_id), robot, "robot", "robot_id")["robot_id"]
    found = find(await reads.list_profiles(ledger, tenant_id), profile, "profile", "profile_id")
    secret, route_id = token_urlsafe(_SECRET_BYTES), new_id()
    digest = hashlib.sha256(secret.encode()).digest()
    route = routes.NewRoute(
        route_id, name, UUID(str(robot_id)), UUID(str(found["profile_id"])), digest, rules, max_lag_s
    )
    await routes.create(ledger, tenant_id, route, actor())
    return {"name": name, "path": _path(route_id), "secret": secret, "route_id": str(route_id)}


async def every(ledger: Ledger, tenant: str) -> list[dict[str, Any]]:
    """Return a tenant's routes, with the names of robot and profile."""
    tenant_id = await tenants.id_of(ledger, tenant)
    robots = {row["robot_id"]: row["name"] for row in await reads.list_robots(ledger, tenant_id)}
    profiles = {row["profile_id"]: row["name"] for row in await reads.list_profiles(ledger, tenant_id)}
    return [
        {
            **row,
            "robot": robots.get(row["robot_id"]),
            "profile": profiles.get(row["profile_id"]),
            "path": _path(row["route_id"]),
        }
        for row in await routes.every(ledger, tenant_id)
    ]


async def show(ledger: Ledger, tenant: str, webhook: str, limit: int) -> dict[str, Any]:
    """Return one route with its latest alerts. Raises NOT_FOUND."""
    tenant_id = await tenants.id_of(ledger, tenant)
    found = find(await every(ledger, tenant), webhook, "webhook", "route_id")
    latest = await routes.alerts(ledger, tenant_id, UUID(str(found["route_id"])), limit)
    return {**found, "latest": latest}


async def delete(ledger: Ledger, tenant: str, webhook: str) -> dict[str, Any]:
    """Delete a route. Raises NOT_FOUND."""
    tenant_id = await tenants.id_of(ledger, tenant)
    found = find(await routes.every(ledger, tenant_id), webhook, "webhook", "route_id")
    route_id = UUID(str(found["route_id"]))
    return {"name": found["name"], "deleted": await routes.delete(ledger, tenant_id, route_id, actor())}


def _path(route_id: object) -> str:
    return f"/v1/webhooks/{route_id}"
