"""fn_account_equations: profiles plus unassigned is what the exchange must hold, for every asset."""

from decimal import Decimal
from uuid import uuid4

from tests.sql.capital.world import OPERATOR, SYMBOL, World


async def test_sums_profiles_positions_and_unassigned(world: World) -> None:
    """An asset that is quote of one profile and base of another counts on both sides."""
    one = world.one
    await world.allocate("1000")
    in_btc = await one.add_profile(world.conn, uuid4(), "btc", "BTC")
    await world.call("fn_allocate", one.id, in_btc, Decimal("0.25"), "btc", OPERATOR, None)
    position = ("RESERVED_FOR_POSITIONS", "CAPITAL", Decimal(50), SYMBOL, Decimal("0.5"))
    await world.call("fn_adjust", one.id, one.profile, *position, "k", OPERATOR, "why")
    rows = {row["asset"]: row for row in await world.call("fn_account_equations", one.id, one.account)}
    assert ("0.75", "0.25", "1") == tuple(
        rows["BTC"][name] for name in ("profiles", "unassigned", "expected_exchange_balance")
    )
    assert ("1000", "9000", "10000") == tuple(
        rows["USDT"][name] for name in ("profiles", "unassigned", "expected_exchange_balance")
    )


async def test_a_foreign_account_does_not_exist(world: World) -> None:
    """Foreign and unknown accounts answer 404, a foreign claim 403."""
    await world.refused("HF404", "fn_account_equations", world.one.id, world.other.account)
    await world.refused("HF404", "fn_account_equations", world.one.id, uuid4())
    await world.refused_to_foreign_claim("fn_account_equations", world.one.account)
