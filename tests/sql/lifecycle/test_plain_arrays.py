"""Arrays of plain entries are opened together, and leave what judging them one by one would leave."""

from decimal import Decimal
from typing import Any

import pytest

from tests.sql.capital.trading import next_intent, order_item
from tests.sql.capital.world import OPERATOR, SYMBOL, Tenant, World
from tests.sql.lifecycle.acts import result
from tests.sql.lifecycle.leftovers import left

_WITHOUT = """
CREATE OR REPLACE FUNCTION engine.open_plain_entries(p_tenant_id uuid, p_items jsonb, p_now timestamptz)
RETURNS jsonb[] LANGUAGE sql AS 'SELECT array_fill(NULL::jsonb, ARRAY[jsonb_array_length(p_items)])'
"""
SYMBOLS = 12
OF_TWO = {"available": True, "reserved": True, "expires_at": False, "fencing_token": False}


async def prepare(world: World, tenant: Tenant, second: Any) -> None:
    """Symbols, and two profiles: the first has 1,000, the second 300."""
    await world.admin.execute(
        "INSERT INTO engine.instruments SELECT tenant_id, account_id, 'S' || n, base_asset, quote_asset,"
        " tick_size, lot_size, min_quantity, max_quantity, min_notional, max_notional, maker_fee_rate,"
        " taker_fee_rate, active, updated_at FROM engine.instruments, generate_series(1, $2::integer) n"
        " WHERE tenant_id = $1",
        tenant.id,
        SYMBOLS,
    )
    if tenant is world.other:  # as the first tenant's has
        await world.call("fn_allocate", tenant.id, tenant.profile, Decimal(1000), "first", OPERATOR, "start")
    await tenant.add_profile(world.conn, second, "second")
    await world.call("fn_allocate", tenant.id, second, Decimal(300), "2", OPERATOR, None)


def plain(tenant: Tenant, number: int, ids: list[str], **changes: Any) -> dict[str, Any]:
    """The n-th of an array's entries: 50.05 USDT on a symbol of its own."""
    item = order_item(tenant, f"k{number}", symbol=f"S{number}", quantity="0.001")
    return {**item, "intent_id": ids[number], "client_order_id": f"c{number}", **changes}


def arrays(tenant: Tenant, second: str, ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Arrays by what is special about them."""
    every = [plain(tenant, n, ids) for n in range(1, 9)]
    poor = {"profile_id": second}
    market = {"type": "market", "time_in_force": "IOC"}
    return {
        "all plain": every,
        "of two profiles": [plain(tenant, n, ids, **(poor if n % 3 else {})) for n in range(1, 7)],
        "capital of one is short": [plain(tenant, n, ids, **(poor if n > 1 else {})) for n in range(1, 10)],
        "one entry is known": [plain(tenant, 0, ids, symbol="S1"), *every[3:]],
        "a key twice": [every[0], {**every[1], "idempotency_key": "k1"}, every[2]],
        "an item twice": [every[0], every[0], every[1]],
        "a lock is held": [plain(tenant, 9, ids, symbol="S11"), *every[:2]],
        "a lock is wanted twice": [every[0], plain(tenant, 9, ids, symbol="S1"), every[1]],
        "a wrong tick and a wrong number": [
            every[0], plain(tenant, 9, ids, limit_price="50000.001"), plain(tenant, 10, ids, quantity="NaN"),
        ],
        "unknown things": [
            every[0], plain(tenant, 9, ids, symbol="XXX"), plain(tenant, 10, ids, profile_id=ids[0]),
        ],
        "market": [plain(tenant, n, ids, **market, spec_version=1) for n in (1, 2)],
        "market by another spec": [plain(tenant, n, ids, **market, spec_version=n) for n in (1, 2)],
    }  # fmt: skip


NAMES = list(arrays(Tenant("x"), "", [""] * 20))


@pytest.mark.parametrize("name", NAMES)
async def test_both_ways_leave_the_same(world: World, name: str) -> None:
    """Answers, balances, intents, events and denials of an array do not depend on the way it went."""
    ids = [str(next_intent()) for _ in range(20)]
    told, answers = [], []
    for tenant in (world.one, world.other):
        if tenant is world.other:
            await world.admin.execute(_WITHOUT)
        second = next_intent()
        await prepare(world, tenant, second)
        for number, symbol in ((0, "S10"), (12, "S11")):
            item = plain(tenant, number, ids, symbol=symbol)
            assert "OK" == (await result(world, "fn_open_entry", item, tenant.id))["code"]
        array = arrays(tenant, str(second), ids)[name]
        answers.append(await world.call("fn_open_entry", tenant.id, array))
        holdings = await left(world, tenant)
        holdings["denials"] = [
            tuple(row)
            for row in await world.admin.fetch(
                "SELECT key, denial FROM engine.denials WHERE tenant_id = $1 ORDER BY key", tenant.id
            )
        ]
        told.append(_renamed(holdings, second))
    assert [a["code"] for a in answers[1]] == [a["code"] for a in answers[0]]
    for one, other in zip(*answers, strict=True):
        assert {name: other.get(name) for name in OF_TWO if OF_TWO[name]} == {
            name: one.get(name) for name in OF_TWO if OF_TWO[name]
        }
    assert told[1] == told[0]
    await world.consistent()


def _renamed(value: Any, second: Any) -> Any:
    """The second profile by the same name for both tenants."""
    if isinstance(value, dict):
        return {key: _renamed(inner, second) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, second) for inner in value]
    return "second" if value == str(second) else value


@pytest.mark.parametrize("mode", ["reducing", "halted"])
@pytest.mark.parametrize("level", ["engine", "tenant", "account", "profile"])
@pytest.mark.parametrize("items", [1, 3])
async def test_a_mode_stops_every_item(world: World, level: str, mode: str, items: int) -> None:
    """Nothing is opened under a mode of any level, alone or together, and all is again when it is active."""
    ids = [str(next_intent()) for _ in range(20)]
    await prepare(world, world.one, next_intent())
    of_level = {"tenant": world.one.id, "account": world.one.account, "profile": world.one.profile}

    async def turn(to: str) -> None:
        if level == "engine":
            await world.call("fn_set_engine_mode", to, "test", OPERATOR)
        else:
            await world.call("fn_set_mode", world.one.id, level, of_level[level], to, OPERATOR, "test")

    await turn(mode)
    array = [plain(world.one, n, ids) for n in range(items)]
    answers = await world.call("fn_open_entry", world.one.id, [{**i, "symbol": SYMBOL} for i in array])
    assert [(f"MODE_{mode.upper()}", level)] * items == [(a["code"], a["level"]) for a in answers]
    assert 0 == await world.admin.fetchval("SELECT count(*) FROM engine.intents")
    await turn("active")
    array = [plain(world.one, n, ids) for n in range(10, 10 + items)]
    answers = await world.call("fn_open_entry", world.one.id, array)
    assert {"OK"} == {answer["code"] for answer in answers}


@pytest.mark.parametrize("name", ["all plain", "of two profiles", "market"])
async def test_plain_items_are_not_judged(world: World, name: str) -> None:
    """An array of nothing but plain entries is opened without what judges one by one."""
    ids = [str(next_intent()) for _ in range(20)]
    second = next_intent()
    await prepare(world, world.one, second)
    await world.admin.execute("DROP FUNCTION engine.open_judged_entries")
    answers = await world.call("fn_open_entry", world.one.id, arrays(world.one, str(second), ids)[name])
    assert {"OK"} == {answer["code"] for answer in answers}
    await world.consistent()
