"""What lets a lone entry pass without reading more must never let one pass that would be denied."""

from decimal import Decimal
from uuid import uuid4

from tests.sql.capital.trading import order_item
from tests.sql.capital.world import OPERATOR, World
from tests.sql.lifecycle.acts import result

QUANTITIES = ("0.00001", "0.000015", "0.01", "8.9", "9000", "9001", None)
PRICES = ("0.01", "0.015", "500", "50000", "60000000", None)


async def test_the_short_rule_is_the_long_one(world: World) -> None:
    """For every mix of quantity, price, filters and quote asset both find the same entries fine."""
    differing = await world.admin.fetch(
        """
        WITH instrument AS (
          SELECT (ROW(u.tenant_id, u.account_id, u.symbol, u.base_asset, q, u.tick_size, u.lot_size,
            u.min_quantity, x, u.min_notional, n, u.maker_fee_rate, u.taker_fee_rate, a, u.updated_at)
            ::engine.instruments) AS u
          FROM engine.instruments u, unnest('{USDT,EUR}'::text[]) q, unnest('{9000,NULL}'::numeric[]) x,
            unnest('{9000000,NULL}'::numeric[]) n, unnest('{t,f}'::boolean[]) a
          WHERE u.account_id = $3)
        SELECT quantity, price, i.u
        FROM unnest($1::numeric[]) quantity, unnest($2::numeric[]) price, instrument i
        WHERE (engine.judge_entry('S', quantity, price, 'USDT', i.u, '{active}', '{NULL}', '{}') IS NULL)
          <> coalesce(engine.entry_is_fine(quantity, price, 'USDT', i.u), false)""",
        [None if quantity is None else Decimal(quantity) for quantity in QUANTITIES],
        [None if price is None else Decimal(price) for price in PRICES],
        world.one.account,
    )
    assert [] == differing


async def test_a_new_profile_starts_with_the_modes_above_it(world: World) -> None:
    """A profile made under a halted account or tenant is denied, and passes when they are active again."""
    one = world.one
    for level, above in (("account", one.account), ("tenant", one.id)):
        await world.call("fn_set_mode", one.id, level, above, "halted", OPERATOR, "test")
        profile = await one.add_profile(world.conn, uuid4(), f"under-{level}")
        await world.call("fn_allocate", one.id, profile, Decimal(600), f"give-{level}", OPERATOR, None)
        item = order_item(one, f"no-{level}", profile_id=str(profile))
        assert "MODE_HALTED" == (await result(world, "fn_open_entry", item))["code"]
        await world.call("fn_set_mode", one.id, level, above, "active", OPERATOR, "test")
        item = order_item(one, f"yes-{level}", profile_id=str(profile))
        assert "OK" == (await result(world, "fn_open_entry", item))["code"]
