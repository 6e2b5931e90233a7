"""Orders for the tests of reads and due work, made by the functions that live trading uses."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from tests.sql.capital.world import SYMBOL, Tenant, World

_numbers = count(1)
EXCHANGE_TIME = "2026-11-21T00:00:00+00:00"


def next_intent() -> UUID:
    """Ids that grow like UUIDv7 do."""
    return UUID(int=(1 << 120) + next(_numbers))


def order_item(tenant: Tenant, key: str, **changes: Any) -> dict[str, Any]:
    """What fn_open_entry and fn_open_exit take for one order."""
    intent = next_intent()
    return {
        "robot_id": str(tenant.robot),
        "profile_id": str(tenant.profile),
        "idempotency_key": key,
        "request_hash": key,
        "intent_id": str(intent),
        "client_order_id": f"habc{intent.int & 0xFFFF:014d}",
        "symbol": SYMBOL,
        "type": "limit",
        "quantity": "0.01",
        "limit_price": "50000",
        "time_in_force": "GTC",
        "post_only": False,
        "label": None,
        "owner": str(uuid4()),
        "lock_ttl_ms": 30000,
        "exchange_deadline": (datetime.now(UTC) + timedelta(seconds=5)).isoformat(),
        **changes,
    }


def fill_item(tenant: Tenant, order: str, trade: str, **changes: Any) -> dict[str, Any]:
    """What fn_apply_fill takes for one fill."""
    return {
        "account_id": str(tenant.account),
        "symbol": SYMBOL,
        "exchange_order_id": order,
        "exchange_trade_id": trade,
        "client_order_id": None,
        "side": "buy",
        "price": "49990",
        "quantity": "0.004",
        "fee_quantity": "0.000004",
        "fee_asset": "BTC",
        "fee_rate": None,
        "rate_source": None,
        "maker": True,
        "exchange_time": EXCHANGE_TIME,
        "source": "test",
        "inferred": False,
        **changes,
    }


async def one(world: World, function: str, item: dict[str, Any], tenant: Tenant | None = None) -> Any:
    """Call a hot function with one item and give its result, which must be OK."""
    (result,) = await world.call(function, (tenant or world.one).id, [item])
    assert "OK" == result["code"], result
    return result


async def sending(world: World, key: str = "e1", **changes: Any) -> UUID:
    """An entry that is being sent."""
    item = order_item(world.one, key, **changes)
    await one(world, "fn_open_entry", item)
    return UUID(item["intent_id"])


async def confirmed(world: World, key: str = "e1", **changes: Any) -> UUID:
    """An open entry order; its exchange order id is the key."""
    intent = await sending(world, key, **changes)
    item = {"intent_id": str(intent), "exchange_order_id": key, "status": "open", "fills": []}
    await one(world, "fn_persist_entry_lifecycle", item)
    return intent


async def in_doubt(world: World, key: str = "e1") -> UUID:
    """An entry whose outcome is unknown."""
    intent = await sending(world, key)
    token = (await world.call("fn_get_order", world.one.id, intent))["fencing_token"]
    item = {"intent_id": str(intent), "fencing_token": token, "reason": "timeout", "evidence": {}}
    await one(world, "fn_mark_in_doubt", item)
    return intent


async def round_trip(world: World) -> list[UUID]:
    """The design's worked example: a partly filled, canceled entry, its exit, and the dust that is left."""
    await world.allocate("1000")
    entry = await confirmed(world)
    await one(world, "fn_apply_fill", fill_item(world.one, "e1", "t1"))
    ended = {"exchange_time": EXCHANGE_TIME, "evidence": {}}
    await one(
        world,
        "fn_finish_order",
        {"intent_id": str(entry), "status": "canceled", "filled_quantity": "0.004", **ended},
    )
    item = order_item(world.one, "x1", quantity="0.0039", limit_price="51000")
    await one(world, "fn_open_exit", item)
    sold = fill_item(
        world.one,
        "x1",
        "t2",
        side="sell",
        price="51000",
        quantity="0.0039",
        fee_quantity="0.1989",
        fee_asset="USDT",
    )
    done = {"intent_id": item["intent_id"], "exchange_order_id": "x1", "status": "filled", "fills": [sold]}
    await one(world, "fn_persist_exit_lifecycle", {**done, "filled_quantity": "0.0039", **ended})
    return [entry, UUID(item["intent_id"])]
