"""fn_create_tenant: a tenant is made once, under its own claim."""

from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World, call


async def test_makes_a_tenant(world: World) -> None:
    """The new tenant is there with its event and its audit row."""
    tenant = uuid4()
    assert tenant == await world.call("fn_create_tenant", tenant, "third", OPERATOR)
    shown = await world.call("fn_get_tenant", tenant)
    assert ("third", "active") == (shown["name"], shown["mode"])
    counts = await world.admin.fetchrow(
        "SELECT (SELECT count(*) FROM engine.outbox WHERE tenant_id = $1 AND type = 'tenant.created'),"
        " (SELECT count(*) FROM engine.audit WHERE tenant_id = $1 AND action = 'create_tenant')",
        tenant,
    )
    assert (1, 1) == tuple(counts)


async def test_refusals_leave_nothing(world: World) -> None:
    """An id or name that exists, a bad name, no actor, no tenant and a foreign claim are refused."""

    async def all_refused() -> None:
        await world.refused("HF415", "fn_create_tenant", world.one.id, "again", OPERATOR)
        await world.refused("HF415", "fn_create_tenant", uuid4(), "other", OPERATOR)
        for name in ("", " x", "a b", "x" * 65, None):
            await world.refused("HF422", "fn_create_tenant", uuid4(), name, OPERATOR)
        await world.refused("HF422", "fn_create_tenant", uuid4(), "fine", "")
        await world.refused("HF401", "fn_create_tenant", None, "fine", OPERATOR)
        await world.refused_to_foreign_claim("fn_create_tenant", "fine", OPERATOR)

    await world.leaves_nothing(all_refused)


async def test_the_operator_may_not_call_it(world: World) -> None:
    """Only the engine's role executes what changes something."""
    reader = await world.database.connect("holdfast_reader")
    try:
        await call(reader, "fn_create_tenant", uuid4(), "fine", OPERATOR)
    except Exception as error:  # noqa: BLE001 - the SQLSTATE is what counts
        assert "42501" == getattr(error, "sqlstate", None)  # noqa: PT017
    else:
        raise AssertionError("a reader created a tenant")
