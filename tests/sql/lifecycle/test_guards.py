"""What the tables refuse, whoever writes: changed facts, illegal transitions, imbalance, bad numbers."""

from itertools import permutations
from typing import Any

import asyncpg
import pytest

from engine.domain.states import INTENT_TRANSITIONS, ORDER_TRANSITIONS, IntentState, OrderState
from tests.sql.capital.trading import confirmed, round_trip, sending
from tests.sql.capital.world import World
from tests.sql.lifecycle.acts import fill

FACTS = (
    "facts",
    "unassigned_events",
    "profile_specs",
    "trade_history",
    "audit",
    "fills",
)
VIEWS_OF_FACTS = ("economic_events", "outbox")


async def refused(conn: "asyncpg.Connection[Any]", sqlstate: str, statement: str, *args: Any) -> None:
    with pytest.raises(asyncpg.PostgresError) as caught:
        await conn.execute(statement, *args)
    assert sqlstate == caught.value.sqlstate, f"{statement}: {caught.value}"


async def test_facts_are_never_changed(world: World) -> None:
    """UPDATE, DELETE and TRUNCATE of every table of facts are refused, even to a superuser."""
    await round_trip(world)
    for table in FACTS:
        await refused(world.admin, "HF411", f"DELETE FROM engine.{table}")  # noqa: S608
        await refused(world.admin, "HF411", f"TRUNCATE engine.{table}")
        await refused(world.admin, "HF411", f"UPDATE engine.{table} SET tenant_id = gen_random_uuid()")  # noqa: S608
    for view in VIEWS_OF_FACTS:
        await refused(world.admin, "HF411", f"DELETE FROM engine.{view}")  # noqa: S608
        await refused(world.admin, "HF411", f"UPDATE engine.{view} SET tenant_id = gen_random_uuid()")  # noqa: S608
    await refused(world.admin, "55000", "UPDATE engine.journal SET amount = amount + 1")


async def test_the_engines_role_writes_no_table(world: World) -> None:
    """holdfast_engine may execute functions only: every direct statement on a table is refused."""
    tables = await world.admin.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'engine'::regnamespace AND relkind = 'r'"
    )
    for row in tables:
        for statement in (
            "DELETE FROM engine.{}",
            "INSERT INTO engine.{} DEFAULT VALUES",
            "TRUNCATE engine.{}",
        ):
            await refused(world.conn, "42501", statement.format(row["relname"]))
    await refused(world.conn, "42501", "UPDATE engine.profile_capital SET available = 1")


async def test_every_pair_of_the_intents_table(world: World) -> None:
    """Each transition that the domain's table has is possible, every other one raises HF409."""
    intent = await sending(world)
    for before, after in permutations(IntentState, 2):
        await world.admin.execute("ALTER TABLE engine.intents DISABLE TRIGGER USER")
        await world.admin.execute("UPDATE engine.intents SET state = $1", before.value)
        await world.admin.execute("ALTER TABLE engine.intents ENABLE TRIGGER USER")
        statement = "UPDATE engine.intents SET state = $1 WHERE intent_id = $2"
        if after in INTENT_TRANSITIONS[before]:
            await world.admin.execute(statement, after.value, intent)
        else:
            await refused(world.admin, "HF409", statement, after.value, intent)


async def test_every_pair_of_the_orders_table(world: World) -> None:
    """Each transition that the domain's table has is possible, every other one raises HF409."""
    intent = await confirmed(world)
    for before, after in permutations(OrderState, 2):
        await world.admin.execute("ALTER TABLE engine.orders DISABLE TRIGGER USER")
        await world.admin.execute("UPDATE engine.orders SET status = $1", before.value)
        await world.admin.execute("ALTER TABLE engine.orders ENABLE TRIGGER USER")
        statement = "UPDATE engine.orders SET status = $1 WHERE intent_id = $2"
        if after in ORDER_TRANSITIONS[before]:
            await world.admin.execute(statement, after.value, intent)
        else:
            await refused(world.admin, "HF409", statement, after.value, intent)


async def test_a_filled_quantity_never_falls(world: World) -> None:
    """Neither what the exchange reported nor what is booked can be made smaller."""
    await confirmed(world)
    await fill(world, "e1", "t1")
    await refused(
        world.admin, "HF409", "UPDATE engine.orders SET filled_quantity = 0.003, booked_quantity = 0"
    )


async def test_an_unbalanced_event_is_impossible(world: World) -> None:
    """A line has two accounts and an amount above zero, an event has a line; balances keep the formula."""
    insert = (
        "INSERT INTO engine.facts (tenant_id, event_id, part, profile_id, recorded_at, version, lines)"
        " SELECT tenant_id, event_id + 1000, 0, profile_id, recorded_at, version + 1000, {}"
        " FROM engine.facts WHERE version = 1"
    )
    line = "ARRAY[ROW({}, {}, {}, 1, 1)::engine.journal_line]"
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await world.admin.execute(insert.format("'{}'"))
    await world.admin.execute(insert.format(line.format("'AVAILABLE'", "'CAPITAL'", "1")))
    for debit, credit, amount in (
        ("'AVAILABLE'", "'AVAILABLE'", "1"),
        ("'AVAILABLE'", "NULL", "1"),
        ("'AVAILABLE'", "'CAPITAL'", "0"),
        ("'AVAILABLE'", "'CAPITAL'", "-1"),
        ("'AVAILABLE'", "'CAPITAL'", "'NaN'"),
        ("'AVAILABLE'", "'CAPITAL'", "1e40"),
        ("'AVAILABLE'", "'CAPITAL'", "1e-19"),
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await world.admin.execute(insert.format(line.format(debit, credit, amount)))
    await refused(world.admin, "23514", "UPDATE engine.profile_capital SET available = available + 1")


async def test_an_active_profile_is_never_below_zero(world: World) -> None:
    """Less than zero available is possible only while the profile's mode is not active."""
    below = "UPDATE engine.profile_capital SET available = -1, fees = allocated + 1, mode = $1"
    await refused(world.admin, "23514", below, "active")
    await world.admin.execute(below, "halted")


async def test_no_more_remains_of_a_reservation_than_its_amount(world: World) -> None:
    """A remainder above the amount, below zero, or left after the release is refused, even to a superuser."""
    intent = await sending(world)
    change = "UPDATE engine.intents SET {} WHERE intent_id = $1"
    for wrong in (
        "reserved_remaining = reserved_amount + 1e-18",
        "reserved_amount = reserved_amount - 1e-18",
        "reserved_remaining = -1e-18",
        "reserved_remaining = 'NaN'",
        "released_at = now()",
        "released_at = now(), reserved_remaining = 1e-18",
    ):
        await refused(world.admin, "23514", change.format(wrong), intent)
    copy = (
        "INSERT INTO engine.intents SELECT (jsonb_populate_record(i, jsonb_build_object("
        "'intent_id', gen_random_uuid(), 'client_order_id', 'other', 'idempotency_key', 'other',"
        " 'kind', 'exit', {}))).*"
        " FROM engine.intents i WHERE intent_id = $1"
    )
    await refused(world.admin, "23514", copy.format("'reserved_remaining', reserved_amount + 1"), intent)
    await refused(world.admin, "23514", copy.format("'released_at', now()"), intent)
    await world.admin.execute(copy.format("'reserved_remaining', reserved_amount"), intent)
    await world.admin.execute(change.format("released_at = now(), reserved_remaining = 0"), intent)


async def test_an_event_that_does_not_balance_is_refused_by_its_code(world: World) -> None:
    """Changes of the six balances that do not add up are refused before anything is written."""
    await refused(
        world.admin,
        "HF412",
        "SELECT engine.post_capital($1, $2, 'adjust', 'k', NULL, 'x', NULL, NULL, 1, NULL, now(),"
        " 5, 0, 0, 0, 0, 0)",
        world.one.id,
        world.one.profile,
    )
