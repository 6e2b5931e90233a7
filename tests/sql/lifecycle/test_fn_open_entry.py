"""fn_open_entry: what it opens, what it denies and what a denial leaves behind."""

import asyncio
import json
from decimal import Decimal
from uuid import uuid4

from engine.domain.errors import ErrorCode
from tests.sql.capital.trading import confirmed, order_item, sending
from tests.sql.capital.world import World, call, state
from tests.sql.lifecycle.acts import figures, legs, result, spec, state_of


async def test_success_reserves_and_writes_the_intent_before_the_send(world: World) -> None:
    """An open entry has its reservation, lock, intent in `sending`, balanced event and outbox row."""
    item = order_item(world.one, "k1")
    answer = await result(world, "fn_open_entry", item)
    assert ("OK", "500.5", "499.5") == (answer["code"], answer["reserved"], answer["available"])
    assert item["client_order_id"] == answer["client_order_id"]
    assert "sending" == await state_of(world, item["intent_id"])
    now = await figures(world)
    assert (Decimal("499.5"), Decimal("500.5")) == (now["available"], now["reserved_for_orders"])
    event = await world.admin.fetchval("SELECT event_id FROM engine.economic_events WHERE type = 'reserve'")
    amount = Decimal("500.5")
    assert {
        ("DEBIT", "RESERVED_FOR_ORDERS"): amount,
        ("CREDIT", "AVAILABLE"): amount,
    } == await legs(world, event)
    assert 1 == len(await world.outbox("entry.sending"))
    await world.consistent()


async def test_replay_gives_the_present_state(world: World) -> None:
    """The same key opens nothing again: it gives the intent as it is now; another body is refused."""
    item = order_item(world.one, "k1")
    await result(world, "fn_open_entry", item)
    again = await world.leaves_nothing(lambda: result(world, "fn_open_entry", order_item(world.one, "k1")))
    assert ("REPLAY", item["intent_id"], "sending") == (
        again["code"],
        again["intent"]["id"],
        again["intent"]["state"],
    )
    reused = await result(world, "fn_open_entry", order_item(world.one, "k1", request_hash="other"))
    assert {"code": "IDEMPOTENCY_KEY_REUSED"} == reused


async def test_a_market_entry_of_another_spec_is_stale(world: World) -> None:
    """Alone or in an array: a price made by a spec that is no longer the profile's opens nothing."""
    item = order_item(world.one, "k1", type="market", time_in_force="IOC", quantity="0.001")
    other = order_item(
        world.one, "k2", quantity="0.001", spec_version=7
    )  # a robot's own limit is as good as ever
    stale = {"code": "STALE_PRICE", "spec_version": 1}
    before = await state(world.admin)
    assert stale == await result(world, "fn_open_entry", {**item, "spec_version": 7})
    assert [stale, stale] == await world.call(
        "fn_open_entry", world.one.id, [{**item, "spec_version": 7}, {**item, "spec_version": 2}]
    )
    assert before == await state(world.admin)
    assert "OK" == (await result(world, "fn_open_entry", {**item, "spec_version": 1}))["code"]
    again = await result(world, "fn_open_entry", {**item, "spec_version": 7})
    assert ("REPLAY", item["intent_id"]) == (again["code"], again["intent"]["id"])
    locked = await result(world, "fn_open_entry", other)
    assert "ENTRY_LOCKED" == locked["code"]


UNSTORED = {
    "INVALID_NUMBER": {"quantity": "NaN"},
    "NOT_FOUND": {"profile_id": str(uuid4())},
    "UNKNOWN_SYMBOL": {"symbol": "ETH/USDT"},
    "INVALID_QUANTITY": {"quantity": "0.00015"},
    "INVALID_PRICE": {"limit_price": "50000.001"},
    "BELOW_MIN_NOTIONAL": {"quantity": "0.0001", "limit_price": "100"},
}


async def test_bad_requests_leave_nothing(world: World) -> None:
    """A request that is wrong in itself is answered with its code and leaves no row, not even its key."""
    before = await state(world.admin)
    for code, wrong in UNSTORED.items():
        answer = await result(world, "fn_open_entry", order_item(world.one, "k1", **wrong))
        assert code == answer["code"]
        assert ErrorCode(code)
    assert before == await state(world.admin)


BAD_NUMBERS = ["NaN", "Infinity", "-1", "0", "1e3", "1" + "0" * 40, "0.0000000000000000001", ""]


async def test_numbers_that_are_not_exact_are_refused(world: World) -> None:
    """NaN, 10^40, excess scale, signs and exponents never reach the ledger, as quantity or as price."""
    for number in BAD_NUMBERS:
        for field in ("quantity", "limit_price"):
            answer = await result(world, "fn_open_entry", order_item(world.one, "k1", **{field: number}))
            assert "INVALID_NUMBER" == answer["code"]


async def test_capital_denial_is_stored(world: World) -> None:
    """Too little capital is denied with numbers, and stays denied for that key when capital has come."""
    item = order_item(world.one, "k1", quantity="0.02")
    expected = {"code": "INSUFFICIENT_CAPITAL", "required": "1001", "available": "1000"}
    assert expected == await result(world, "fn_open_entry", item)
    await world.allocate("1000", "second")
    assert {"code": "REPLAY", "denial": expected} == await result(world, "fn_open_entry", item)
    assert 1 == len(await world.outbox("entry.denied"))
    assert 0 == await world.admin.fetchval("SELECT count(*) FROM engine.intents")
    assert 0 == await world.admin.fetchval("SELECT count(*) FROM engine.entry_locks")


async def test_limits_of_the_spec_deny_and_are_stored(world: World) -> None:
    """A symbol that the spec does not list, and an order above its cap, are denied with limit and value."""
    await spec(world, symbols=["ETH/USDT"])
    answer = await result(world, "fn_open_entry", order_item(world.one, "k1"))
    assert ("LIMIT_EXCEEDED", "symbols") == (answer["code"], answer["limit"])
    await spec(world, max_order_notional="499.99")
    answer = await result(world, "fn_open_entry", order_item(world.one, "k2"))
    assert ("max_order_notional", "500", "499.99") == (answer["limit"], answer["value"], answer["allowed"])
    assert 2 == len(await world.outbox("entry.denied"))


LEVELS = {
    "engine": "engine_settings",
    "tenant": "tenants",
    "account": "exchange_accounts",
    "profile": "profile_capital",
}


async def test_each_level_of_mode_denies(world: World) -> None:
    """Halted or reducing on any level denies entries, names the level and the reason, and is stored."""
    for level, table in LEVELS.items():
        for mode in ("reducing", "halted", "active"):
            change = f"UPDATE engine.{table} SET mode = $1, mode_reason = 'why'"  # noqa: S608
            await world.admin.execute(change, mode)
            if mode != "active":
                answer = await result(world, "fn_open_entry", order_item(world.one, level + mode))
                assert {"code": f"MODE_{mode.upper()}", "level": level, "reason": "why"} == answer
    assert 8 == len(await world.outbox("entry.denied"))


async def test_a_held_lock_denies_even_when_expired(world: World) -> None:
    """An unresolved entry keeps its lock past its expiry; the denial names it and is not stored."""
    intent = await sending(world, quantity="0.001")
    await world.database.advance_clock(3600)
    item = order_item(world.one, "k2", quantity="0.001")
    answer = await world.leaves_nothing(lambda: result(world, "fn_open_entry", item))
    assert ("ENTRY_LOCKED", "sending") == (answer["code"], answer["state"])
    token = await world.admin.fetchval("SELECT fencing_token FROM engine.intents")
    refusal = {"intent_id": str(intent), "fencing_token": token, "reason": "circuit open"}
    await result(world, "fn_not_placed", refusal)
    assert "OK" == (await result(world, "fn_open_entry", item))["code"]


async def test_foreign_tenant_sees_and_moves_nothing(world: World) -> None:
    """A foreign profile is not found; a claim of another tenant is refused; a missing tenant too."""
    item = order_item(world.one, "k1")
    answer = await world.leaves_nothing(lambda: result(world, "fn_open_entry", item, world.other.id))
    assert {"code": "NOT_FOUND"} == answer
    await world.refused_to_foreign_claim("fn_open_entry", [item])
    await world.refused("HF401", "fn_open_entry", None, [item])


async def test_what_is_no_array_of_items_is_refused(world: World) -> None:
    """An object, an empty array and 513 items raise HF422."""
    for bad in ({}, [], [{}] * 513):
        await world.refused("HF422", "fn_open_entry", world.one.id, bad)


async def test_an_array_is_decided_greedily_in_its_order(world: World) -> None:
    """Items take capital in order; a denied one leaves room for a later one; a key twice is a replay."""
    profile = await world.one.add_profile(world.conn, uuid4(), "second")
    other = {"profile_id": str(profile)}
    items = [
        order_item(world.one, "a"),
        order_item(world.one, "b", **other),
        order_item(world.one, "a"),
        order_item(world.one, "c"),
    ]
    answers = await world.call("fn_open_entry", world.one.id, items)
    assert ["OK", "INSUFFICIENT_CAPITAL", "REPLAY", "ENTRY_LOCKED"] == [a["code"] for a in answers]
    assert items[0]["intent_id"] == answers[2]["intent"]["id"]
    assert Decimal("499.5") == (await figures(world))["available"]
    await world.consistent()


async def test_sixteen_openers_of_one_profile_and_symbol_get_one_lock(world: World) -> None:
    """Of sixteen concurrent entries exactly one is opened; capital is reserved once."""
    conns = [await world.database.connect() for _ in range(16)]
    answers = await asyncio.gather(
        *(
            call(conn, "fn_open_entry", world.one.id, [order_item(world.one, f"k{n}", quantity="0.001")])
            for n, conn in enumerate(conns)
        )
    )
    codes = sorted(answer[0]["code"] for answer in answers)
    assert ["ENTRY_LOCKED"] * 15 + ["OK"] == codes
    assert Decimal("50.05") == (await figures(world))["reserved_for_orders"]
    assert 1 == await world.admin.fetchval(
        "SELECT count(*) FROM engine.intents WHERE idempotency_key IS NOT NULL"
    )


async def test_a_race_for_one_key_opens_once_and_replays(world: World) -> None:
    """Concurrent calls with one key: one opens, every other gets the replay, none an error."""
    conns = [await world.database.connect() for _ in range(8)]
    answers = await asyncio.gather(
        *(call(conn, "fn_open_entry", world.one.id, [order_item(world.one, "same")]) for conn in conns)
    )
    assert ["OK"] + ["REPLAY"] * 7 == sorted(answer[0]["code"] for answer in answers)
    assert 1 == await world.admin.fetchval("SELECT count(*) FROM engine.intents")


async def test_the_loser_of_a_key_waits_and_replays(world: World) -> None:
    """A call that waits for another's uncommitted key answers with what that call committed."""
    first, second = await world.database.connect(), await world.database.connect()
    item = order_item(world.one, "same")
    opening = first.transaction()
    await opening.start()
    await call(first, "fn_open_entry", world.one.id, [item])
    waiting = asyncio.create_task(
        call(second, "fn_open_entry", world.one.id, [order_item(world.one, "same")])
    )
    async with asyncio.timeout(10):
        while not await world.admin.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
            assert not waiting.done()
    await opening.commit()
    (answer,) = await waiting
    assert ("REPLAY", item["intent_id"]) == (answer["code"], answer["intent"]["id"])


async def test_arrays_in_opposite_orders_do_not_deadlock(world: World) -> None:
    """Two callers with the same profiles and symbols in opposite orders both finish; nothing is doubled."""
    profiles = [await world.one.add_profile(world.conn, uuid4(), f"p{n}") for n in range(6)]
    await world.admin.execute("UPDATE engine.profile_capital SET allocated = 1000, available = 1000")
    conns = [await world.database.connect() for _ in range(4)]
    for turn in range(5):
        calls = []
        for place, conn in enumerate(conns):
            chosen = profiles if place % 2 else profiles[::-1]
            items = [
                order_item(world.one, f"{turn}-{place}-{p}", profile_id=str(p), quantity="0.001")
                for p in chosen
            ]
            calls.append(call(conn, "fn_open_entry", world.one.id, items))
        answers = await asyncio.gather(*calls)
        opened = [a for answer in answers for a in answer if a["code"] == "OK"]
        assert len(profiles) == len(opened)
        refusals = [
            {"intent_id": a["intent_id"], "fencing_token": a["fencing_token"], "reason": "test"}
            for a in opened
        ]
        halves = (refusals, refusals[::-1])
        ended = await asyncio.gather(
            *(
                call(conn, "fn_not_placed", world.one.id, half)
                for conn, half in zip(conns[:2], halves, strict=True)
            )
        )
        assert {"OK"} == {e["code"] for end in ended for e in end}


async def test_callers_racing_for_capital_never_overdraw(world: World) -> None:
    """Sixteen entries of one profile on different symbols reserve at most what is available."""
    await world.admin.execute(
        "INSERT INTO engine.instruments SELECT tenant_id, account_id, 'S' || n, base_asset, quote_asset,"
        " tick_size, lot_size, min_quantity, max_quantity, min_notional, max_notional, maker_fee_rate,"
        " taker_fee_rate, active, updated_at FROM engine.instruments, generate_series(1, 16) n"
        " WHERE tenant_id = $1",
        world.one.id,
    )
    conns = [await world.database.connect() for _ in range(16)]
    answers = await asyncio.gather(
        *(
            call(
                conn,
                "fn_open_entry",
                world.one.id,
                [order_item(world.one, f"k{n}", symbol=f"S{n}", quantity="0.004")],
            )
            for n, conn in enumerate(conns, 1)
        )
    )
    codes = [answer[0]["code"] for answer in answers]
    assert (4, 12) == (codes.count("OK"), codes.count("INSUFFICIENT_CAPITAL"))
    assert Decimal("199.2") == (await figures(world))["available"]
    denials = await world.admin.fetch("SELECT denial FROM engine.denials")
    assert {"200.2"} == {json.loads(row["denial"])["required"] for row in denials}
    await world.consistent()


async def test_a_confirmed_entry_frees_its_lock(world: World) -> None:
    """While an order is open the next entry of that symbol may be opened."""
    await confirmed(world, "e1", quantity="0.001")
    assert (
        "OK" == (await result(world, "fn_open_entry", order_item(world.one, "k2", quantity="0.001")))["code"]
    )
