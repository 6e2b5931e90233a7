"""fn_value_fee: a third asset's fee that found no rate is valued later, by its own event."""

from decimal import Decimal

from tests.sql.capital.trading import confirmed
from tests.sql.capital.world import World
from tests.sql.lifecycle.acts import figures, fill, finish, result

FUNCTION = "fn_value_fee"


def rate(world: World, trade: str = "t1", value: str = "600") -> dict[str, str]:
    return {
        "account_id": str(world.one.account),
        "symbol": "BTC/USDT",
        "exchange_order_id": "e1",
        "exchange_trade_id": trade,
        "fee_rate": value,
        "rate_source": "test",
    }


async def test_success_values_and_releases_what_waited(world: World) -> None:
    """The rest of an ended order waits for the value; then fee, unassigned and release are right."""
    intent = await confirmed(world)
    await fill(world, "e1", "t1", price="50000", fee_asset="BNB", fee_quantity="0.001")
    await finish(world, intent, "canceled")
    assert Decimal("300.5") == (await figures(world))["reserved_for_orders"]
    answer = await result(world, FUNCTION, rate(world))
    assert ("OK", "0.6", "canceled") == (answer["code"], answer["fee_value"], answer["order_status"])
    now = await figures(world)
    assert (Decimal("799.4"), 0, Decimal("0.6")) == (
        now["available"],
        now["reserved_for_orders"],
        now["fees"],
    )
    assert "9000.6" == await world.unassigned()
    again = await world.leaves_nothing(lambda: result(world, FUNCTION, rate(world)))
    assert {"code": "DUPLICATE", "fee_value": "0.6"} == again
    await world.consistent()


async def test_errors_and_foreign_tenant(world: World) -> None:
    """Unknown fills are not found, bad rates raise, foreign tenants see nothing."""
    await confirmed(world)
    await fill(world, "e1", "t1", fee_asset="BNB", fee_quantity="0.001")
    assert {"code": "NOT_FOUND"} == await result(world, FUNCTION, rate(world, "t9"))
    assert {"code": "NOT_FOUND"} == await result(world, FUNCTION, rate(world), world.other.id)
    await world.refused("HF422", FUNCTION, world.one.id, [rate(world, value="NaN")])
    await world.refused_to_foreign_claim(FUNCTION, [rate(world)])
