"""What an order, a look for work or a read costs does not grow with the orders that have ended."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from tests.database.servers import Database, Server
from tests.sql.capital.trading import fill_item, order_item
from tests.sql.capital.world import OPERATOR, Tenant, World, two_tenants

_READ = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'intents_unresolved'"

_ROWS = (
    "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables"
    " WHERE relname IN ('intents', 'orders', 'fills', 'facts', 'denials')"
)
# What a copy of the one order that has ended has of its own, and which row of it is copied.
_ITS = "t.intent_id = '{intent}'"
_OF = {"denials": "key = 'denied'", "facts": f"{_ITS} AND type = 'fill'"}
_MORE_SYMBOLS = """
INSERT INTO engine.instruments SELECT (jsonb_populate_record(u, jsonb_build_object('symbol', 'S' || n))).*
FROM engine.instruments u, generate_series(1, 2) n WHERE tenant_id = $1
"""
_COPY = {
    "intents": "'intent_id', c.id, 'client_order_id', 'past' || g, 'idempotency_key', 'past' || g",
    "orders": "'intent_id', c.id, 'client_order_id', 'past' || g, 'exchange_order_id', 'past' || g",
    "fills": "'intent_id', c.id, 'exchange_order_id', 'past' || g, 'event_id', -g",
    "facts": "'intent_id', c.id, 'event_id', -g, 'idempotency_key', 'past' || g, 'version', -g, 'seq', -g",
    "denials": "'key', 'denied' || g",
}


async def scans(world: World) -> int:
    """How often the index was read so far."""
    await world.conn.execute("SELECT pg_stat_force_next_flush()")
    await world.conn.execute("SELECT 1")  # at whose end it is flushed
    return int(await world.admin.fetchval(_READ))


async def read_rows(world: World) -> int:
    """How many rows of intents were read so far."""
    await scans(world)
    return int(await world.admin.fetchval(_ROWS))


async def past(world: World, count: int, *tables: str) -> None:
    """Orders that have ended, numbered and in the feed, and denials: one as it is, and copies of its rows."""
    await world.call("fn_open_entry", world.one.id, [order_item(world.one, "denied", quantity="5")])
    item = order_item(world.one, "past", quantity="0.0001")
    await world.call("fn_open_entry", world.one.id, [item])
    fill = fill_item(world.one, "past", "t", quantity="0.0001", fee_quantity="0.0001", fee_asset="BTC")
    ended = {"intent_id": item["intent_id"], "exchange_order_id": "past", "status": "filled", "fills": [fill]}
    await world.call("fn_persist_entry_lifecycle", world.one.id, [ended])
    await world.call("fn_feed_snapshot", world.one.id, None)  # numbers what it says
    for table in tables or _COPY:
        of = _OF.get(table, _ITS).format(intent=item["intent_id"])
        await world.admin.execute(
            f"INSERT INTO engine.{table}"  # noqa: S608 - our own names
            f" SELECT (jsonb_populate_record(t, jsonb_build_object({_COPY[table]}))).*"
            f" FROM engine.{table} t, (SELECT g, lpad(g::text, 32, '0')::uuid AS id"
            f" FROM generate_series(1, $2::integer) g) c WHERE t.tenant_id = $1 AND {of}",
            world.one.id,
            count,
        )


async def _aged(database: Database) -> tuple[Tenant, Tenant]:
    made = await two_tenants(database)
    world = await World.of(database, *made)
    await world.allocate("1000")
    await past(world, 3000)
    await world.admin.execute("VACUUM ANALYZE")  # with nothing in flight: its index looks empty
    return made


@pytest.fixture
async def aged(any_server: Server) -> AsyncIterator[World]:
    """Two tenants, the first with 3,000 orders that have ended."""
    database, tenants = await any_server.create_filled("two tenants, one aged", _aged)
    yield await World.of(database, *tenants)
    await any_server.drop(database)


def told(tenant: Tenant, item: dict[str, Any], side: str) -> dict[str, Any]:
    fill = fill_item(
        tenant, item["idempotency_key"], "t", side=side, quantity="0.001", fee_quantity="0", fee_asset=None
    )
    order = {"intent_id": item["intent_id"], "exchange_order_id": item["idempotency_key"]}
    return {**order, "status": "filled", "fills": [fill]}


async def life(world: World, tag: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """Every step of an order, one and several at a time, on profiles that nobody used before."""
    one = world.one
    profiles = [UUID(int=(ord(tag) << 100) + number) for number in range(7)]
    for number, profile in enumerate(profiles):
        await one.add_profile(world.conn, profile, f"{tag}{number}")
        await world.call("fn_allocate", one.id, profile, 100, f"give-{tag}{number}", OPERATOR, None)

    def item(key: str, place: int, **changes: Any) -> dict[str, Any]:
        return order_item(
            one, tag + key, **{"quantity": "0.001", "profile_id": str(profiles[place]), **changes}
        )

    entries = [item(f"e{number}", number) for number in range(6)]
    exits = [item(f"x{number}", number) for number in range(6)]
    short = [item(f"s{number}", 6, symbol=f"S{number}", quantity="0.0015") for number in (1, 2)]
    dear = [item(f"d{number}", number, quantity="9") for number in (1, 2)]
    named = [
        {
            **fill_item(
                one, each["idempotency_key"], "t0", quantity="0.0004", fee_quantity="0", fee_asset=None
            ),
            "client_order_id": each["client_order_id"],
        }
        for each in entries[3:5]
    ]
    ids = [{"intent_id": each["intent_id"]} for each in entries]
    return [
        ("fn_open_entry", short),  # there is capital for one of them
        ("fn_open_entry", short),
        ("fn_open_entry", dear),
        ("fn_open_exit", dear),  # whose keys are used, and which hold nothing
        ("fn_open_exit", [{**each, "idempotency_key": each["idempotency_key"] + "x"} for each in dear]),
        ("fn_open_entry", entries[:1]),
        ("fn_open_entry", entries[:1]),  # its replay
        ("fn_open_entry", entries[1:]),
        ("fn_open_entry", entries),
        ("fn_mark_in_doubt", [{**ids[1], "reason": "timeout", "evidence": {}}]),
        ("fn_persist_entry_lifecycle", [told(one, entries[0], "buy")]),
        ("fn_persist_entry_lifecycle", [told(one, each, "buy") for each in entries[1:3]]),
        ("fn_apply_fill", named[:1]),  # the order is known by its client order id only
        ("fn_apply_fill", named),
        ("fn_open_exit", exits[:1]),
        ("fn_open_exit", exits[1:3]),
        ("fn_persist_exit_lifecycle", [told(one, exits[0], "sell")]),
        ("fn_persist_exit_lifecycle", [told(one, each, "sell") for each in exits[1:3]]),
        ("fn_request_cancel", [{**ids[3], "actor": "x"}]),
        ("fn_finish_order", [{**ids[3], "status": "canceled", "filled_quantity": "0.0004"}]),
        ("fn_reject_entry", [{**ids[5], "reason_code": "x", "reason": "x", "evidence": {}}]),
    ]


async def reads_its_own(world: World, steps: list[tuple[str, list[dict[str, Any]]]]) -> None:
    """Take the steps; none reads more than it is about."""
    for function, items in steps:
        looks, rows = await scans(world), await read_rows(world)
        await world.call(function, world.one.id, items)
        read = await read_rows(world) - rows
        assert (function, looks) == (function, await scans(world))
        assert read < 200, f"{function} of {len(items)} reads {read} rows"


async def test_no_order_reads_what_others_have_or_had(aged: World) -> None:
    """No step of an order reads all that is in flight, or all that has ended, whatever statistics say."""
    await aged.admin.execute(_MORE_SYMBOLS, aged.one.id)
    await reads_its_own(aged, await life(aged, "a"))


async def test_plans_of_empty_tables_do_not_last(world: World) -> None:
    """A session that planned its statements when there was nothing plans again once figures are gathered."""
    await world.admin.execute(_MORE_SYMBOLS, world.one.id)
    for function, items in await life(world, "a"):
        await world.call(function, world.one.id, items)
    await past(world, 3000)
    await world.admin.execute("ANALYZE")  # as autovacuum does within a minute
    await reads_its_own(world, await life(world, "b"))


LOOKS = {
    "fn_due_intents": lambda world: world.conn.fetch("SELECT * FROM engine.fn_due_intents(10)"),
    "fn_due_locks": lambda world: world.conn.fetch("SELECT * FROM engine.fn_due_locks(10)"),
    "fn_list_due_intents": lambda world: world.call(
        "fn_list_due_intents", world.one.id, world.one.account, 10, None
    ),
    "fn_list_orders": lambda world: world.call("fn_list_orders", world.one.id, {"open": True}),
    "fn_get_limits": lambda world: world.call("fn_get_limits", world.one.id, world.one.profile),
    "fn_feed_snapshot": lambda world: world.call("fn_feed_snapshot", world.one.id, None),
    "fn_cancel_all": lambda world: world.call(
        "fn_cancel_all", world.one.id, world.one.robot, "all", "hash", {}, "robot:x"
    ),
}


@pytest.mark.parametrize("look", LOOKS)
async def test_who_looks_for_work_reads_it_alone(aged: World, look: str) -> None:
    """Whatever asks for what is not finished finds it, and does not read the orders that have ended."""
    item = order_item(aged.one, "e1", lock_ttl_ms=1)
    await aged.call("fn_open_entry", aged.one.id, [item])
    await aged.database.advance_clock(60)
    before, rows = await scans(aged), await read_rows(aged)
    found = await LOOKS[look](aged)
    assert before < await scans(aged)
    assert await read_rows(aged) < rows + 100
    assert any(name in str(found) for name in (item["intent_id"], "BTC/USDT")), found


async def test_a_look_from_a_checkpoint_reads_what_is_open(world: World) -> None:
    """The watchdog's look at a profile, but for its first one, does not read the orders that have ended."""
    await past(world, 3000, "intents", "orders")
    await world.call("fn_open_entry", world.one.id, [order_item(world.one, "e1")])
    profile = (world.one.id, world.one.profile, OPERATOR)
    first = await world.call("fn_check_profile", *profile)
    await world.admin.execute("VACUUM ANALYZE")
    rows = await read_rows(world)
    again = await world.call("fn_check_profile", *profile, first["checkpoint"])
    assert (True, first["checkpoint"]) == (again["equal"], again["checkpoint"])
    assert await read_rows(world) < rows + 100


OPEN, OF_ORDER, PAGE = {"open": True}, {"order_id": "intent"}, {"limit": 100}
READS: list[tuple[Any, ...]] = [
    ("fn_get_order", "intent"),
    ("fn_order_timeline", "intent"),
    ("fn_get_order_by_client_id", "client"),
    ("fn_list_orders", PAGE),
    ("fn_list_fills", PAGE),
    ("fn_list_events", PAGE),
    ("fn_list_orders", OPEN),
    ("fn_list_fills", OF_ORDER),
    ("fn_list_events", OF_ORDER),
    ("fn_trade_history", PAGE),
    ("fn_list_positions", None),
    ("fn_get_capital", None),
    ("fn_get_answer", "robot", "e1"),
    ("fn_read_feed", 0, 100, None),
    ("fn_sequence_feed", 100),
    ("fn_drain_unmatched", "account"),
]


@pytest.mark.parametrize(("read", "given"), [(each[0], each[1:]) for each in READS])
async def test_a_read_takes_a_page(aged: World, read: str, given: tuple[Any, ...]) -> None:
    """Reads of robots and loops take what they show, not all there is; by a session's later plans, too."""
    item = order_item(aged.one, "e1")
    await aged.call("fn_open_entry", aged.one.id, [item])
    named = {"intent": UUID(item["intent_id"]), "client": item["client_order_id"]}
    named |= {"robot": aged.one.robot, "account": aged.one.account}
    meant = [
        {"order_id": item["intent_id"]} if each is OF_ORDER else named.get(str(each), each) for each in given
    ]
    for _ in range(8):  # after five calls a session may keep one plan for whatever is asked
        await aged.call(read, aged.one.id, *meant)
    rows = await read_rows(aged)
    await aged.call(read, aged.one.id, *meant)
    assert await read_rows(aged) < rows + 700
