"""fn_list_denials: stored denials, counted by code."""

from datetime import UTC, datetime, timedelta

from tests.sql.capital.trading import order_item
from tests.sql.capital.world import World


async def test_counts_by_code(world: World) -> None:
    """Two orders over the capital are two denials; p_since leaves out what is older."""
    items = [order_item(world.one, f"e{number}") for number in range(2)]
    codes = [result["code"] for result in await world.call("fn_open_entry", world.one.id, items)]
    assert ["INSUFFICIENT_CAPITAL"] * 2 == codes
    assert {"INSUFFICIENT_CAPITAL": 2} == await world.call("fn_list_denials", world.one.id)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert {} == await world.call("fn_list_denials", world.one.id, tomorrow)
    assert {} == await world.call("fn_list_denials", world.other.id)
    await world.refused_to_foreign_claim("fn_list_denials")
