"""Flows of exchange truth: in doubt, each kind of difference, start-up, takeover of a lease."""

from engine.paper.faults import FaultKind
from tests.torture.flows import Flow, Step, bid_and_fill, cancel, enter_limit, enter_resting
from tests.torture.instance import Instance
from tests.torture.recovery import lead, reconcile
from tests.torture.scene import ETH, Scene
from tests.torture.world import TAG

_ORDER = "/api/v3/order"
_LATER_S = 17.0  # past validity, exchange timeout and margin of whatever was sent
_OWN_ID = f"{TAG}2222222222aaaa"


def in_doubt(enter: Step, kind: FaultKind, **more: object) -> Step:
    """Return what leaves an intent in doubt."""

    async def before(scene: Scene, instance: Instance) -> None:
        scene.fault(kind, method="POST", path=_ORDER, **more)
        await enter(scene, instance)

    return before


async def doubt_and_cancel(scene: Scene, instance: Instance) -> None:
    """Leave an intent in doubt, and record that it shall be canceled."""
    await in_doubt(enter_resting, FaultKind.UNKNOWN_AFTER)(scene, instance)
    await cancel(scene, instance)


async def prove_soon(_scene: Scene, instance: Instance) -> None:
    """Take the lease and settle what is in doubt, from the first moment on."""
    await lead(instance)
    await instance.cancels()


async def prove_later(scene: Scene, instance: Instance) -> None:
    """Settle what is in doubt when all of it can be proven."""
    await scene.world.advance(_LATER_S)
    await lead(instance)


async def one_pass(_scene: Scene, instance: Instance) -> None:
    """Take the lease and reconcile."""
    await instance.take_lease()
    await instance.reconcile()


async def two_passes(scene: Scene, instance: Instance) -> None:
    """Reconcile while trades are kept back, long enough to infer them."""
    await one_pass(scene, instance)
    await scene.world.advance(10.0)
    await instance.reconcile()


async def died_unanswered(scene: Scene, _instance: Instance) -> None:
    """Let another process die between the exchange's effect and its answer."""
    other = Instance.start(scene)
    other.plug.die_after = "submit"
    await enter_limit(scene, other)
    await other.end()


async def filled_unseen(scene: Scene, instance: Instance) -> None:
    """Let an order be filled in two parts that nobody sees."""
    await enter_resting(scene, instance)
    scene.fills(3)
    scene.fills()


async def canceled_by_hand(scene: Scene, instance: Instance) -> None:
    """Let the owner cancel an order that is filled in part."""
    await bid_and_fill(scene, instance)
    scene.fills(2)
    for order in list(scene.world.paper.matching.accounts[scene.key].open_orders.values()):
        scene.by_owner("DELETE", symbol="BTCUSDT", orderId=str(order.id))


async def trades_hidden(scene: Scene, instance: Instance) -> None:
    """Let an order be filled, and the exchange keep its trades back until faults end."""
    await filled_unseen(scene, instance)
    scene.fault(FaultKind.MISSING_PAGES, path="/api/v3/myTrades", keep=0, count=None)


async def list_stale(scene: Scene, instance: Instance) -> None:
    """Let the list of open orders be one that does not know an order yet."""
    await enter_resting(scene, instance)
    scene.fault(FaultKind.STALE_READ, path="/api/v3/openOrders", count=2)


async def own_order_unknown(scene: Scene, instance: Instance) -> None:
    """Let an order with our tag be there that no intent names."""
    await enter_limit(scene, instance)
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    scene.by_owner("POST", quantity="0.01", price="30000", newClientOrderId=_OWN_ID, **order)
    scene.unsettled, scene.account_mode = True, "reducing"


async def owner_trades(scene: Scene, instance: Instance) -> None:
    """Let the owner trade by hand what no profile holds, and leave an order open."""
    await enter_limit(scene, instance)
    await scene.world.advance(1.0)
    bid = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    scene.by_owner(
        "POST", symbol="ETHUSDT", side="BUY", type="MARKET", quantity="0.5", newClientOrderId="mine1"
    )
    scene.by_owner("POST", quantity="0.01", price="30000", newClientOrderId="mine2", **bid)
    await scene.world.advance(1.0)  # or the pass sees it happen, and reads once more


async def owner_moves_money(scene: Scene, instance: Instance) -> None:
    """Let the owner deposit and withdraw what no profile has."""
    await enter_limit(scene, instance)
    await scene.world.advance(1.0)
    scene.move_money("USDT", "250")
    scene.move_money("ETH", "-1.5")
    await scene.world.advance(1.0)  # or the pass sees it happen, and reads once more


async def owner_takes_capital(scene: Scene, instance: Instance) -> None:
    """Let the owner withdraw what a profile counts on."""
    await enter_limit(scene, instance)
    await scene.world.advance(1.0)
    scene.move_money("USDT", "-99500")
    scene.unsettled, scene.account_mode = True, "reducing"
    await scene.world.advance(1.0)  # or the pass sees it happen, and reads once more


async def owner_sells_position(scene: Scene, instance: Instance) -> None:
    """Let the owner sell by hand what a profile holds."""
    await enter_limit(scene, instance)
    await scene.world.advance(1.0)
    scene.by_owner(
        "POST", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="2.0005", newClientOrderId="mine"
    )
    scene.halted.add("first")
    scene.unsettled, scene.account_mode = True, "reducing"
    await scene.world.advance(1.0)  # or the pass sees it happen, and reads once more


async def busy_past(scene: Scene, instance: Instance) -> None:
    """Leave one order in doubt, one open with fills that nobody saw, and one that is done."""
    await enter_limit(scene, instance)
    await instance.ask(scene.entry("resting", "0.01", "40000"))
    scene.fills(2)
    scene.fault(FaultKind.UNKNOWN_AFTER, method="POST", path=_ORDER)
    await instance.ask(scene.entry("doubt", "0.02", "2600", symbol=ETH))


async def start_up(scene: Scene, instance: Instance) -> None:
    """Do what a start does: lease, what is in doubt, a first pass."""
    await scene.world.advance(_LATER_S)
    await lead(instance)
    await reconcile(instance)


async def held_by_another(scene: Scene, instance: Instance) -> None:
    """Let another process hold the lease, and leave an intent in doubt."""
    await in_doubt(enter_limit, FaultKind.UNKNOWN_BEFORE)(scene, instance)
    other = Instance.start(scene)
    await other.take_lease()
    await other.end()


async def take_over(scene: Scene, instance: Instance) -> None:
    """Ask for a lease that another holds, take it when it has expired, and go on from there."""
    if await instance.take_lease() is not None:
        scene.broken.append("a lease was given away that another holds")
    await scene.world.advance(21.0)
    await lead(instance)
    await instance.renew_lease()
    await reconcile(instance)


TRUTH_FLOWS = (
    Flow(
        "doubt_present", prove_soon, in_doubt(enter_limit, FaultKind.UNKNOWN_AFTER), enter_limit, money=False
    ),
    Flow(
        "doubt_absent", prove_later, in_doubt(enter_limit, FaultKind.UNKNOWN_BEFORE), enter_limit, money=False
    ),
    Flow(
        "doubt_late",
        prove_soon,
        in_doubt(enter_limit, FaultKind.LATE_APPLY, delay_s=4, answer="drop"),
        enter_limit,
        money=False,
    ),
    Flow("doubt_canceled", prove_soon, doubt_and_cancel, enter_resting, money=False),
    Flow("heal_missing_order", one_pass, died_unanswered, enter_limit, money=False),
    Flow("heal_missing_fill", one_pass, filled_unseen, money=False),
    Flow("heal_status", one_pass, canceled_by_hand, money=False),
    Flow("heal_inferred", two_passes, trades_hidden, money=False),
    Flow("heal_not_listed", one_pass, list_stale, money=False),
    Flow("unknown_own_order", one_pass, own_order_unknown, money=False),
    Flow("foreign_orders", one_pass, owner_trades, money=False),
    Flow("transfers", one_pass, owner_moves_money, money=False),
    Flow("shortfall", one_pass, owner_takes_capital, money=False),
    Flow("foreign_sell", one_pass, owner_sells_position, money=False),
    Flow("start_up", start_up, busy_past, money=False),
    Flow("lease_takeover", take_over, held_by_another, enter_limit, money=False),
)
