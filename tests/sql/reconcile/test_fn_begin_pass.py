"""fn_begin_pass: a pass that has begun, and what it must read."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.sql.capital.trading import confirmed, in_doubt, one, sending
from tests.sql.capital.world import INSTRUMENT, SYMBOL, World
from tests.sql.lifecycle.acts import fill, finish
from tests.sql.reconcile.passes import Passes


def since(plan: dict[str, Any], symbol: str = SYMBOL) -> datetime:
    return datetime.fromisoformat(next(each["since"] for each in plan["symbols"] if each["symbol"] == symbol))


async def test_an_account_that_never_traded_has_no_symbols(world: World, passes: Passes) -> None:
    """The plan names the account's profiles and assets; there is nothing to read but balances."""
    plan = await passes.begin()
    profile = {"profile_id": str(world.one.profile), "name": "profile", "quote_asset": "USDT"}
    assert ([profile], [], ["BTC", "USDT"]) == (plan["profiles"], plan["symbols"], plan["assets"])
    assert "habc" == plan["tag"]
    registered_at = datetime.fromisoformat(plan["transfers_since"])
    assert registered_at - timedelta(minutes=1) == datetime.fromisoformat(plan["read_from"])
    assert registered_at < datetime.fromisoformat(plan["began_at"])
    (row,) = await world.call("fn_list_passes", world.one.id, {})
    assert (plan["pass_id"], "test", False, None) == (
        row["pass_id"],
        row["cause"],
        row["dry_run"],
        row["finished_at"],
    )


async def test_symbols_are_read_since_their_cursor(world: World, passes: Passes) -> None:
    """First since a minute before registration; later before the cursor, or since the oldest in doubt."""
    await confirmed(world, quantity="0.001")
    plan = await passes.begin()
    (symbol,) = plan["symbols"]
    assert (SYMBOL, None, 1, True) == tuple(symbol[of] for of in ("symbol", "trade_id", "open", "hot"))
    assert plan["read_from"] == symbol["since"]
    read = datetime.fromisoformat(plan["began_at"]) + timedelta(days=30)
    await passes.finish(
        cursors=[{"symbol": SYMBOL, "exchange_trade_id": "t9", "exchange_time": read.isoformat()}]
    )
    plan = await passes.begin()
    assert "t9" == plan["symbols"][0]["trade_id"]
    assert read - timedelta(minutes=1) == since(plan)
    asked = await in_doubt(world, "e2")
    made = await world.admin.fetchval("SELECT created_at FROM engine.intents WHERE intent_id = $1", asked)
    assert made - timedelta(seconds=10) <= since(await passes.begin()) <= made


async def test_symbols_ever_traded_stay_but_cool_down(world: World, passes: Passes) -> None:
    """A symbol without orders and position is history after a day; every ordered one is found."""
    for symbol in ("ETH/USDT", "ADA/USDT"):
        base = symbol.split("/")[0]
        await world.call(
            "fn_upsert_instruments",
            world.one.id,
            world.one.account,
            [{**INSTRUMENT, "symbol": symbol, "base_asset": base}],
        )
        intent = await confirmed(world, symbol, symbol=symbol, quantity="0.001")
        await finish(world, intent, "canceled", filled_quantity="0")
    await confirmed(world)
    await fill(world, "e1", "t1")
    plan = await passes.begin()
    assert ["ADA/USDT", SYMBOL, "ETH/USDT"] == [each["symbol"] for each in plan["symbols"]]
    told = [
        {"symbol": each["symbol"], "exchange_trade_id": None, "exchange_time": plan["began_at"]}
        for each in plan["symbols"]
    ]
    await passes.finish(cursors=told)
    assert [True] * 3 == [each["hot"] for each in (await passes.begin())["symbols"]]
    await world.database.advance_clock(25 * 3600)
    passes = await Passes.of(world)
    later = (await passes.begin())["began_at"]
    await passes.finish(cursors=[{**each, "exchange_time": later} for each in told])
    assert [False, True, False] == [each["hot"] for each in (await passes.begin())["symbols"]]


async def test_a_symbol_that_was_only_asked_for_is_read(world: World, passes: Passes) -> None:
    """An entry that was held for absent left nothing but its lock: its symbol is looked at nevertheless."""
    intent = await sending(world)
    token = (await world.call("fn_get_order", world.one.id, intent))["fencing_token"]
    gone = {"intent_id": str(intent), "fencing_token": token, "reason": "absent"}
    await one(world, "fn_not_placed", gone)
    (symbol,) = (await passes.begin())["symbols"]
    assert (SYMBOL, 0, True) == (symbol["symbol"], symbol["open"], symbol["hot"])


async def test_transfers_are_read_a_week_back(world: World, passes: Passes) -> None:
    """From seven days before the last pass that told something, never before the registration."""
    first = await passes.begin()
    await passes.finish()
    await world.database.advance_clock(30 * 86_400)
    passes = await Passes.of(world)
    second = await passes.begin()
    assert first["transfers_since"] == second["transfers_since"]
    await passes.finish()
    third = await passes.begin()
    week = timedelta(days=7)
    wanted = datetime.fromisoformat(second["began_at"]) - week
    assert wanted == datetime.fromisoformat(third["transfers_since"])
    await world.call(
        "fn_finish_pass", world.one.id, third["pass_id"], passes.token, "failed", {}, [], [], "exchange gone"
    )
    assert wanted == datetime.fromisoformat((await passes.begin())["transfers_since"])


async def test_one_profile_or_a_dry_run(world: World, passes: Passes) -> None:
    """A pass over one profile names it alone; a dry run needs no lease."""
    second = await world.one.add_profile(world.conn, uuid4(), "second")
    plan = await passes.begin(profile=second)
    assert [str(second)] == [each["profile_id"] for each in plan["profiles"]]
    args = (world.one.account, None, "dry", None, True)
    dry = await world.call("fn_begin_pass", world.one.id, *args)
    assert 2 == len(dry["profiles"])
    ended = (dry["pass_id"], None, "open", {}, [], [], None)
    answer = await world.call("fn_finish_pass", world.one.id, *ended)
    assert {"open": {}, "explained": {}} == answer


async def test_refusals_leave_nothing(world: World, passes: Passes) -> None:
    """No lease, a stale one, another tenant's account or profile, no cause: no pass."""
    own = world.one

    async def all_refused() -> None:
        for sqlstate, args in (
            ("HF410", (own.account, None, "c", None, False)),
            ("HF410", (own.account, passes.token + 1, "c", None, False)),
            ("HF410", (own.account, passes.token + 1, "c", None, True)),
            ("HF404", (world.other.account, None, "c", None, True)),
            ("HF404", (own.account, passes.token, "c", world.other.profile, False)),
            ("HF422", (own.account, passes.token, " ", None, False)),
        ):
            await world.refused(sqlstate, "fn_begin_pass", own.id, *args)
        await world.refused_to_foreign_claim("fn_begin_pass", own.account, passes.token, "c", None, False)

    await world.leaves_nothing(all_refused)
