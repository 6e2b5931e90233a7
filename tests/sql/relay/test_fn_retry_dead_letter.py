"""fn_retry_dead_letter: an operator's word for one more attempt."""

from uuid import UUID, uuid4

from tests.sql.capital.world import OPERATOR, World
from tests.sql.relay.claims import claimed, dead, letters, numbered
from tests.sql.webhook.posts import claim, due, finish, post, route


async def test_retry_is_queued_once_and_audited(world: World) -> None:
    """An outbound letter is queued for the relay; the same call again queues nothing more."""
    await numbered(world)
    letter = UUID(await dead(world, await claimed(world)))
    first = await world.call("fn_retry_dead_letter", world.one.id, letter, OPERATOR)
    assert (False, "retried") == (first["replay"], first["letter"]["state"])
    again = await world.leaves_nothing(
        lambda: world.call("fn_retry_dead_letter", world.one.id, letter, OPERATOR)
    )
    assert again["replay"]
    counts = await world.admin.fetchrow(
        "SELECT (SELECT count(*) FROM engine.relay_retries),"
        " (SELECT count(*) FROM engine.audit WHERE action = 'retry_dead_letter')"
    )
    assert (1, 1) == tuple(counts)


async def test_an_inbound_one_is_executed_again(world: World) -> None:
    """A request that failed is not the relay's: the alert that it was is due once more."""
    alert = (await post(world, await route(world)))["alert_id"]
    await claim(world, alert)
    await finish(world, alert, 1, "dead", code="INTERNAL")
    assert [] == await due(world)
    retried = await world.call("fn_retry_dead_letter", world.one.id, UUID(alert), OPERATOR)
    assert (False, "retried") == (retried["replay"], retried["letter"]["state"])
    assert [alert] == await due(world)
    assert ["retried"] == [each["state"] for each in await letters(world, direction="in")]
    assert 0 == await world.admin.fetchval("SELECT count(*) FROM engine.relay_retries")


async def test_dropped_unknown_and_anonymous_are_refused(world: World) -> None:
    """A dropped letter stays so, an unknown or foreign one is not found, and an actor is needed."""
    await numbered(world)
    token = await claimed(world)
    dropped, other = UUID(await dead(world, token, 1)), UUID(await dead(world, token, 2))
    await world.call("fn_drop_dead_letter", world.one.id, dropped, OPERATOR, "done by hand")
    denied = await world.leaves_nothing(
        lambda: world.call("fn_retry_dead_letter", world.one.id, dropped, OPERATOR)
    )
    assert ("ILLEGAL_TRANSITION", "dropped") == (denied["code"], denied["state"])
    for tenant, letter, actor, state in (
        (world.one.id, uuid4(), OPERATOR, "HF404"), (world.other.id, other, OPERATOR, "HF404"),
        (world.one.id, other, None, "HF422"),
    ):  # fmt: skip
        await world.leaves_nothing(
            lambda args=(tenant, letter, actor), state=state: world.refused(
                state, "fn_retry_dead_letter", *args
            )
        )


async def test_foreign_claim_is_refused(world: World) -> None:
    """JWT claims of another tenant retry nothing."""
    await world.refused_to_foreign_claim("fn_retry_dead_letter", uuid4(), OPERATOR)
