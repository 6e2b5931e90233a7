"""A fresh engine after faults: takes over, proves what is in doubt, reconciles, and comes to rest."""

from dataclasses import dataclass, field
from pathlib import Path

from tests.torture.instance import Instance
from tests.torture.oracle import NOT_CONVERGED, Findings, read_state
from tests.torture.scene import Scene
from tests.torture.seams import Plug

EXPIRED_S = 31.0  # past every lock, lease and validity window
PASSES_MAX = 5
TURNS_MAX = 12
RECONCILES = (Path(__file__).parents[2] / "sql/functions/reconcile/fn_compare_account.sql").exists()


@dataclass(slots=True)
class Recovered:
    """How a recovery went; `dead` if its process died on the way.

    `passes` that changed something; `settled`: the last one left nothing open.
    """

    dead: bool
    passes: int = 0
    settled: bool = True
    crossings: list[str] = field(default_factory=list)
    replied: set[int] = field(default_factory=set)
    findings: Findings = field(default_factory=Findings)


async def recover(scene: Scene, plug: Plug | None = None) -> Recovered:
    """Start a fresh engine when all that could expire has, and let it do what a start does."""
    await scene.world.advance(EXPIRED_S)
    instance = Instance.start(scene, plug)
    done = Recovered(dead=False)
    try:
        await lead(instance)
        while not instance.dead and done.passes < PASSES_MAX:
            before = (await read_state(scene)).mark
            done.settled = await reconcile(instance)
            compared = instance.report is not None and instance.report.equations == "compared"
            if (done.settled or (scene.unsettled and compared)) and (await read_state(scene)).mark == before:
                break
            done.passes += 1
    finally:
        await instance.end()
    done.dead = instance.dead
    done.crossings, done.replied = instance.plug.crossings, instance.plug.replied
    return done


async def rest(scene: Scene) -> Findings:
    """One more pass of a further engine: it must find all settled, and change nothing."""
    before, found = (await read_state(scene)).mark, Findings()
    await scene.world.advance(EXPIRED_S)
    instance = Instance.start(scene)
    await lead(instance)
    settled = await reconcile(instance)
    await instance.end()
    after = (await read_state(scene)).mark
    if after != before:
        found.add(NOT_CONVERGED, f"a further pass changed something: {before} {after}")
    if not settled and not scene.unsettled:
        found.add(
            NOT_CONVERGED, f"a further pass leaves something open: {instance.report} {instance.problem}"
        )
    return found


async def lead(instance: Instance) -> None:
    """Take the lease, and settle what is in doubt: as long as the resolver says that it waits."""
    await instance.take_lease()
    for _ in range(TURNS_MAX):
        found = await instance.resolve()
        if found is None or found.again_at_ms is None:
            break
        wait_ms = found.again_at_ms - instance.session.gateway.exchange_now_ms()
        await instance.scene.world.advance(max(0.0, wait_ms / 1000) + 0.05)
        await instance.renew_lease()


async def reconcile(instance: Instance) -> bool:
    """Do one round of all loops; True if nothing is left open."""
    await instance.cancels()
    await instance.poll()
    if not RECONCILES:
        return True
    report = await instance.reconcile()
    return report is not None and report.settled
