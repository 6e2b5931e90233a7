"""fn_due_relays: whose events the broker has not confirmed, and who may publish them."""

from uuid import UUID

from tests.sql.capital.world import OPERATOR, World
from tests.sql.relay.claims import TTL_MS, A, B, claimed, dead, due, failed, numbered


async def test_lists_what_is_numbered_and_not_confirmed(world: World) -> None:
    """Nothing is due before it has its seq; then the lag is the difference, and none is left at the end."""
    assert {} == await due(world)
    last = await numbered(world)
    assert (last, True) == (await due(world))[world.one.id]
    token = await claimed(world)
    await world.call("fn_advance_relay", world.one.id, token, last - 1, TTL_MS)
    assert (1, True) == (await due(world))[world.one.id]
    await world.call("fn_advance_relay", world.one.id, token, last, TTL_MS)
    assert {world.other.id} == set(await due(world))


async def test_a_live_claim_is_its_owners(world: World) -> None:
    """While a claim lives only its owner may go on; when it has expired anybody may."""
    await numbered(world)
    await claimed(world, A)
    assert (True, False) == ((await due(world, A))[world.one.id][1], (await due(world, B))[world.one.id][1])
    await world.database.advance_clock(TTL_MS / 1_000 + 1)
    assert (await due(world, B))[world.one.id][1]


async def test_after_a_refusal_it_waits(world: World) -> None:
    """A tenant whose event was refused is due again after its pause, which doubles, and not before."""
    await numbered(world)
    token = await claimed(world)
    for _ in range(12):  # so often that the pause is the longest there is, a minute
        await failed(world, token, 1, failures_max=100)
    assert not (await due(world))[world.one.id][1]
    await world.database.advance_clock(61)
    assert (await due(world))[world.one.id][1]


async def test_an_operators_retry_is_due_without_lag(world: World) -> None:
    """A dead letter that shall be published again makes its tenant due, though all else is confirmed."""
    last = await numbered(world)
    token = await claimed(world)
    letter = await dead(world, token)
    await world.call("fn_advance_relay", world.one.id, token, last, TTL_MS)
    assert world.one.id not in await due(world)
    await world.call("fn_retry_dead_letter", world.one.id, UUID(letter), OPERATOR)
    assert (0, True) == (await due(world))[world.one.id]
