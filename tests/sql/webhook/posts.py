"""A webhook route and its alerts for the tests of their functions."""

from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from tests.sql.capital.trading import next_intent
from tests.sql.capital.world import OPERATOR, World

HASH = sha256(b"secret").digest()
TEMPLATE = {"action": "{{1}}", "symbol": "BTC/USDT", "quantity": "{{2}}"}


async def route(world: World, name: str = "tv", max_lag_s: int = 3600) -> UUID:
    """Make a route of the first tenant."""
    one, route_id = world.one, uuid4()
    made: UUID = await world.call(
        "fn_create_webhook",
        one.id,
        route_id,
        name,
        one.robot,
        one.profile,
        HASH,
        TEMPLATE,
        max_lag_s,
        OPERATOR,
    )
    assert route_id == made
    return made


async def post(
    world: World,
    route_id: UUID,
    body: str = "buy 1",
    identity: str | None = None,
    said_at: datetime | None = None,
) -> dict[str, Any]:
    """Let an alert arrive."""
    digest = sha256(body.encode()).digest()
    kept: dict[str, Any] = await world.call(
        "fn_accept_alert", world.one.id, route_id, next_intent(), identity, body, digest, said_at
    )
    return kept


async def claim(world: World, alert_id: str, claim_ms: int = 600_000) -> Any:
    return await world.call("fn_claim_alert", world.one.id, UUID(alert_id), claim_ms)


async def finish(world: World, alert_id: str, attempts: int, state: str, **more: Any) -> Any:
    """Record what came of an attempt."""
    return await world.call(
        "fn_finish_alert",
        world.one.id,
        UUID(alert_id),
        attempts,
        state,
        more.get("code", "OK"),
        more.get("result", {}),
        more.get("retry_ms", 0),
        more.get("trace"),
    )


async def due(world: World) -> list[str]:
    rows = await world.conn.fetch("SELECT alert_id FROM engine.fn_due_alerts(10)")
    return [str(row["alert_id"]) for row in rows]


async def listed(world: World, route_id: UUID | None = None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await world.call("fn_list_alerts", world.one.id, route_id, 10)
    return rows


async def only(world: World) -> dict[str, Any]:
    (alert,) = await listed(world)
    return alert
