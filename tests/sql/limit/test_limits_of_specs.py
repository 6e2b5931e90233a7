"""Pre-trade limits of a profile's spec, decided with the reservation: what passes, what is denied by what."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.sql.capital.trading import confirmed, fill_item, order_item
from tests.sql.capital.world import OPERATOR, World, call
from tests.sql.lifecycle.acts import exit_order, fill, finish, held, mode, result

SMALL = {"quantity": "0.001"}


async def rules(world: World, **spec: Any) -> None:
    """Give the first profile the next version of its spec."""
    version = await world.admin.fetchval(
        "SELECT spec_version FROM engine.profiles WHERE profile_id = $1", world.one.profile
    )
    await world.call("fn_put_spec", world.one.id, world.one.profile, version, spec, str(uuid4()), OPERATOR)


async def opened(world: World, key: str, **changes: Any) -> Any:
    """The answer to an entry of 0.001 BTC unless told otherwise."""
    return await result(world, "fn_open_entry", order_item(world.one, key, **{**SMALL, **changes}))


def said(answer: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(answer.get(name) for name in ("code", "limit", "value", "allowed"))


async def test_quantity_is_capped(world: World) -> None:
    """The largest quantity passes, one lot more is denied, and the denial is stored with the key."""
    await rules(world, max_order_quantity="0.002")
    assert "OK" == (await opened(world, "k1", quantity="0.002"))["code"]
    answer = await opened(world, "k2", quantity="0.0021")
    assert ("LIMIT_EXCEEDED", "max_order_quantity", "0.0021", "0.002") == said(answer)
    await rules(world)
    again = await opened(world, "k2", quantity="0.0021")
    assert {"code": "REPLAY", "denial": answer} == again


COLLARED = [
    ("50000", "50000", 0, None),
    ("52500", "50000", 2000, None),
    ("47500", "50000", -3, None),
    ("52500.01", "50000", 0, ("LIMIT_EXCEEDED", "price_collar", "0.0500002", "0.05")),
    ("47499.99", "50000", 0, ("LIMIT_EXCEEDED", "price_collar", "0.0500002", "0.05")),
    ("5000", "50000", 0, ("LIMIT_EXCEEDED", "price_collar", "0.9", "0.05")),
    ("50000", "50000", 2001, ("STALE_PRICE", "price_collar", None, None)),
    ("50000", None, None, ("STALE_PRICE", "price_collar", None, None)),
    ("50000", "0", 0, ("STALE_PRICE", "price_collar", None, None)),
]


async def test_price_is_held_to_a_fresh_reference(world: World) -> None:
    """Within the share it passes on both sides; beyond it is denied; without a fresh reference nothing is."""
    await rules(world, price_collar="0.05")
    for place, (price, reference, age_ms, denial) in enumerate(COLLARED):
        moment = {"limit_price": price, "reference_price": reference, "reference_age_ms": age_ms}
        item = order_item(world.one, f"k{place}", symbol="BTC/USDT", **SMALL, **moment)
        answer = await result(world, "fn_open_entry", item)
        if denial is not None:
            assert denial == said(answer)
            continue
        assert "OK" == answer["code"], (price, reference, answer)
        end = {"intent_id": item["intent_id"], "fencing_token": answer["fencing_token"], "reason": "test"}
        assert "OK" == (await result(world, "fn_not_placed", end))["code"]


async def test_a_stale_reference_is_not_stored(world: World) -> None:
    """A retry with the same key passes once the reference is fresh."""
    await rules(world, price_collar="0.05", quote_max_age_ms=100)
    moment = {"reference_price": "50000", "reference_age_ms": 101}
    answer = await world.leaves_nothing(lambda: opened(world, "k1", **moment))
    assert ("STALE_PRICE", 101, 100) == (answer["code"], answer["age_ms"], answer["quote_max_age_ms"])
    assert "OK" == (await opened(world, "k1", **{**moment, "reference_age_ms": 100}))["code"]


async def test_open_orders_are_counted_per_profile_and_symbol(world: World) -> None:
    """Open orders of both sides and intents that may be at the exchange count; ended ones do not."""
    await held(world, "0.004")
    await exit_order(world, "x1", quantity="0.001")
    await rules(world, max_open_orders={"profile": 3, "symbol": 2})
    first = await confirmed(world, "e1", **SMALL)
    answer = await opened(world, "k1")
    assert ("LIMIT_EXCEEDED", "max_open_orders", 3, 2) == said(answer)
    assert ("symbol", "BTC/USDT") == (answer["of"], answer["symbol"])
    await rules(world, max_open_orders={"profile": 3})
    assert "OK" == (await opened(world, "k2"))["code"]
    await world.admin.execute(
        "INSERT INTO engine.instruments SELECT tenant_id, account_id, 'ETH/USDT', 'ETH', quote_asset,"
        " tick_size, lot_size, min_quantity, max_quantity, min_notional, max_notional, maker_fee_rate,"
        " taker_fee_rate, active, updated_at FROM engine.instruments WHERE tenant_id = $1",
        world.one.id,
    )
    answer = await opened(world, "k3", symbol="ETH/USDT")
    assert ("LIMIT_EXCEEDED", "max_open_orders", 4, 3) == said(answer)
    assert "profile" == answer["of"]
    await finish(world, first, "canceled", filled_quantity="0")
    assert "OK" == (await opened(world, "k4", symbol="ETH/USDT"))["code"]


async def test_entries_of_a_minute_are_counted(world: World) -> None:
    """The limit holds for any sixty seconds, by the database's clock; denied entries do not count."""
    await rules(world, max_entries_per_minute=2)
    await confirmed(world, "e1", **SMALL)
    await world.database.advance_clock(30)
    await confirmed(world, "e2", **SMALL)
    answer = await opened(world, "k1")
    assert ("LIMIT_EXCEEDED", "max_entries_per_minute", 3, 2) == said(answer)
    await world.database.advance_clock(31)
    await confirmed(world, "e3", **SMALL)
    assert ("max_entries_per_minute", 3) == said(await opened(world, "k2"))[1:3]
    assert 2 == await world.admin.fetchval("SELECT count(*) FROM engine.recent_entries")


async def test_identical_orders_are_counted(world: World) -> None:
    """The same order again within its time is denied; another quantity or price is another order."""
    await rules(world, identical_orders={"count": 1, "within_s": 120})
    await confirmed(world, "e1", **SMALL)
    await world.database.advance_clock(119)
    answer = await opened(world, "k1", quantity="0.0010")
    assert ("LIMIT_EXCEEDED", "identical_orders", 2, 1) == said(answer)
    assert 120 == answer["within_s"]
    await confirmed(world, "e2", quantity="0.0011")
    await confirmed(world, "e3", limit_price="50000.01", **SMALL)
    await world.database.advance_clock(2)
    await confirmed(world, "e4", **SMALL)


async def lose(world: World, key: str, price: str = "40000") -> None:
    """Buy 0.004 at 50,000 and sell it at `price`, without fees."""
    await held(world, "0.004", f"buy-{key}")
    await exit_order(world, key, quantity="0.004", limit_price=price)
    sold = fill_item(world.one, key, f"{key}-1", side="sell", price=price, quantity="0.004")
    answer = await result(world, "fn_apply_fill", {**sold, "fee_quantity": "0", "fee_asset": None})
    assert "filled" == answer["order_status"]


async def test_the_daily_loss_sets_the_profile_to_reducing(world: World) -> None:
    """What was realized since midnight (UTC) counts; at the limit entries are denied and the mode changes."""
    await lose(world, "x1")
    await world.database.advance_clock(86_400)
    await rules(world, max_daily_loss="60")
    await lose(world, "x2", "36000")
    await world.call(
        "fn_put_spec", world.one.id, world.one.profile, 2, {"max_daily_loss": "56"}, "h", OPERATOR
    )
    answer = await opened(world, "k1")
    assert ("LIMIT_EXCEEDED", "max_daily_loss", "56", "56") == said(answer)
    assert ("reducing", "max_daily_loss: 56 of 56") == await mode(world)
    (changed,) = await world.outbox("mode.changed")
    assert ("active", "reducing", "engine:limits") == (changed["before"], changed["mode"], changed["actor"])
    assert "MODE_REDUCING" == (await opened(world, "k2"))["code"]
    await world.call("fn_set_mode", world.one.id, "profile", world.one.profile, "active", OPERATOR, "seen")
    await world.database.advance_clock(86_400)
    assert "OK" == (await opened(world, "k3"))["code"]
    await world.consistent()


async def test_a_profit_of_the_day_is_no_loss(world: World) -> None:
    """What was lost yesterday does not count today, and what was won today makes room."""
    await lose(world, "x1")
    await world.database.advance_clock(86_400)
    await rules(world, max_daily_loss="1")
    await lose(world, "x2", "51000")
    assert "OK" == (await opened(world, "k1"))["code"]
    stored = await world.admin.fetchval("SELECT realized_pnl FROM engine.profile_days")
    assert Decimal(-40) == stored


async def test_the_kept_start_of_the_day_is_the_reckoned_one(world: World) -> None:
    """Fees and pnl booked before and after the start was kept: it equals the ledger's of that moment."""
    await world.database.advance_clock(86_400)
    await fill(world, "none", "parked")
    await confirmed(world, "e1", **SMALL)
    await fill(world, "e1", "t1", price="50000", quantity="0.001", fee_quantity="0.05", fee_asset="USDT")
    reckoned = "SELECT engine.realized_at_day_start($1, $2, engine.fn_clock())"
    await world.admin.execute("SELECT set_config('holdfast.tenant_id', $1, false)", str(world.one.id))
    assert Decimal(0) == await world.admin.fetchval(reckoned, world.one.id, world.one.profile)
    await world.database.advance_clock(86_400)
    assert Decimal("-0.05") == await world.admin.fetchval(reckoned, world.one.id, world.one.profile)


async def test_a_clock_too_far_or_unknown_denies(world: World) -> None:
    """The distance that was handed in is compared; one that nobody measured is exceeded."""
    await rules(world, clock_skew_max_ms=250)
    assert ("LIMIT_EXCEEDED", "clock_skew_max_ms", 251, 250) == said(
        await opened(world, "k1", clock_skew_ms=251)
    )
    assert ("LIMIT_EXCEEDED", "clock_skew_max_ms", None, 250) == said(await opened(world, "k2"))
    assert "OK" == (await opened(world, "k3", clock_skew_ms=250))["code"]


async def passed(world: World, outcome: str) -> None:
    """A pass of the account that begins and ends now."""
    token = await world.admin.fetchval("SELECT fencing_token FROM engine.account_leases")
    began = await world.call("fn_begin_pass", world.one.id, world.one.account, token, "interval", None, False)
    number = began["pass_id"]
    await world.call("fn_finish_pass", world.one.id, number, token, outcome, {"complete": True}, [], [], None)


async def test_a_reconciliation_too_old_or_missing_denies(world: World) -> None:
    """The age of the last whole pass without an open difference counts; a failed one is none."""
    await rules(world, reconciliation_age_max_s=60)
    assert ("LIMIT_EXCEEDED", "reconciliation_age_max_s", None, 60) == said(await opened(world, "k1"))
    owner = uuid4()
    await world.call("fn_take_lease", world.one.id, world.one.account, owner, 600_000)
    await passed(world, "clean")
    await world.database.advance_clock(50)
    assert "OK" == (await opened(world, "k2"))["code"]
    await passed(world, "failed")
    await world.database.advance_clock(20)
    answer = await opened(world, "k3")
    assert ("LIMIT_EXCEEDED", "reconciliation_age_max_s", 60) == (
        answer["code"],
        answer["limit"],
        answer["allowed"],
    )
    assert 70 <= answer["value"] <= 75


async def test_an_array_counts_its_own_items_in_order(world: World) -> None:
    """Of three entries in one call the first two are opened, and a denied one before them takes no place."""
    await world.admin.execute(
        "INSERT INTO engine.instruments SELECT tenant_id, account_id, 'S' || n, base_asset, quote_asset,"
        " tick_size, lot_size, min_quantity, max_quantity, min_notional, max_notional, maker_fee_rate,"
        " taker_fee_rate, active, updated_at FROM engine.instruments, generate_series(1, 4) n"
        " WHERE tenant_id = $1",
        world.one.id,
    )
    await rules(world, max_open_orders={"profile": 2}, max_entries_per_minute=2)
    sizes = ["1", "0.001", "0.001", "0.001"]
    items = [order_item(world.one, f"k{n}", symbol=f"S{n}", quantity=size) for n, size in enumerate(sizes, 1)]
    answers = await world.call("fn_open_entry", world.one.id, items)
    assert ["INSUFFICIENT_CAPITAL", "OK", "OK", "LIMIT_EXCEEDED"] == [one["code"] for one in answers]
    assert ("max_open_orders", 3) == (answers[3]["limit"], answers[3]["value"])
    assert 2 == await world.admin.fetchval("SELECT count(*) FROM engine.intents")
    await world.consistent()


@pytest.mark.parametrize(
    "limit",
    [{"max_open_orders": {"profile": 5}}, {"max_entries_per_minute": 5}],
    ids=lambda one: next(iter(one)),
)
async def test_callers_racing_never_exceed_a_count(world: World, limit: dict[str, Any]) -> None:
    """Of sixteen entries on as many symbols and connections exactly as many are opened as the spec allows."""
    await world.admin.execute(
        "INSERT INTO engine.instruments SELECT tenant_id, account_id, 'S' || n, base_asset, quote_asset,"
        " tick_size, lot_size, min_quantity, max_quantity, min_notional, max_notional, maker_fee_rate,"
        " taker_fee_rate, active, updated_at FROM engine.instruments, generate_series(1, 16) n"
        " WHERE tenant_id = $1",
        world.one.id,
    )
    await rules(world, **limit)
    conns = [await world.database.connect() for _ in range(16)]
    answers = await asyncio.gather(
        *(
            call(
                conn, "fn_open_entry", world.one.id, [order_item(world.one, f"k{n}", symbol=f"S{n}", **SMALL)]
            )
            for n, conn in enumerate(conns, 1)
        )
    )
    codes = [answer[0]["code"] for answer in answers]
    assert (5, 11) == (codes.count("OK"), codes.count("LIMIT_EXCEEDED"))
    assert 11 == len(await world.outbox("entry.denied"))


async def test_exits_pass_every_limit(world: World) -> None:
    """No limit of a spec holds up who wants to sell."""
    intent = await held(world, "0.004")
    assert isinstance(intent, UUID)
    await rules(
        world,
        max_order_quantity="0",
        max_open_orders={"profile": 1},
        max_entries_per_minute=1,
        clock_skew_max_ms=1,
        price_collar="0",
        reconciliation_age_max_s=1,
        identical_orders={"count": 1, "within_s": 1},
    )
    for number in range(3):
        await exit_order(world, f"x{number}", quantity="0.001")


WRONG = [
    {"max_order_quantity": 5},
    {"price_collar": "-1"},
    {"max_daily_loss": "1e3"},
    {"max_open_orders": {"profile": 0}},
    {"max_open_orders": {"symbol": "x"}},
    {"max_open_orders": {}},
    {"max_open_orders": {"account": 1}},
    {"max_open_orders": 3},
    {"max_entries_per_minute": 1.5},
    {"identical_orders": {"count": 1}},
    {"identical_orders": {"count": 1, "within_s": 0}},
    {"identical_orders": 3},
    {"identical_orders": {"count": 1, "within_s": 1, "more": 1}},
    {"clock_skew_max_ms": None},
    {"reconciliation_age_max_s": True},
    {"max_open_order": 1},
]


async def test_a_limit_of_another_form_is_refused(world: World) -> None:
    """Money is text, counts are whole numbers above zero, and an unknown name is named."""
    for number, spec in enumerate(WRONG):
        detail = await world.refused(
            "HF422", "fn_put_spec", world.one.id, world.one.profile, 1, spec, f"h{number}", OPERATOR
        )
        assert next(iter(spec)) == detail["key"]
