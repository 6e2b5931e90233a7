"""Flows that tempt: each is right only if one particular rule is kept."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from engine.flows.commands import EntryCommand
from engine.ledger import capital, proofs, reads
from engine.ledger.capital import By
from engine.ledger.intents import Ending, not_placed
from engine.ledger.proofs import Proof
from engine.ledger.wire import instant
from engine.paper.faults import FaultKind
from tests.torture.flows import Flow, cancel, enter_limit, enter_resting
from tests.torture.instance import Instance
from tests.torture.scene import ETH, Scene
from tests.torture.truth_flows import died_unanswered, in_doubt, one_pass, prove_later

_ORDER = "/api/v3/order"
_READS = (_ORDER, "/api/v3/openOrders", "/api/v3/allOrders", "/api/v3/myTrades")


async def same_ids(scene: Scene, _instance: Instance) -> None:
    """Let the ids of two symbols at the exchange go on from the same numbers."""
    markets = scene.world.paper.matching.markets
    pair = (markets["BTCUSDT"], markets["ETHUSDT"])
    for market in pair:
        market.last_order_id = max(each.last_order_id for each in pair)
        market.last_trade_id = max(each.last_trade_id for each in pair)


async def two_symbols(scene: Scene, instance: Instance) -> None:
    """Buy on two symbols whose order and trade ids at the exchange are the same."""
    await instance.ask(scene.entry("entry"))
    await instance.ask(scene.entry("other", "0.02", "2600", symbol=ETH))


async def doubt_stale(scene: Scene, instance: Instance) -> None:
    """Leave an order in doubt that the first complete set of reads does not show."""
    await in_doubt(enter_limit, FaultKind.UNKNOWN_AFTER)(scene, instance)
    for path in _READS:
        scene.fault(FaultKind.STALE_READ, path=path, method="GET")


async def doubt_unreadable(scene: Scene, instance: Instance) -> None:
    """Leave an order in doubt that the exchange cannot be asked for: each read fails several times."""
    await in_doubt(enter_limit, FaultKind.UNKNOWN_AFTER)(scene, instance)
    for path in _READS:
        scene.fault(FaultKind.HTTP_5XX_BEFORE, path=path, method="GET", count=3)


async def filled_before_cancel(scene: Scene, instance: Instance) -> None:
    """Cancel an order that was filled a moment ago."""
    scene.fills()
    await cancel(scene, instance)


async def stale_release(scene: Scene, instance: Instance) -> None:
    """Let an owner of the past say that its order was never placed."""
    for view in await reads.list_orders(scene.world.observer, scene.tenant_id, {"limit": 10}):
        ending = Ending(UUID(view["id"]), view["fencing_token"] - 1, "an answer of the past")

        async def release(ending: Ending = ending) -> None:
            await not_placed(instance.ledger, scene.tenant_id, ending)

        await instance.step(release)


async def stale_lease(scene: Scene, instance: Instance) -> None:
    """Let a holder of the past conclude something after another took over."""
    old = await instance.take_lease()
    await scene.world.advance(21.0)
    other = Instance.start(scene)
    new = await other.take_lease()
    await other.end()
    if old is None or new is None:
        return
    for view in await reads.list_orders(scene.world.observer, scene.tenant_id, {"limit": 10}):
        moment = instant(view["exchange_deadline"]) + timedelta(seconds=12)
        proof = Proof("nothing_shown", moment, moment, moment, "engine:past", [])
        intent_id = UUID(view["id"])

        async def conclude(intent_id: UUID = intent_id, proof: Proof = proof) -> str:
            return await proofs.resolve_absent(
                instance.ledger, scene.tenant_id, intent_id, old.token, proof, read_gap_ms=2000
            )

        if await instance.step(conclude) is not None:
            scene.broken.append("a holder of the past was listened to")


async def same_key_twice(scene: Scene, instance: Instance) -> None:
    """Ask two processes for the same at once, as a robot does that was cut off."""
    other = Instance.start(scene)
    command = scene.entry("entry")
    await asyncio.gather(instance.ask(command), other.ask(command))
    await other.end()


async def second_entry(scene: Scene, instance: Instance) -> None:
    """Ask for a second entry while the first is in doubt, past its expiry."""
    await scene.world.advance(35.0)
    answer = await instance.ask(scene.entry("second"))
    if answer is not None and answer.ok:
        scene.broken.append("a second entry was opened while the first is in doubt")


async def resting_exit(scene: Scene, instance: Instance) -> None:
    """Buy, and offer all of it."""
    await enter_limit(scene, instance)
    await instance.ask(scene.exit("offer", None, "60000"))


async def second_exit(scene: Scene, instance: Instance) -> None:
    """Sell at once what is on offer already."""
    await instance.ask(scene.exit("exit", "0.0006"))


async def allocate_too_much(scene: Scene, instance: Instance) -> None:
    """Give a profile more than the account has unassigned."""
    by = By("operator:test", "greed", "greed")
    profile_id = scene.profiles["first"]

    async def do() -> None:
        await capital.allocate(instance.ledger, scene.tenant_id, profile_id, Decimal(150_000), by)

    await instance.step(do)


async def canceled_and_spent(scene: Scene, instance: Instance) -> None:
    """Cancel an order, and spend its capital again, before the exchange tells of a last fill."""
    await instance.ask(scene.entry("entry", "0.02", "40000"))
    scene.fault(FaultKind.FILL_AFTER_CANCEL, path=_ORDER, method="DELETE", delay_s=3)
    await cancel(scene, instance)
    await instance.ask(scene.entry("other", "0.3", "2000", symbol=ETH))
    scene.halted.add("first")
    scene.may_be_below_zero = True
    await scene.world.advance(4.0)


async def moved_price(scene: Scene, instance: Instance) -> None:
    """Enter and leave twice on one key each, with both fee assets, down to dust."""
    await instance.ask(scene.entry("entry", "0.0024"))
    await instance.ask(scene.exit("part", "0.001"))
    await instance.ask(scene.exit("exit"))


async def owner_trades_our_symbol(scene: Scene, instance: Instance) -> None:
    """Let the owner buy by hand what a profile also holds."""
    await enter_limit(scene, instance)
    await scene.world.advance(1.0)
    bought = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"}
    scene.by_owner("POST", newClientOrderId="mine", **bought)
    await scene.world.advance(1.0)


def _ask_again(scene: Scene) -> list[EntryCommand]:
    return [each.command for each in scene.asked.values() if isinstance(each.command, EntryCommand)]


async def ask_again(scene: Scene, instance: Instance) -> None:
    """Ask for every entry again, under its own key."""
    for command in _ask_again(scene):
        await instance.ask(command)


HARD_FLOWS = (
    Flow("two_symbols", two_symbols, same_ids, two_symbols),
    Flow("doubt_stale", prove_later, doubt_stale, enter_limit, money=False),
    Flow("doubt_unreadable", prove_later, doubt_unreadable, enter_limit, money=False),
    Flow("cancel_filled", filled_before_cancel, enter_resting, cancel),
    Flow("stale_release", stale_release, died_unanswered, enter_limit, money=False),
    Flow("stale_lease", stale_lease, died_unanswered, enter_limit, money=False),
    Flow("same_key_twice", same_key_twice, again=ask_again, money=False, racy=True),
    Flow("second_entry", second_entry, in_doubt(enter_resting, FaultKind.UNKNOWN_AFTER), money=False),
    Flow("second_exit", second_exit, resting_exit),
    Flow("allocate_too_much", allocate_too_much, money=False),
    Flow("late_fill_uncovered", one_pass, canceled_and_spent, money=False),
    Flow("round_trip", moved_price, again=ask_again),
    Flow("foreign_buy", one_pass, owner_trades_our_symbol, money=False),
)
