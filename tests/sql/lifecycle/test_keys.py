"""A key belongs to one intent or one stored denial; whoever comes second with it gets the same answer."""

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from tests.sql.capital.trading import confirmed, fill_item, order_item
from tests.sql.capital.world import OPERATOR, World, call
from tests.sql.lifecycle.acts import result

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    Conn = asyncpg.Connection[Any]


@asynccontextmanager
async def undecided(world: World) -> "AsyncIterator[tuple[Conn, Any]]":
    """A connection whose transaction is neither committed nor rolled back yet."""
    conn = await world.database.connect()
    transaction = conn.transaction()
    await transaction.start()
    yield conn, transaction


async def waits(world: World, task: "asyncio.Task[Any]") -> None:
    async with asyncio.timeout(10):
        while not await world.admin.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
            assert not task.done()


async def comes_second(world: World, function: str, items: list[Any], first: Any, *, commits: bool) -> Any:
    """Call by another connection, let it wait for the first one, then end that: what the call gives."""
    second = await world.database.connect()
    waiting = asyncio.create_task(call(second, function, world.one.id, items))
    await waits(world, waiting)
    await (first.commit() if commits else first.rollback())
    return await waiting


async def set_account(world: World, mode: str) -> None:
    await world.call("fn_set_mode", world.one.id, "account", world.one.account, mode, OPERATOR, "test")


async def keys(world: World) -> tuple[int, int]:
    """How many intents and how many denials hold a key."""
    row = await world.admin.fetchrow(
        "SELECT (SELECT count(*) FROM engine.intents WHERE idempotency_key IS NOT NULL),"
        " (SELECT count(*) FROM engine.denials)"
    )
    return tuple(row)


@pytest.fixture
async def rich(world: World) -> World:
    """A profile with capital, and a second one."""
    await world.allocate("5000", "more")
    return world


async def limits(world: World, spec: dict[str, Any]) -> None:
    """Give the profile a spec: with one its entries are judged one after the other."""
    await world.call("fn_put_spec", world.one.id, world.one.profile, 1, spec, "other", OPERATOR)


@pytest.mark.parametrize("commits", [True, False])
@pytest.mark.parametrize("way", ["alone", "in an array", "judged"])
async def test_a_denial_comes_first(rich: World, way: str, commits: bool) -> None:
    """An entry whose key is being denied waits, and gets that denial, though nothing is against it now."""
    if way == "judged":
        await limits(rich, {"max_order_notional": "100000"})
    item = order_item(rich.one, "same")
    await set_account(rich, "halted")
    async with undecided(rich) as (conn, transaction):
        (denied,) = await call(conn, "fn_open_entry", rich.one.id, [item])
        assert "MODE_HALTED" == denied["code"]
        await set_account(rich, "active")
        elsewhere = await rich.one.add_profile(rich.conn, uuid4(), "second")
        await rich.call("fn_allocate", rich.one.id, elsewhere, 900, "second", OPERATOR, None)
        items = [item]
        if way == "in an array":
            items.append(order_item(rich.one, "another", profile_id=str(elsewhere)))
        answers = await comes_second(rich, "fn_open_entry", items, transaction, commits=commits)
    assert ["REPLAY" if commits else "OK"] + ["OK"] * (len(items) - 1) == [a["code"] for a in answers]
    if commits:
        assert denied == answers[0]["denial"]
    assert (len(items) - commits, int(commits)) == await keys(rich)
    again = await result(rich, "fn_open_entry", item)
    assert ("REPLAY", commits) == (again["code"], "denial" in again)
    await rich.consistent()


@pytest.mark.parametrize("commits", [True, False])
@pytest.mark.parametrize("way", ["alone", "judged"])
async def test_an_intent_comes_first(rich: World, way: str, commits: bool) -> None:
    """A call that would be denied waits for the intent of its key, and gets that instead of its denial."""
    if way == "judged":
        await limits(rich, {"max_order_notional": "100000"})
    item = order_item(rich.one, "same")
    async with undecided(rich) as (conn, transaction):
        (opened,) = await call(conn, "fn_open_entry", rich.one.id, [item])
        assert "OK" == opened["code"]
        await set_account(rich, "halted")
        (answer,) = await comes_second(rich, "fn_open_entry", [item], transaction, commits=commits)
    if commits:
        assert ("REPLAY", item["intent_id"]) == (answer["code"], answer["intent"]["id"])
    else:
        assert "MODE_HALTED" == answer["code"]
    assert (int(commits), int(not commits)) == await keys(rich)
    assert int(not commits) == len(await rich.outbox("entry.denied"))
    await rich.consistent()


@pytest.mark.parametrize("commits", [True, False])
async def test_two_denials_of_one_key(rich: World, commits: bool) -> None:
    """The second one waits and gets the first one's; it is told once."""
    item = order_item(rich.one, "same")
    await set_account(rich, "halted")
    async with undecided(rich) as (conn, transaction):
        await call(conn, "fn_open_entry", rich.one.id, [item])
        (answer,) = await comes_second(rich, "fn_open_entry", [item], transaction, commits=commits)
    assert ("REPLAY" if commits else "MODE_HALTED") == answer["code"]
    assert (0, 1) == await keys(rich)
    assert 1 == len(await rich.outbox("entry.denied"))


@pytest.mark.parametrize("commits", [True, False])
async def test_an_exits_key_is_used_while_it_waits(rich: World, commits: bool) -> None:
    """The second of two exits with one key takes nothing of the position, and denies nobody in its array."""
    await confirmed(rich, "e1")
    fill = fill_item(rich.one, "e1", "t1", quantity="0.01", fee_quantity="0", fee_asset=None)
    await result(rich, "fn_apply_fill", fill)
    same, rest = (order_item(rich.one, key, quantity="0.005") for key in ("same", "rest"))
    async with undecided(rich) as (conn, transaction):
        (opened,) = await call(conn, "fn_open_exit", rich.one.id, [same])
        assert "OK" == opened["code"]
        answers = await comes_second(rich, "fn_open_exit", [same, rest], transaction, commits=commits)
    assert ["REPLAY" if commits else "OK", "OK"] == [answer["code"] for answer in answers]
    held = await rich.admin.fetchval("SELECT reserved_quantity FROM engine.positions")
    assert "0.010" == str(held)[:5]
    await rich.consistent()


async def test_one_key_twice_in_an_array_of_exits(rich: World) -> None:
    """The second takes nothing, so what is left is there for the third."""
    await confirmed(rich, "e1")
    fill = fill_item(rich.one, "e1", "t1", quantity="0.01", fee_quantity="0", fee_asset=None)
    await result(rich, "fn_apply_fill", fill)
    first, last = (order_item(rich.one, key, quantity="0.005") for key in ("a", "b"))
    answers = await rich.call("fn_open_exit", rich.one.id, [first, first, last])
    assert ["OK", "REPLAY", "OK"] == [answer["code"] for answer in answers]
    await rich.consistent()


@pytest.mark.parametrize("missing", ["idempotency_key", "request_hash"])
@pytest.mark.parametrize("mode", ["active", "halted"])
@pytest.mark.parametrize("others", [0, 1])
async def test_nothing_is_opened_or_denied_without_a_key(
    rich: World, missing: str, mode: str, others: int
) -> None:
    """An item without its key, or what it stands for, raises, whatever would become of it."""
    await set_account(rich, mode)
    item = order_item(rich.one, "first")
    del item[missing]
    more = [order_item(rich.one, "second", symbol="XXX")] * others
    await rich.refused("23502", "fn_open_entry", rich.one.id, [item, *more])
    assert (0, 0) == await keys(rich)


@pytest.mark.parametrize("changed", ["intent_id", "client_order_id"])
@pytest.mark.parametrize("others", [0, 1])
async def test_another_keys_id_is_no_lost_race(rich: World, changed: str, others: int) -> None:
    """An id that another key's intent has raises, alone and in an array; it is nobody's entry lock."""
    first = order_item(rich.one, "first", quantity="0.001")
    await result(rich, "fn_open_entry", first)
    end = {"intent_id": first["intent_id"], "exchange_order_id": "x", "status": "open", "fills": []}
    await result(rich, "fn_persist_entry_lifecycle", end)
    wrong = order_item(rich.one, "second", quantity="0.001", **{changed: first[changed]})
    more = [order_item(rich.one, "third", symbol="XXX")] * others
    await rich.refused("23505", "fn_open_entry", rich.one.id, [wrong, *more])
    assert (1, 0) == await keys(rich)


_FREE = "SELECT FROM engine.profile_capital WHERE profile_id = $1 FOR UPDATE NOWAIT"


async def test_capital_is_locked_in_order_by_a_mixed_array(rich: World) -> None:
    """An array with a plain entry and one that is judged holds no capital while it waits for another's."""
    high = await rich.one.add_profile(rich.conn, UUID(int=(1 << 128) - 1), "high")
    await rich.call("fn_allocate", rich.one.id, high, 900, "high", OPERATOR, None)
    await limits(rich, {"max_order_notional": "100000"})
    items = [order_item(rich.one, "plain", profile_id=str(high)), order_item(rich.one, "judged")]
    other = await rich.database.admin()
    transaction = other.transaction()
    await transaction.start()
    await other.fetch(_FREE, rich.one.profile)  # as who records confirmations locks it, before the higher one
    opening = asyncio.create_task(call(await rich.database.connect(), "fn_open_entry", rich.one.id, items))
    await waits(rich, opening)
    await other.fetch(_FREE, high)
    await transaction.rollback()
    assert ["OK", "OK"] == [answer["code"] for answer in await opening]
    await rich.consistent()


async def test_a_denials_key_is_claimed_before_capital_is_locked(rich: World) -> None:
    """Who waits for a key to store a denial holds no capital that the key's holder may ask for."""
    await limits(rich, {"max_order_notional": "1000"})
    elsewhere = await rich.one.add_profile(rich.conn, uuid4(), "second")
    await rich.call("fn_allocate", rich.one.id, elsewhere, 900, "second", OPERATOR, None)
    async with undecided(rich) as (conn, transaction):
        await call(
            conn, "fn_open_entry", rich.one.id, [order_item(rich.one, "same", profile_id=str(elsewhere))]
        )
        denied = order_item(rich.one, "same", quantity="0.03")
        items = [order_item(rich.one, "fine", quantity="0.001"), denied]
        opening = asyncio.create_task(
            call(await rich.database.connect(), "fn_open_entry", rich.one.id, items)
        )
        await waits(rich, opening)
        await rich.admin.fetch(_FREE, rich.one.profile)
        await transaction.rollback()
        assert ["OK", "LIMIT_EXCEEDED"] == [answer["code"] for answer in await opening]
    assert (1, 1) == await keys(rich)
    await rich.consistent()
