"""What the lifecycle tests do and look at: one call of a hot function, figures, legs."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.sql.capital.trading import confirmed, fill_item, order_item
from tests.sql.capital.world import World

CAPITAL = ("available", "reserved_for_orders", "reserved_for_positions", "dust", "trading_pnl", "fees")


async def result(world: World, function: str, item: dict[str, Any], tenant: UUID | None = None) -> Any:
    """Call a hot function with one item and give its result, whatever its code."""
    (answer,) = await world.call(function, tenant or world.one.id, [item])
    return answer


async def figures(world: World) -> dict[str, Decimal]:
    """The balances of the first tenant's profile."""
    row = await world.admin.fetchrow(
        f"SELECT {', '.join(CAPITAL)} FROM engine.profile_capital WHERE profile_id = $1",  # noqa: S608
        world.one.profile,
    )
    return {name: row[name] for name in CAPITAL}


async def position(world: World) -> dict[str, Any]:
    row = await world.admin.fetchrow(
        "SELECT quantity, cost, reserved_quantity, is_dust FROM engine.positions WHERE profile_id = $1",
        world.one.profile,
    )
    return dict(row) if row else {}


async def legs(world: World, event_id: int) -> dict[tuple[str, str], Decimal]:
    """An event's legs: amounts by (DEBIT or CREDIT, account)."""
    rows = await world.admin.fetch(
        "SELECT 'DEBIT' AS side, debit_account AS account, sum(amount) AS amount FROM engine.journal"
        " WHERE event_id = $1 GROUP BY 2 UNION ALL SELECT 'CREDIT', credit_account, sum(amount)"
        " FROM engine.journal WHERE event_id = $1 GROUP BY 2",
        event_id,
    )
    return {(row["side"], row["account"]): row["amount"] for row in rows}


async def mode(world: World) -> tuple[str, str | None]:
    row = await world.admin.fetchrow(
        "SELECT mode, mode_reason FROM engine.profile_capital WHERE profile_id = $1", world.one.profile
    )
    return row["mode"], row["mode_reason"]


async def state_of(world: World, intent: UUID | str) -> str:
    state: str = await world.admin.fetchval("SELECT state FROM engine.intents WHERE intent_id = $1", intent)
    return state


async def token_of(world: World, intent: UUID | str) -> int:
    token: int = await world.admin.fetchval(
        "SELECT fencing_token FROM engine.intents WHERE intent_id = $1", intent
    )
    return token


async def fill(world: World, order: str, trade: str, **changes: Any) -> Any:
    return await result(world, "fn_apply_fill", fill_item(world.one, order, trade, **changes))


async def finish(world: World, intent: UUID | str, status: str, **changes: Any) -> Any:
    return await result(world, "fn_finish_order", {"intent_id": str(intent), "status": status, **changes})


async def held(world: World, quantity: str = "0.01", key: str = "held") -> UUID:
    """Buy and hold a quantity at 50,000 without a fee."""
    intent = await confirmed(world, key, quantity=quantity)
    answer = await fill(
        world, key, f"{key}-1", price="50000", quantity=quantity, fee_quantity="0", fee_asset=None
    )
    assert "filled" == answer["order_status"]
    return intent


async def selling(world: World, key: str = "x1", **changes: Any) -> dict[str, Any]:
    """An exit that is being sent; its item."""
    item = order_item(world.one, key, **{"quantity": "0.004", "limit_price": "51000", **changes})
    answer = await result(world, "fn_open_exit", item)
    assert "OK" == answer["code"], answer
    return {**item, "fencing_token": answer["fencing_token"]}


async def exit_order(world: World, key: str = "x1", **changes: Any) -> UUID:
    """An open exit order; its exchange order id is the key."""
    item = await selling(world, key, **changes)
    told = {"intent_id": item["intent_id"], "exchange_order_id": key, "status": "open"}
    assert "OK" == (await result(world, "fn_persist_exit_lifecycle", told))["code"]
    return UUID(item["intent_id"])


async def spec(world: World, **rules: Any) -> None:
    """Put rules into the first profile's present spec, past its immutability."""
    await world.admin.execute("ALTER TABLE engine.profile_specs DISABLE TRIGGER USER")
    await world.admin.execute(
        "UPDATE engine.profile_specs SET spec = $2 WHERE profile_id = $1",
        world.one.profile,
        json.dumps(rules),
    )
    await world.admin.execute("ALTER TABLE engine.profile_specs ENABLE TRIGGER USER")
    await world.admin.execute(
        "UPDATE engine.profiles SET spec_is_empty = $2 WHERE profile_id = $1", world.one.profile, not rules
    )
