"""fn_get_webhook: what an alert is checked by, for the engine alone."""

import asyncpg
import pytest

from tests.sql.capital.world import World, call
from tests.sql.webhook.posts import HASH, TEMPLATE, route


async def test_it_gives_hash_and_template_to_the_engine_only(world: World) -> None:
    """The engine reads them; a foreign tenant finds nothing; readers may not call it or read the hash."""
    made = await route(world)
    row = await world.call("fn_get_webhook", world.one.id, made)
    assert (HASH.hex(), TEMPLATE, str(world.one.robot)) == (
        row["secret_hash"],
        row["template"],
        row["robot_id"],
    )
    assert await world.call("fn_get_webhook", world.other.id, made) is None
    await world.refused_to_foreign_claim("fn_get_webhook", made)
    reader = await world.database.connect("holdfast_reader")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await call(reader, "fn_get_webhook", world.one.id, made)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.fetch("SELECT secret_hash FROM engine.webhook_routes")
