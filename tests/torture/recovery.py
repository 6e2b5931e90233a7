"""A fresh engine after faults: takes over, proves what is in doubt, reconciles, and comes to rest."""

from dataclasses import dataclass, field
from uuid import UUID

from engine.flows.record import Sent
from engine.ledger import reads
from engine.ledger.intents import Ending, IntentView, not_placed
from tests.torture.instance import Instance
from tests.torture.oracle import NOT_CONVERGED, Findings, read_state
from tests.torture.scene import Scene
from tests.torture.seams import Plug

EXPIRED_S = 31.0  # past every lock, lease and validity window
PASSES_MAX = 4


@dataclass(slots=True)
class Recovered:
    """How a recovery went; `dead` if its process died on the way."""

    dead: bool
    passes: int = 0
    crossings: list[str] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)


async def recover(scene: Scene, plug: Plug | None = None) -> Recovered:
    """Start a fresh engine when all that could expire has, and let it do what a start does."""
    await scene.world.advance(EXPIRED_S)
    instance = Instance.start(scene, plug)
    done = Recovered(dead=False)
    try:
        await _resolve(instance)
        while not instance.dead and done.passes < PASSES_MAX:
            before = (await read_state(scene)).mark
            await _pass(instance)
            if (await read_state(scene)).mark == before:
                break
            done.passes += 1
    finally:
        await instance.end()
    done.dead = instance.dead
    done.crossings = instance.plug.crossings
    return done


async def rest(scene: Scene) -> Recovered:
    """One more pass of a further engine: it must change nothing."""
    before = (await read_state(scene)).mark
    instance = Instance.start(scene)
    done = Recovered(dead=False)
    await _resolve(instance)
    await _pass(instance)
    await instance.end()
    if (await read_state(scene)).mark != before:
        done.findings.add(NOT_CONVERGED, "a further pass changed something")
    return done


async def _pass(instance: Instance) -> None:
    await instance.cancels()
    await instance.poll()


async def _resolve(instance: Instance) -> None:
    """Prove what is in doubt: the exchange is asked, and what it shows is booked."""
    await instance.step(lambda: _prove_all(instance))


async def _prove_all(instance: Instance) -> None:
    scene = instance.scene
    for view in await reads.list_orders(instance.ledger, scene.tenant_id, {"limit": 500}):
        if view["state"] in {"sending", "in_doubt"}:
            await _prove(instance, view)


async def _prove(instance: Instance, view: IntentView) -> None:
    scene, gateway = instance.scene, instance.session.gateway
    intent_id, token = UUID(view["id"]), view["fencing_token"]
    own, symbol = view["client_order_id"], view["symbol"]
    report = await gateway.find_order(symbol, client_order_id=own)
    if report is None:
        await not_placed(instance.ledger, scene.tenant_id, Ending(intent_id, token, "absent"))
        return
    sent = Sent(view["kind"], instance.session, intent_id, token, own, symbol)
    await instance.desk.recorder.confirmation(sent, report, "proof")
    seen = await gateway.fills(symbol, exchange_order_id=report.exchange_order_id)
    await instance.desk.recorder.book(instance.session, report, seen, "proof")
