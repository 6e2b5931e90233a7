"""fn_upsert_instruments: instruments as the exchange describes them now."""

from uuid import uuid4

from tests.sql.capital.world import INSTRUMENT, World


async def test_inserts_and_updates(world: World) -> None:
    """A second description of a symbol replaces the first; rebates and missing bounds are kept as given."""
    one = world.one
    changed = {
        **INSTRUMENT,
        "tick_size": "0.5",
        "maker_fee_rate": "-0.0001",
        "min_notional": None,
        "active": False,
    }
    other = {**INSTRUMENT, "symbol": "ETH/USDT", "base_asset": "ETH", "max_quantity": "9000"}
    assert 2 == await world.call("fn_upsert_instruments", one.id, one.account, [changed, other])
    listed = {row["symbol"]: row for row in await world.call("fn_list_instruments", one.id, one.account)}
    shown = listed["BTC/USDT"]
    assert ("0.5", "-0.0001", "0", False) == (
        shown["tick_size"],
        shown["maker_fee_rate"],
        shown["min_notional"],
        shown["active"],
    )
    assert ("9000", None) == (listed["ETH/USDT"]["max_quantity"], listed["ETH/USDT"]["max_notional"])


async def test_refusals_leave_nothing(world: World) -> None:
    """One bad instrument refuses them all, and names the symbol; foreign accounts do not exist."""
    one = world.one

    async def all_refused() -> None:
        for change in (
            {"tick_size": "0"},
            {"tick_size": "NaN"},
            {"lot_size": None},
            {"lot_size": "-1"},
            {"min_quantity": "-1"},
            {"max_notional": "0.00"},
            {"maker_fee_rate": "1e-3"},
            {"taker_fee_rate": "0.0000000000000000001"},
            {"active": "yes"},
            {"base_asset": ""},
        ):
            bad = {**INSTRUMENT, "symbol": "BAD/USDT", **change}
            args = (one.id, one.account, [INSTRUMENT, bad])
            assert {"symbol": "BAD/USDT"} == await world.refused("HF422", "fn_upsert_instruments", *args)
        await world.refused("HF422", "fn_upsert_instruments", one.id, one.account, {})
        await world.refused("HF422", "fn_upsert_instruments", one.id, one.account, ["text"])
        await world.refused("HF404", "fn_upsert_instruments", one.id, world.other.account, [])
        await world.refused("HF404", "fn_upsert_instruments", one.id, uuid4(), [INSTRUMENT])
        await world.refused_to_foreign_claim("fn_upsert_instruments", one.account, [INSTRUMENT])

    await world.leaves_nothing(all_refused)
