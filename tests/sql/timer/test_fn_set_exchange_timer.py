"""fn_set_exchange_timer: on by an operator's word, never where the ledger knows of strangers."""

from typing import Any

import pytest

from tests.sql.capital.world import OPERATOR, World
from tests.sql.reconcile.passes import Passes
from tests.sql.timer.timers import (
    audited,
    look,
    stranger_orders,
    stranger_trades,
    turn_off,
    turn_on,
    whole_pass,
)


async def test_on_and_changed(world: World) -> None:
    """It is on with its seconds, as accounts show; other seconds are a change, the same again is none."""
    view = await turn_on(world)
    assert (True, 60, None, None) == (
        view["enabled"], view["timeout_s"], view["off_cause"], view["armed_until"],
    )  # fmt: skip
    (account,) = await world.call("fn_list_accounts", world.one.id)
    assert view == account["exchange_timer"]
    assert view == await world.leaves_nothing(lambda: turn_on(world, reason="again"))
    changed = await turn_on(world, 90, "longer")
    assert {**view, "timeout_s": 90} == changed
    assert [60, 90] == [event["timeout_s"] for event in await world.outbox("exchange_timer.on")]
    assert [(OPERATOR, "nights"), (OPERATOR, "longer")] == await audited(world, "set_exchange_timer")


@pytest.mark.parametrize("trace", [stranger_orders, stranger_trades], ids=["order", "fill"])
async def test_refused_where_strangers_trade(world: World, passes: Passes, trace: Any) -> None:
    """A stranger's open order, or a fill of the last 24 hours, is named in the refusal."""
    await trace(passes)
    one = world.one
    args = (one.id, one.account, 60, True, OPERATOR, "nights")
    detail = await world.leaves_nothing(lambda: world.refused("HF418", "fn_set_exchange_timer", *args))
    expected = {"stranger_orders": ("foreign_order", "f1"), "stranger_trades": ("foreign_fill", "f9")}
    assert expected[trace.__name__] == (detail["seen"], detail["exchange_order_id"])
    assert await look(world) is None


async def test_old_traces_refuse_nothing(world: World, passes: Passes) -> None:
    """An order that no pass sees any more, and a fill that has been known for a day, are the past."""
    await stranger_orders(passes)
    await stranger_trades(passes)
    await whole_pass(passes, balances={"USDT": "9999", "BTC": "2"})
    await world.refused(
        "HF418", "fn_set_exchange_timer", world.one.id, world.one.account, 60, True, OPERATOR, "r"
    )
    await world.database.advance_clock(86_401)
    assert (await turn_on(world))["enabled"]


@pytest.mark.parametrize(
    ("argument", "value"),
    [(2, 0), (2, 86_401), (2, None), (3, False), (3, None), (4, " "), (5, ""), (5, None)],
)
async def test_bad_arguments(world: World, argument: int, value: Any) -> None:
    """Seconds out of all bounds, no word that the account is ours alone, no actor, no reason."""
    args: list[Any] = [world.one.id, world.one.account, 60, True, OPERATOR, "nights"]
    args[argument] = value
    await world.leaves_nothing(lambda: world.refused("HF422", "fn_set_exchange_timer", *args))


async def test_on_again_after_off(world: World) -> None:
    """What it was turned off for is gone, and no disarm is owed any more."""
    await turn_on(world)
    await turn_off(world)
    assert "disarm" == (await look(world))["wants"]
    again = await turn_on(world, reason="again")
    assert (True, None) == (again["enabled"], again["off_cause"])
    assert "pass" == (await look(world))["wants"]


async def test_of_another_tenant(world: World) -> None:
    """By a foreign claim it is refused, a foreign account is not there."""
    await world.refused_to_foreign_claim("fn_set_exchange_timer", world.one.account, 60, True, OPERATOR, "r")
    args = (world.other.id, world.one.account, 60, True, OPERATOR, "r")
    await world.leaves_nothing(lambda: world.refused("HF404", "fn_set_exchange_timer", *args))
