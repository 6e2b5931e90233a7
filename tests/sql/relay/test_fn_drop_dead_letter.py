"""fn_drop_dead_letter: an operator's word that nothing need be done."""

from uuid import UUID, uuid4

from tests.sql.capital.world import OPERATOR, World
from tests.sql.relay.claims import claimed, dead, letters, numbered


async def test_dropped_once_with_a_reason(world: World) -> None:
    """The letter stays, as dropped, the audit says why; the same call again changes nothing."""
    await numbered(world)
    letter = UUID(await dead(world, await claimed(world)))
    first = await world.call("fn_drop_dead_letter", world.one.id, letter, OPERATOR, "sent by hand")
    assert (False, "dropped") == (first["replay"], first["letter"]["state"])
    again = await world.leaves_nothing(
        lambda: world.call("fn_drop_dead_letter", world.one.id, letter, OPERATOR, "sent by hand")
    )
    assert again["replay"]
    detail = await world.admin.fetchval("SELECT detail FROM engine.audit WHERE action = 'drop_dead_letter'")
    assert "sent by hand" in detail


async def test_retried_unknown_and_unexplained_are_refused(world: World) -> None:
    """One that is being tried cannot be dropped; unknown and foreign are not found; a reason is needed."""
    await numbered(world)
    token = await claimed(world)
    trying, other = UUID(await dead(world, token, 1)), UUID(await dead(world, token, 2))
    await world.call("fn_retry_dead_letter", world.one.id, trying, OPERATOR)
    denied = await world.call("fn_drop_dead_letter", world.one.id, trying, OPERATOR, "x")
    assert ("ILLEGAL_TRANSITION", "retried") == (denied["code"], denied["state"])
    for tenant, letter, reason, state in (
        (world.one.id, uuid4(), "x", "HF404"), (world.other.id, other, "x", "HF404"),
        (world.one.id, other, "", "HF422"),
    ):  # fmt: skip
        await world.leaves_nothing(
            lambda args=(tenant, letter, OPERATOR, reason), state=state: world.refused(
                state, "fn_drop_dead_letter", *args
            )
        )
    assert ["retried", "open"] == [each["state"] for each in await letters(world)]


async def test_foreign_claim_is_refused(world: World) -> None:
    """JWT claims of another tenant drop nothing."""
    await world.refused_to_foreign_claim("fn_drop_dead_letter", uuid4(), OPERATOR, "x")
