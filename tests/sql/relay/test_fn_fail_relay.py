"""fn_fail_relay: refusals are counted, and the last one makes a dead letter."""

from tests.sql.capital.world import World
from tests.sql.relay.claims import FAILURES_MAX, TTL_MS, A, claimed, event, failed, letters, numbered


async def test_last_failure_makes_a_dead_letter_and_the_next_is_due(world: World) -> None:
    """Below the limit it is counted; at the limit the event is kept with code and trace, and passed."""
    await numbered(world)
    token = await claimed(world)
    for count in range(1, FAILURES_MAX):
        told = await failed(world, token, 1)
        assert (False, count) == (told["dead"], told["failures"])
    assert [] == await letters(world)
    assert (await failed(world, token, 1))["dead"]
    (letter,) = await letters(world)
    assert ("out", "relay", "open", "BROKER_NACK", "the trace", FAILURES_MAX, event(1)) == (
        letter["direction"], letter["source"], letter["state"], letter["code"], letter["trace"],
        letter["attempts"], letter["payload"],
    )  # fmt: skip
    assert 1 == (await world.call("fn_claim_relay", world.one.id, A, TTL_MS))["published_seq"]


async def test_told_again_it_changes_nothing(world: World) -> None:
    """A report about an event that was passed already, or is not the next one, is a replay."""
    await numbered(world)
    token = await claimed(world)
    for _ in range(FAILURES_MAX):
        await failed(world, token, 1)
    for seq in (1, 5):
        again = await world.leaves_nothing(lambda seq=seq: failed(world, token, seq))
        assert (True, False) == (again["replay"], again["dead"])


async def test_only_the_holder_counts(world: World) -> None:
    """Another token counts nothing."""
    await numbered(world)
    await claimed(world)
    answer = await world.leaves_nothing(lambda: failed(world, 0, 1))
    assert "STALE_TOKEN" == answer["code"]


async def test_event_and_limit_are_required(world: World) -> None:
    """Without seq, epoch or a limit nothing is written."""
    await numbered(world)
    token = await claimed(world)
    for told, limit in (({"epoch": 1}, 3), ({"seq": 1}, 3), (event(1), 0), (event(1), None)):
        await world.leaves_nothing(
            lambda told=told, limit=limit: world.refused(
                "HF422", "fn_fail_relay", world.one.id, token, told, "X", "t", limit
            )
        )
    await world.refused("HF422", "fn_fail_relay", world.one.id, token, event(1), None, "t", 1)


async def test_foreign_claim_is_refused(world: World) -> None:
    """JWT claims of another tenant count nothing."""
    await world.refused_to_foreign_claim("fn_fail_relay", 1, event(1), "X", "t", 3)
