"""fn_check_profile: every kind of planted corruption is found, named, and halts the profile at once."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.sql.capital.trading import confirmed, in_doubt, round_trip, sending
from tests.sql.capital.world import World, call
from tests.sql.lifecycle.acts import exit_order, fill, finish, held, mode, result

ACTOR = "engine:watchdog"
CLEAN = {"rebuild_equals_stored": 0, "invariant": 0, "reservations": 0, "orders": 0, "entry_locks": 0}
NO_CONSTRAINTS = "ALTER TABLE engine.profile_capital DROP CONSTRAINT capital_holds"
# What is changed by hand, and the checks that must say so. The profile holds 0.01 BTC and has an entry order
# open at the exchange (E), an exit order open (X), and an entry in doubt (D).
PLANTED: dict[str, tuple[str, set[str]]] = {
    "stored capital": (
        "UPDATE engine.profile_capital SET allocated = allocated + 1, available = available + 1",
        {"rebuild_equals_stored"},
    ),
    "journal": (
        "UPDATE engine.facts SET lines[1].amount = (lines[1]).amount + 1 WHERE lines IS NOT NULL",
        {"rebuild_equals_stored"},
    ),
    "event gone": (
        "DELETE FROM engine.economic_events WHERE version = 2",
        {"rebuild_equals_stored"},
    ),
    "position": ("UPDATE engine.positions SET cost = cost + 1", {"rebuild_equals_stored"}),
    "formula": (
        "UPDATE engine.profile_capital SET available = available + 1",
        {"rebuild_equals_stored", "invariant"},
    ),
    "active below zero": (
        "UPDATE engine.profile_capital SET available = -1",
        {"rebuild_equals_stored", "invariant"},
    ),
    "reservation of an open order gone": (
        "UPDATE engine.intents SET reserved_amount = NULL, reserved_remaining = NULL WHERE intent_id = 'E'",
        {"rebuild_equals_stored", "reservations"},
    ),
    "reservation released while in doubt": (
        "UPDATE engine.reservations SET remaining = 0, released_at = now() WHERE intent_id = 'D'",
        {"rebuild_equals_stored", "reservations"},
    ),
    "reservation of an open exit released": (
        "UPDATE engine.reservations SET released_at = now() + '1 day', remaining = 0 WHERE intent_id = 'X'",
        {"rebuild_equals_stored", "reservations"},
    ),
    "intent ended, reservation kept": (
        "UPDATE engine.intents SET state = 'not_placed' WHERE intent_id = 'D'",
        {"reservations"},
    ),
    "order ended, reservation kept": (
        "UPDATE engine.orders SET status = 'canceled' WHERE intent_id = 'E'",
        {"reservations"},
    ),
    "intent gone": (
        "DELETE FROM engine.intents WHERE intent_id = 'E'",
        {"rebuild_equals_stored", "reservations", "orders"},
    ),
    "order gone": ("DELETE FROM engine.orders WHERE intent_id = 'E'", {"reservations", "orders"}),
    "order of an intent in doubt": (
        """DROP INDEX engine.intents_entry_lock;
           UPDATE engine.intents SET state = 'in_doubt' WHERE intent_id = 'E'""",
        {"orders", "entry_locks"},
    ),
}


async def check(world: World, since: dict[str, Any] | None = None) -> Any:
    return await world.call("fn_check_profile", world.one.id, world.one.profile, ACTOR, since)


async def plant(world: World, statement: str, **intents: UUID) -> None:
    """Change rows as a superuser whom no trigger and no policy stops."""
    for name, intent in intents.items():
        statement = statement.replace(f"'{name}'", f"'{intent}'")
    await world.admin.execute("SET session_replication_role = replica")
    await world.admin.execute(statement)
    await world.admin.execute("RESET session_replication_role")


@pytest.mark.parametrize("name", PLANTED)
async def test_planted_corruption_is_found_and_halts(world: World, name: str) -> None:
    """A row changed by hand is found by the checks it breaks and by no other; the profile halts with them."""
    await world.allocate("1000", "more")
    await held(world)
    entry, leaving = await confirmed(world, "e", limit_price="10000"), await exit_order(world)
    doubtful = await in_doubt(world, "d")
    assert CLEAN == (await check(world))["checks"]
    await world.admin.execute(NO_CONSTRAINTS)
    statement, broken = PLANTED[name]
    await plant(world, statement, E=entry, X=leaving, D=doubtful)
    found = await check(world)
    assert broken == {check_ for check_, faults in found["checks"].items() if faults}
    assert (False, True) == (found["equal"], found["halted"])
    assert broken == {violation["check"] for violation in found["violations"]}
    assert ("halted", "watchdog: " + ", ".join(sorted(broken))) == await mode(world)
    assert [found["violations"]] == [
        audit["violations"] for audit in await audits(world) if audit["before"] == "active"
    ]
    again = await check(world)
    assert (False, False, "halted") == (again["equal"], again["halted"], again["mode"])
    assert 1 == len(await world.outbox("profile.halted"))


async def audits(world: World) -> list[dict[str, Any]]:
    rows = await world.admin.fetchval(
        "SELECT json_agg(detail) FROM engine.audit WHERE action = 'halt' AND actor = $1", ACTOR
    )
    return [] if rows is None else json.loads(rows)


# What a look from a checkpoint cannot see: events before it are not read again.
PAST = {"journal", "event gone"}


@pytest.mark.parametrize("name", sorted(set(PLANTED) - PAST))
async def test_a_look_from_a_checkpoint_finds_the_same(world: World, name: str) -> None:
    """What is stored and what is open is judged as by a whole rebuild, at the cost of what is new."""
    await world.allocate("1000", "more")
    since = (await check(world))["checkpoint"]
    assert 2 == since["version"]
    await held(world)
    entry, leaving = await confirmed(world, "e", limit_price="10000"), await exit_order(world)
    doubtful = await in_doubt(world, "d")
    clean = await check(world, since)
    assert (True, CLEAN) == (clean["equal"], clean["checks"])
    assert clean["checkpoint"] == (await check(world))["checkpoint"]
    await world.admin.execute(NO_CONSTRAINTS)
    statement, broken = PLANTED[name]
    await plant(world, statement, E=entry, X=leaving, D=doubtful)
    for place in (since, clean["checkpoint"]):
        found = await check(world, place)
        assert broken == {check_ for check_, faults in found["checks"].items() if faults}
        assert (False, None) == (found["equal"], found["checkpoint"])
    assert ("halted", "watchdog: " + ", ".join(sorted(broken))) == await mode(world)


@pytest.mark.parametrize("name", sorted(PAST))
async def test_events_since_a_checkpoint_are_read(world: World, name: str) -> None:
    """A forged or missing event after the checkpoint is found from it; an older one by a whole look."""
    since = (await check(world))["checkpoint"]
    await held(world)
    later = (await check(world, since))["checkpoint"]
    await plant(world, PLANTED[name][0])
    assert (await check(world, later))["equal"]
    assert {"rebuild_equals_stored"} == {each["check"] for each in (await check(world, since))["violations"]}
    assert not (await check(world))["equal"]


async def test_every_legal_state_is_clean(world: World) -> None:
    """No state that live trading leaves is taken for a fault: each step of each life is checked."""
    await round_trip(world)
    assert CLEAN == (await check(world))["checks"]
    await sending(world, "s1")
    assert CLEAN == (await check(world))["checks"]
    view = await world.call("fn_list_orders", world.one.id, {"state": "sending", "limit": 10})
    ended = {"intent_id": view[0]["id"], "fencing_token": view[0]["fencing_token"], "reason": "never sent"}
    assert "OK" == (await result(world, "fn_not_placed", ended))["code"]
    assert CLEAN == (await check(world))["checks"]
    # it is found at the exchange nevertheless: the profile halts by that fact, its books are right
    absent = {"intent_id": view[0]["id"], "exchange_order_id": "late", "status": "open", "fills": []}
    told = await result(world, "fn_persist_entry_lifecycle", absent)
    assert told["false_absence"]
    found = await check(world)
    assert (True, False, "halted") == (found["equal"], found["halted"], found["mode"])
    assert ("halted", "false absence") == await mode(world)


async def test_a_fee_without_value_keeps_its_reservation(world: World) -> None:
    """An ended order whose third-asset fee has no value yet still holds its reservation: that is no fault."""
    intent = await confirmed(world, "e")
    await fill(world, "e", "t", fee_asset="BNB", fee_quantity="0.001", quantity="0.01")
    await finish(world, intent, "filled")
    assert CLEAN == (await check(world))["checks"]


async def test_no_false_alarm_while_others_trade(world: World) -> None:
    """Checks that run between the commits of two traders see whole transactions only."""
    connections = [await world.database.connect() for _ in range(2)]

    async def trade(number: int) -> None:
        for turn in range(15):
            args = (world.one.id, world.one.profile, 1, f"{number}-{turn}", ACTOR, None)
            await call(connections[number], "fn_allocate", *args)

    trading = asyncio.gather(trade(0), trade(1))
    while not trading.done():
        found = await check(world)
        assert (True, "active") == (found["equal"], found["mode"]), found
        await asyncio.sleep(0)
    await trading


async def test_a_resumed_profile_is_halted_again(world: World) -> None:
    """Resuming without healing lasts until the next look, and each halt is kept."""
    await plant(world, "UPDATE engine.profile_capital SET version = version + 1")
    assert (await check(world))["halted"]
    resume = ("profile", world.one.profile, "active", "operator:test", "looks fine")
    await world.call("fn_set_mode", world.one.id, *resume)
    assert (await check(world))["halted"]
    assert 2 == len(await audits(world))


async def test_leaves_nothing_when_clean(world: World) -> None:
    """A clean check writes no row."""
    await confirmed(world)
    await world.leaves_nothing(lambda: check(world))


async def test_refusals(world: World) -> None:
    """Foreign and unknown profiles answer 404, a foreign claim 403, a halt without an actor 422."""
    await world.refused("HF404", "fn_check_profile", world.one.id, world.other.profile, ACTOR)
    await world.refused("HF404", "fn_check_profile", world.one.id, uuid4(), ACTOR)
    await world.refused_to_foreign_claim("fn_check_profile", world.one.profile, ACTOR)
    await plant(world, "UPDATE engine.profile_capital SET version = version + 1")
    await world.refused("HF422", "fn_check_profile", world.one.id, world.one.profile, "")
    assert ("active", None) == await mode(world)
