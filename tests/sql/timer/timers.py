"""An account's exchange timer for the tests of its functions, and strangers on that account."""

from datetime import datetime, timedelta
from typing import Any

from tests.sql.capital.world import OPERATOR, SYMBOL, World
from tests.sql.reconcile.passes import Passes, found, trade

FOREIGN_ORDER = {
    "symbol": SYMBOL, "exchange_order_id": "f1", "client_order_id": "web_1", "status": "open", "side": "buy",
    "quantity": "0.01", "filled_quantity": "0", "price": "50000",
}  # fmt: skip


async def turn_on(world: World, seconds: int = 60, reason: str = "nights") -> Any:
    """Turn the first account's timer on."""
    one = world.one
    return await world.call("fn_set_exchange_timer", one.id, one.account, seconds, True, OPERATOR, reason)


async def turn_off(world: World) -> Any:
    return await world.call(
        "fn_clear_exchange_timer", world.one.id, world.one.account, OPERATOR, "it is over"
    )


async def look(world: World) -> Any:
    return await world.call("fn_look_exchange_timer", world.one.id, world.one.account)


async def wants(world: World) -> str:
    return str((await look(world))["wants"])


async def tell(world: World, passes: Passes, seconds: float | None, as_of: str | None = None) -> Any:
    """Tell that it is armed for so many seconds from the look, or disarmed, as the lease's holder does."""
    at = datetime.fromisoformat(as_of or (await look(world))["as_of"])
    until = None if seconds is None else at + timedelta(seconds=seconds)
    one = world.one
    return await world.call("fn_tell_exchange_timer", one.id, one.account, passes.token, until, at)


async def whole_pass(passes: Passes, outcome: str = "clean", **shown: Any) -> None:
    """Do one pass of the whole account that finds what is shown."""
    await passes.begin()
    answer = await passes.account(**shown)
    rows = [*found({"mismatches": answer["explained"]}, "explained"), *found(answer, "open")]
    await passes.finish("explained" if rows else outcome, rows)


async def stranger_orders(passes: Passes) -> None:
    """Let a pass see an open order of nobody's."""
    await whole_pass(passes, foreign_orders=[FOREIGN_ORDER])


async def stranger_trades(passes: Passes) -> None:
    """Let a pass book a fill of nobody's."""
    fills = [trade("f9", "t1", client_order_id="web_9", price="1", quantity="1")]
    await whole_pass(passes, foreign_fills=fills, balances={"USDT": "9999", "BTC": "2"})


async def audited(world: World, action: str) -> list[tuple[str, str | None]]:
    rows = await world.admin.fetch(
        "SELECT actor, detail ->> 'reason' AS reason FROM engine.audit WHERE action = $1 ORDER BY audit_id",
        action,
    )
    return [(row["actor"], row["reason"]) for row in rows]
