"""fn_preview_order: what opening an order would answer, and not one row of it."""

from tests.sql.capital.trading import order_item, sending
from tests.sql.capital.world import OPERATOR, World
from tests.sql.lifecycle.acts import held, result

FUNCTION = "fn_preview_order"
OWN = ("intent_id", "client_order_id", "fencing_token", "expires_at")  # drawn anew by each call


async def test_it_says_what_opening_then_says(world: World) -> None:
    """An entry's and an exit's preview equal the answer of the same order opened next, and leave nothing."""
    await held(world)
    for kind, item in (
        ("entry", order_item(world.one, "e2", quantity="0.001")),
        ("exit", order_item(world.one, "x2", quantity="all", limit_price="51000")),
    ):
        told = await world.leaves_nothing(lambda: world.call(FUNCTION, world.one.id, kind, item))  # noqa: B023
        done = await result(world, f"fn_open_{kind}", item)
        assert "OK" == done["code"]
        assert {name: value for name, value in done.items() if name not in OWN} == {
            name: value for name, value in told.items() if name not in OWN
        }


async def test_denials_are_told_and_not_stored(world: World) -> None:
    """Capital, limits, modes and a held entry lock speak as they would; the key stays free."""
    one = world.one

    async def told(kind: str = "entry", **changes: str) -> str:
        item = order_item(one, "e1", **changes)
        answer = await world.leaves_nothing(lambda: world.call(FUNCTION, one.id, kind, item))
        return str(answer["code"])

    assert "INSUFFICIENT_CAPITAL" == await told(quantity="1")
    assert "INSUFFICIENT_POSITION" == await told("exit")
    assert "INVALID_PRICE" == await told(limit_price="50000.001")
    await world.call("fn_put_spec", one.id, one.profile, 1, {"max_order_notional": "1"}, "h", OPERATOR)
    assert "LIMIT_EXCEEDED" == await told()
    await world.call("fn_put_spec", one.id, one.profile, 2, {}, "h", OPERATOR)
    await sending(world, "first", quantity="0.001")
    assert "ENTRY_LOCKED" == await told(quantity="0.001")
    await world.call("fn_set_mode", one.id, "tenant", None, "halted", OPERATOR, "x")
    assert "MODE_HALTED" == await told()


async def test_errors_and_foreign_tenant(world: World) -> None:
    """Another kind, a foreign profile and a foreign claim get nowhere."""
    item = order_item(world.one, "e1")
    await world.refused("HF422", FUNCTION, world.one.id, "swap", item)
    assert "NOT_FOUND" == (await world.call(FUNCTION, world.other.id, "entry", item))["code"]
    await world.refused_to_foreign_claim(FUNCTION, "entry", item)
