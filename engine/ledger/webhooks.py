"""Webhook routes and their alerts: made, found, kept before they are answered, executed once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.ledger.seam import Ledger


@dataclass(frozen=True, slots=True)
class NewRoute:
    """A route to be created; of the secret only the hash is stored."""

    route_id: UUID
    name: str
    robot_id: UUID
    profile_id: UUID
    secret_hash: bytes
    template: Mapping[str, Any]
    max_lag_s: int


@dataclass(frozen=True, slots=True)
class Route:
    """What an alert is checked by."""

    tenant_id: UUID
    route_id: UUID
    name: str
    robot_id: UUID
    secret_hash: bytes
    template: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewAlert:
    """An alert as it came, without its secret."""

    alert_id: UUID
    identity: str | None
    body: str
    body_hash: bytes
    said_at: datetime | None


@dataclass(frozen=True, slots=True)
class DueAlert:
    """An alert that waits to be executed."""

    tenant_id: UUID
    alert_id: UUID


@dataclass(frozen=True, slots=True)
class Claimed:
    """An alert that is this process' to execute.

    `left_ms`: until it is too old; `open`: its route is not deleted, and its robot enabled.
    """

    tenant_id: UUID
    alert_id: UUID
    body: str
    attempts: int
    retries: int
    left_ms: int
    max_lag_s: int
    route: str
    robot_id: UUID
    profile_id: UUID
    template: Mapping[str, Any]
    open: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of an execution: `state` done, refused, dead, or received to try again after `retry_ms`."""

    state: str
    code: str
    result: Mapping[str, Any]
    retry_ms: int = 0
    trace: str | None = None


async def create(ledger: Ledger, tenant_id: UUID, route: NewRoute, actor: str) -> None:
    """Create a route. Raises NOT_FOUND, ALREADY_EXISTS, BAD_REQUEST."""
    await ledger.call(
        "fn_create_webhook",
        tenant_id,
        route.route_id,
        route.name,
        route.robot_id,
        route.profile_id,
        route.secret_hash,
        dict(route.template),
        route.max_lag_s,
        actor,
    )


async def delete(ledger: Ledger, tenant_id: UUID, route_id: UUID, actor: str) -> bool:
    """Delete a route; tells whether it was there until now. Raises NOT_FOUND."""
    return bool(await ledger.call("fn_delete_webhook", tenant_id, route_id, actor))


async def every(ledger: Ledger, tenant_id: UUID) -> list[dict[str, Any]]:
    """Return a tenant's routes by name."""
    views: list[dict[str, Any]] = await ledger.call("fn_list_webhooks", tenant_id)
    return views


async def alerts(ledger: Ledger, tenant_id: UUID, route_id: UUID | None, limit: int) -> list[dict[str, Any]]:
    """Return the alerts of a route, newest first."""
    views: list[dict[str, Any]] = await ledger.call("fn_list_alerts", tenant_id, route_id, limit)
    return views


async def find(ledger: Ledger, route_id: UUID, *, deadline: float | None = None) -> Route | None:
    """Return the route of this id, whoever's it is; None if it is unknown or deleted."""
    rows = await ledger.rows("fn_due_webhook", route_id, deadline=deadline)
    if not rows:
        return None
    tenant_id: UUID = rows[0]["tenant_id"]
    row = await ledger.call("fn_get_webhook", tenant_id, route_id, deadline=deadline)
    if row is None:
        return None
    return Route(
        tenant_id,
        route_id,
        str(row["name"]),
        UUID(row["robot_id"]),
        bytes.fromhex(row["secret_hash"]),
        row["template"],
    )


async def accept(
    ledger: Ledger, tenant_id: UUID, route_id: UUID, alert: NewAlert, *, deadline: float | None = None
) -> Mapping[str, Any]:
    """Keep an alert, once: {alert_id, duplicate, state, code}. Raises NOT_FOUND."""
    kept: Mapping[str, Any] = await ledger.call(
        "fn_accept_alert",
        tenant_id,
        route_id,
        alert.alert_id,
        alert.identity,
        alert.body,
        alert.body_hash,
        alert.said_at,
        deadline=deadline,
    )
    return kept


async def due(ledger: Ledger, limit: int) -> list[DueAlert]:
    """Return alerts that wait to be executed."""
    return [DueAlert(**row) for row in await ledger.rows("fn_due_alerts", limit)]


async def claim(ledger: Ledger, tenant_id: UUID, alert_id: UUID, claim_ms: int) -> Claimed | None:
    """Claim an alert; None if another one has it, or an earlier one of its route has not ended."""
    row = await ledger.call("fn_claim_alert", tenant_id, alert_id, claim_ms)
    if row is None:
        return None
    return Claimed(
        tenant_id,
        alert_id,
        str(row["body"]),
        int(row["attempts"]),
        int(row["retries"]),
        int(row["left_ms"]),
        int(row["max_lag_s"]),
        str(row["route"]),
        UUID(row["robot_id"]),
        UUID(row["profile_id"]),
        row["template"],
        bool(row["open"]),
    )


async def finish(ledger: Ledger, claimed: Claimed, verdict: Verdict) -> bool:
    """Record what came of it; False if it is another attempt's by now."""
    answer = await ledger.call(
        "fn_finish_alert",
        claimed.tenant_id,
        claimed.alert_id,
        claimed.attempts,
        verdict.state,
        verdict.code,
        dict(verdict.result),
        verdict.retry_ms,
        verdict.trace,
    )
    return bool(answer["code"] == "OK")


async def retry(ledger: Ledger, tenant_id: UUID, alert_id: UUID, actor: str) -> None:
    """Let a dead or refused alert be executed again. Raises NOT_FOUND, ILLEGAL_TRANSITION."""
    await ledger.call("fn_retry_alert", tenant_id, alert_id, actor)
