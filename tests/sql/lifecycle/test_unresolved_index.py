"""The index of all unresolved intents is for those who look for work, never for an order."""

from typing import Any
from uuid import UUID

from tests.sql.capital.trading import fill_item, order_item
from tests.sql.capital.world import Tenant, World

_READ = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'intents_unresolved'"


async def scans(world: World) -> int:
    """How often the index was read so far."""
    await world.conn.execute("SELECT pg_stat_force_next_flush()")
    await world.conn.execute("SELECT 1")  # at whose end it is flushed
    return int(await world.admin.fetchval(_READ))


def told(tenant: Tenant, item: dict[str, Any], side: str) -> dict[str, Any]:
    fill = fill_item(
        tenant, item["idempotency_key"], "t", side=side, quantity="0.001", fee_quantity="0", fee_asset=None
    )
    order = {"intent_id": item["intent_id"], "exchange_order_id": item["idempotency_key"]}
    return {**order, "status": "filled", "fills": [fill]}


async def test_no_order_reads_what_all_others_have_in_flight(world: World) -> None:
    """With statistics of a moment when nothing was in flight, by which it looks empty, none reads it."""
    one = world.one
    for number in range(40):
        item = order_item(one, f"past{number}")
        await world.call("fn_open_entry", one.id, [item])
        ended = {"intent_id": item["intent_id"], "exchange_order_id": f"past{number}", "status": "canceled"}
        await world.call("fn_persist_entry_lifecycle", one.id, [ended])
    await world.admin.execute("VACUUM ANALYZE")
    before = await scans(world)
    for number in range(4):
        await one.add_profile(world.conn, UUID(int=(7 << 100) + number), f"p{number}")
        await world.call(
            "fn_allocate", one.id, UUID(int=(7 << 100) + number), 100, f"give-{number}", "operator:test", None
        )
    items = [
        order_item(one, f"e{number}", quantity="0.001", profile_id=str(UUID(int=(7 << 100) + number)))
        for number in range(4)
    ]
    for array in (items[:1], items[:1], items[1:], items):  # a lone one, its replay, an array, replays
        assert {"OK", "REPLAY"} >= {each["code"] for each in await world.call("fn_open_entry", one.id, array)}
    for item in items[2:]:  # known by a fill first, which looks the intents up by client order id
        fill = fill_item(
            one, item["idempotency_key"], "t", quantity="0.0004", fee_quantity="0", fee_asset=None
        )
        fill["client_order_id"] = item["client_order_id"]
        (answer,) = await world.call("fn_apply_fill", one.id, [fill])
        assert "OK" == answer["code"]
    sold = [{**order_item(one, f"x{number}"), "quantity": "0.001"} for number in range(2)]
    for array, exits in ((items[:1], sold[:1]), (items[1:2], sold[1:])):
        await world.call("fn_persist_entry_lifecycle", one.id, [told(one, each, "buy") for each in array])
        for item, exit_item in zip(array, exits, strict=True):
            exit_item["profile_id"] = item["profile_id"]
        assert ["OK"] == [each["code"] for each in await world.call("fn_open_exit", one.id, exits)]
        await world.call("fn_persist_exit_lifecycle", one.id, [told(one, each, "sell") for each in exits])
    await world.call("fn_request_cancel", one.id, [{"intent_id": items[2]["intent_id"], "actor": "x"}])
    assert before == await scans(world)


async def test_who_looks_for_work_reads_it(world: World) -> None:
    """An entry past its expiry is found as a due lock and for the resolver, and that index serves it."""
    one = world.one
    item = order_item(one, "e1", lock_ttl_ms=1)
    await world.call("fn_open_entry", one.id, [item])
    await world.database.advance_clock(60)
    await world.admin.execute("SET enable_seqscan = off")
    due = await world.admin.fetch("SELECT held_for FROM engine.fn_due_locks(10) WHERE kind = 'entry'")
    assert [f"{one.profile} BTC/USDT"] == [row["held_for"] for row in due]
    found = await world.call("fn_list_due_intents", one.id, one.account, 10, None)
    assert [item["intent_id"]] == [each["id"] for each in found["due"]]
    plan = await world.admin.fetch(
        "EXPLAIN SELECT intent_id FROM engine.intents i WHERE i.expires_at <= now()"
        " AND CASE WHEN i.state IN ('sending', 'in_doubt', 'needs_operator') THEN true END"
    )
    assert any("intents_unresolved" in row[0] for row in plan), plan
