"""fn_get_limits: what a profile may do now, with the figures."""

from decimal import Decimal
from uuid import uuid4

from tests.sql.capital.trading import round_trip, sending
from tests.sql.capital.world import OPERATOR, World


async def test_each_limit_stands_beside_what_is_used(world: World) -> None:
    """Open orders, entries of the last minute and the day's loss are those of the profile's own acts."""
    one = world.one
    await round_trip(world)
    await sending(world, "e3", quantity="0.001")
    rules = {
        "max_daily_loss": "50",
        "max_open_orders": {"profile": 5, "symbol": 2},
        "max_entries_per_minute": 9,
        "max_order_quantity": "1",
    }
    await world.call("fn_put_spec", one.id, one.profile, 1, rules, "h", OPERATOR)
    shown = await world.call("fn_get_limits", one.id, one.profile)
    used = {row["limit"]: row["used"] for row in shown["limits"]}
    assert {
        "max_daily_loss": "0",
        "max_open_orders": {"profile": 1, "symbol": {"BTC/USDT": 1}},
        "max_entries_per_minute": 2,
        "max_order_quantity": None,
    } == used
    assert rules == {row["limit"]: row["allowed"] for row in shown["limits"]}
    assert (2, True, {"BTC/USDT": 1}, {"mode": "active", "level": None, "reason": None}) == (
        shown["spec_version"],
        shown["may_enter"],
        shown["open_orders"],
        shown["mode"],
    )


async def test_the_day_begins_at_midnight(world: World) -> None:
    """A loss counts until midnight UTC has passed; what came before is another day's."""
    one = world.one
    await world.allocate("1000")
    adjusted = ("TRADING_PNL", "AVAILABLE", Decimal(7), None, None, "loss", OPERATOR, "lost")
    await world.call("fn_adjust", one.id, one.profile, *adjusted)
    await world.call("fn_put_spec", one.id, one.profile, 1, {"max_daily_loss": "50"}, "h", OPERATOR)
    assert "7" == (await world.call("fn_get_limits", one.id, one.profile))["limits"][0]["used"]
    await world.database.advance_clock(86_400)
    assert "0" == (await world.call("fn_get_limits", one.id, one.profile))["limits"][0]["used"]


async def test_a_mode_takes_the_right_to_enter(world: World) -> None:
    """Whatever level stops the profile is named; an empty profile may not enter either."""
    one = world.one
    assert not (await world.call("fn_get_limits", one.id, one.profile))["may_enter"]
    await world.allocate("1000")
    await world.call("fn_set_mode", one.id, "account", one.account, "halted", OPERATOR, "odd")
    shown = await world.call("fn_get_limits", one.id, one.profile)
    assert (False, "halted", "account", "odd") == (
        shown["may_enter"],
        shown["mode"]["mode"],
        shown["mode"]["level"],
        shown["mode"]["reason"],
    )


async def test_refusals(world: World) -> None:
    """Unknown and foreign profiles are not found; a foreign claim is refused."""
    await world.refused("HF404", "fn_get_limits", world.one.id, uuid4())
    await world.refused("HF404", "fn_get_limits", world.one.id, world.other.profile)
    await world.refused_to_foreign_claim("fn_get_limits", world.one.profile)
