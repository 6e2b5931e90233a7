"""fn_due_webhook: whose a route is, over all tenants, and nothing more."""

from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World
from tests.sql.webhook.posts import route


async def test_it_names_the_tenant_while_the_route_is_there(world: World) -> None:
    """One id for a route that is there, no row for an unknown or deleted one."""
    made = await route(world)
    find = "SELECT * FROM engine.fn_due_webhook($1)"
    assert [{"tenant_id": world.one.id}] == [dict(row) for row in await world.conn.fetch(find, made)]
    assert [] == await world.conn.fetch(find, uuid4())
    await world.call("fn_delete_webhook", world.one.id, made, OPERATOR)
    assert [] == await world.conn.fetch(find, made)
