"""fn_settle_relay_retry: one attempt was asked for, and one is made."""

from uuid import UUID, uuid4

from tests.sql.capital.world import OPERATOR, World
from tests.sql.relay.claims import FAILURES_MAX, TTL_MS, A, claimed, dead, letters, numbered


async def asked(world: World) -> tuple[int, UUID]:
    """A dead letter that shall be published again, and the token of the claim."""
    await numbered(world)
    token = await claimed(world)
    letter = UUID(await dead(world, token))
    await world.call("fn_retry_dead_letter", world.one.id, letter, OPERATOR)
    return token, letter


async def test_confirmed_stays_retried(world: World) -> None:
    """What the broker took is done: one attempt more, nothing left to retry; told again there is nothing."""
    token, letter = await asked(world)
    done = await world.call("fn_settle_relay_retry", world.one.id, token, letter, None, None)
    assert {"code": "OK", "state": "retried"} == done
    assert [FAILURES_MAX + 1] == [each["attempts"] for each in await letters(world)]
    assert [] == (await world.call("fn_claim_relay", world.one.id, A, TTL_MS))["retries"]
    again = await world.call("fn_settle_relay_retry", world.one.id, token, letter, None, None)
    assert "NOT_FOUND" == again["code"]


async def test_refused_is_open_again(world: World) -> None:
    """What was refused once more is open, with the new code and trace."""
    token, letter = await asked(world)
    done = await world.call("fn_settle_relay_retry", world.one.id, token, letter, "BROKER_X", "why")
    assert "open" == done["state"]
    (row,) = await letters(world)
    assert ("BROKER_X", "why", FAILURES_MAX + 1) == (row["code"], row["trace"], row["attempts"])


async def test_only_the_holder_settles(world: World) -> None:
    """Another token settles nothing, and what nobody asked for is not found."""
    token, letter = await asked(world)
    stale = await world.leaves_nothing(
        lambda: world.call("fn_settle_relay_retry", world.one.id, token - 1, letter, None, None)
    )
    assert "STALE_TOKEN" == stale["code"]
    unknown = await world.call("fn_settle_relay_retry", world.one.id, token, uuid4(), None, None)
    assert "NOT_FOUND" == unknown["code"]


async def test_foreign_claim_is_refused(world: World) -> None:
    """JWT claims of another tenant settle nothing."""
    await world.refused_to_foreign_claim("fn_settle_relay_retry", 1, uuid4(), None, None)
