"""fn_claim_relay: one process publishes a tenant's events at a time."""

from uuid import UUID, uuid4

from tests.sql.capital.world import OPERATOR, World
from tests.sql.relay.claims import TTL_MS, A, B, claimed, dead, numbered


async def test_claim_tells_where_to_go_on(world: World) -> None:
    """A first claim begins at 0; the same owner asking again keeps its token."""
    first = await world.call("fn_claim_relay", world.one.id, A, TTL_MS)
    assert (0, 0, []) == (first["published_seq"], first["failures"], first["retries"])
    assert first == await world.call("fn_claim_relay", world.one.id, A, TTL_MS)


async def test_another_process_waits_for_its_end(world: World) -> None:
    """While it lives another gets HELD; afterwards a new token, and the old one is stale."""
    token = await claimed(world, A)
    assert "HELD" == (await world.call("fn_claim_relay", world.one.id, B, TTL_MS))["code"]
    await world.database.advance_clock(TTL_MS / 1_000 + 1)
    assert token < await claimed(world, B)
    stale = await world.call("fn_advance_relay", world.one.id, token, 0, TTL_MS)
    assert "STALE_TOKEN" == stale["code"]


async def test_claim_brings_what_shall_be_retried(world: World) -> None:
    """Dead letters that an operator wants to be published again come with the claim."""
    await numbered(world)
    letter = await dead(world, await claimed(world))
    await world.call("fn_retry_dead_letter", world.one.id, UUID(letter), OPERATOR)
    again = await world.call("fn_claim_relay", world.one.id, A, TTL_MS)
    assert [(letter, 1)] == [(each["dead_letter_id"], each["payload"]["seq"]) for each in again["retries"]]


async def test_what_is_no_claim_is_refused(world: World) -> None:
    """No owner, no lifetime, no tenant: nothing is written."""
    for args, state in (
        ((world.one.id, None, TTL_MS), "HF422"), ((world.one.id, A, 0), "HF422"),
        ((uuid4(), A, TTL_MS), "HF404"),
    ):  # fmt: skip
        await world.leaves_nothing(
            lambda args=args, state=state: world.refused(state, "fn_claim_relay", *args)
        )


async def test_foreign_claim_is_refused(world: World) -> None:
    """JWT claims of another tenant claim nothing."""
    await world.refused_to_foreign_claim("fn_claim_relay", A, TTL_MS)
