"""fn_advance_relay: what the broker confirmed is recorded, and never taken back."""

from tests.sql.capital.world import World
from tests.sql.relay.claims import TTL_MS, A, B, claimed, failed, numbered


async def test_confirmed_is_recorded_and_never_goes_back(world: World) -> None:
    """The seq moves forward; an older one, or the same call again, changes nothing."""
    last = await numbered(world)
    token = await claimed(world)
    for told, stands in ((last - 1, last - 1), (1, last - 1), (last, last), (last, last)):
        moved = await world.call("fn_advance_relay", world.one.id, token, told, TTL_MS)
        assert ("OK", stands) == (moved["code"], moved["published_seq"])


async def test_failures_are_forgotten_when_it_moves(world: World) -> None:
    """An event that goes through at last leaves no count for the next one."""
    await numbered(world)
    token = await claimed(world)
    await failed(world, token, 1)
    assert 1 == (await world.call("fn_claim_relay", world.one.id, A, TTL_MS))["failures"]
    await world.call("fn_advance_relay", world.one.id, token, 1, TTL_MS)
    assert 0 == (await world.call("fn_claim_relay", world.one.id, A, TTL_MS))["failures"]


async def test_without_a_lifetime_the_claim_ends(world: World) -> None:
    """Who gives it up lets the next process in at once, and can do nothing more by the old token."""
    await numbered(world)
    token = await claimed(world, A)
    await world.call("fn_advance_relay", world.one.id, token, 1, None)
    assert token < await claimed(world, B)
    assert "STALE_TOKEN" == (await world.call("fn_advance_relay", world.one.id, token, 2, TTL_MS))["code"]


async def test_a_seq_that_was_never_given_is_refused(world: World) -> None:
    """What no event has cannot have been confirmed; a lifetime out of bounds neither helps."""
    last = await numbered(world)
    token = await claimed(world)
    for seq, ttl_ms in ((last + 1, TTL_MS), (1, 1)):
        await world.refused("HF422", "fn_advance_relay", world.one.id, token, seq, ttl_ms)


async def test_foreign_claim_is_refused(world: World) -> None:
    """JWT claims of another tenant move nothing."""
    await world.refused_to_foreign_claim("fn_advance_relay", 1, 1, TTL_MS)
