"""fn_check_account: unassigned holdings that their events do not explain close the account for entries."""

from typing import Any
from uuid import uuid4

import pytest

from tests.sql.capital.world import World

ACTOR = "engine:watchdog"
PLANTED = {
    "holding": "UPDATE engine.unassigned_holdings SET quantity = quantity + 1 WHERE asset = 'BTC'",
    "delta": "UPDATE engine.unassigned_events SET delta = delta + 1 WHERE asset = 'BTC'",
    "balance": "UPDATE engine.unassigned_events SET balance = balance + 1 WHERE asset = 'BTC'",
    "event gone": "DELETE FROM engine.unassigned_events WHERE asset = 'BTC'",
}


async def check(world: World) -> Any:
    return await world.call("fn_check_account", world.one.id, world.one.account, ACTOR)


@pytest.mark.parametrize("name", PLANTED)
async def test_planted_corruption_is_found_and_reduces(world: World, name: str) -> None:
    """A holding that differs from its events is named, and the account takes no entries from then on."""
    clean = await check(world)
    assert (True, False, "active") == (clean["equal"], clean["reduced"], clean["mode"])
    await world.admin.execute("SET session_replication_role = replica")
    await world.admin.execute(PLANTED[name].replace("WHERE", f"WHERE account_id = '{world.one.account}' AND"))
    found = await check(world)
    assert (False, True, "reducing") == (found["equal"], found["reduced"], found["mode"])
    assert ["BTC"] == [violation["asset"] for violation in found["violations"]]
    (account,) = await world.call("fn_list_accounts", world.one.id)
    assert ("reducing", "watchdog: unassigned") == (account["mode"], account["mode_reason"])
    again = await check(world)
    assert (False, False) == (again["equal"], again["reduced"])
    assert 1 == len(await world.outbox("mode.changed"))


async def test_an_account_that_is_halted_stays_halted(world: World) -> None:
    """A stricter mode that an operator has set is not loosened."""
    halted = ("account", world.one.account, "halted", "operator:test", "night")
    await world.call("fn_set_mode", world.one.id, *halted)
    await world.admin.execute("SET session_replication_role = replica")
    await world.admin.execute(PLANTED["holding"])
    found = await check(world)
    assert (False, False, "halted") == (found["equal"], found["reduced"], found["mode"])


async def test_leaves_nothing_when_clean(world: World) -> None:
    """A clean check writes no row."""
    await world.leaves_nothing(lambda: check(world))


async def test_refusals(world: World) -> None:
    """Foreign and unknown accounts answer 404, a foreign claim 403."""
    await world.refused("HF404", "fn_check_account", world.one.id, world.other.account, ACTOR)
    await world.refused("HF404", "fn_check_account", world.one.id, uuid4(), ACTOR)
    await world.refused_to_foreign_claim("fn_check_account", world.one.account, ACTOR)
