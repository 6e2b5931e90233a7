"""Seeded schedules: robots of several profiles trade while many faults hit, life after life of the engine."""

import asyncio
from decimal import Decimal
from random import Random
from typing import Any

from engine.ledger import capital
from engine.ledger.capital import By
from engine.paper.faults import FaultKind
from tests.torture.instance import Instance
from tests.torture.oracle import check, check_midway
from tests.torture.recovery import recover, rest
from tests.torture.scene import BTC, ETH, Scene, open_scene, seeded
from tests.torture.schedules import Outcome, Schedule
from tests.torture.seams import Kind, Plug
from tests.torture.world import World

PROFILES = {"first": "2000", "second": "1500", "third": "800"}
_FAULTS = (8, 40)
_LIVES_MAX = 30
_GAP_MAX = 6  # calls between two faults
_PRICES = {BTC: ("50100", "40000", "60000"), ETH: ("2600", "2000", "3000")}  # takes, bids, offers
_QUANTITIES = {BTC: ("0.0004", "0.003"), ETH: ("0.004", "0.06")}
_AT_THE_EXCHANGE = (
    (FaultKind.UNKNOWN_AFTER, "POST", "/api/v3/order"),
    (FaultKind.UNKNOWN_BEFORE, "POST", "/api/v3/order"),
    (FaultKind.HTTP_5XX_AFTER, "POST", "/api/v3/order"),
    (FaultKind.HTML_200_AFTER, "POST", "/api/v3/order"),
    (FaultKind.DROP_AFTER, "POST", "/api/v3/order"),
    (FaultKind.PARTIAL_FILLS, "POST", "/api/v3/order"),
    (FaultKind.FILL_AFTER_CANCEL, "DELETE", "/api/v3/order"),
    (FaultKind.DROP_AFTER, "DELETE", "/api/v3/order"),
    (FaultKind.NOT_FOUND, "GET", "/api/v3/order"),
    (FaultKind.HTTP_5XX_BEFORE, "GET", "/api/v3/openOrders"),
    (FaultKind.DROP_AFTER, "GET", "/api/v3/myTrades"),
)


async def run_storm(world: World, seed: int, index: int) -> Outcome:
    """Run schedule `index` of a seed: everything in it follows from the two."""
    rng = seeded("storm", seed, index)
    scene = await open_scene(world, profiles=PROFILES, robots=2)
    scene.halted.update(PROFILES)  # a late fill may break the invariant: then its profile halts, as it must
    outcome = Outcome(Schedule(f"storm {seed}:{index}"))
    wanted, lives = min(rng.randint(*_FAULTS), rng.randint(*_FAULTS)), 0
    try:
        while outcome.fired < wanted and lives < _LIVES_MAX:
            lives += 1
            await _live(scene, rng, outcome, wanted)
            await world.advance(rng.choice((0.0, 1.0, 6.0, 17.0, 35.0)))
        world.paper.faults.clear()
        outcome.findings.merge(await check_midway(scene))
        await _judge(scene, outcome)
    finally:
        world.paper.faults.clear()
    outcome.findings.details = [f"storm {seed}:{index}: {each}" for each in outcome.findings.details]
    return outcome


async def _live(scene: Scene, rng: Random, outcome: Outcome, wanted: int) -> None:
    """Run one life of an engine: robots and loops take turns until it dies or is stopped."""
    plan, number = {}, 0
    for _ in range(rng.randint(2, 12)):
        number += rng.randint(1, _GAP_MAX)
        plan[number] = _kind(rng)
    plug = Plug(plan=plan)
    instance = Instance.start(scene, plug, skew_s=rng.choice((0.0, 0.0, 3.0, -3.0)))
    await instance.take_lease()
    for _ in range(rng.randint(3, 14)):
        if instance.dead or outcome.fired + len(plug.fired) >= wanted:
            break
        acts = [_act(scene, rng, instance) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
        if rng.random() < 0.2:
            kind, method, path = rng.choice(_AT_THE_EXCHANGE)
            scene.fault(kind, method=method, path=path)
            outcome.fired += 1
        plug.caller = None
        await asyncio.gather(*acts)
        if rng.random() < 0.5:
            plug.heal_lost()
    await instance.end()
    outcome.fired += len(plug.fired)


def _kind(rng: Random) -> Kind:
    weights = {Kind.CRASH_BEFORE: 1, Kind.CRASH_AFTER: 1, Kind.STICKY_BEFORE: 1, Kind.STICKY_AFTER: 1}
    kinds = list(Kind)
    return rng.choices(kinds, [weights.get(kind, 3) for kind in kinds])[0]


def _act(scene: Scene, rng: Random, instance: Instance) -> Any:
    """Choose what happens next; the choice is made now, so that it does not depend on who runs first."""
    acts = (_enter, _enter, _enter, _leave, _cancel, _cancel, _market, _loops, _loops, _reconcile, _operate)
    return rng.choice(acts)(scene, rng, instance)


def _enter(scene: Scene, rng: Random, instance: Instance) -> Any:
    symbol = rng.choice((BTC, ETH))
    takes, bids, _offers = _PRICES[symbol]
    return instance.ask(
        scene.entry(
            f"e{len(scene.asked)}",
            rng.choice(_QUANTITIES[symbol]),
            rng.choice((takes, bids, None)),
            symbol=symbol,
            profile=rng.choice(list(PROFILES)),
            robot=rng.randrange(2),
        )
    )


def _leave(scene: Scene, rng: Random, instance: Instance) -> Any:
    symbol = rng.choice((BTC, ETH))
    return instance.ask(
        scene.exit(
            f"x{len(scene.asked)}",
            rng.choice((None, _QUANTITIES[symbol][0])),
            rng.choice((None, _PRICES[symbol][2])),
            symbol=symbol,
            profile=rng.choice(list(PROFILES)),
            robot=rng.randrange(2),
        )
    )


async def _cancel(scene: Scene, rng: Random, instance: Instance) -> None:
    asked = [each.answer for each in scene.asked.values() if each.answer is not None]
    known = [answer.intent["id"] for answer in asked if answer.intent is not None]
    if known:
        await instance.ask(scene.cancel_of("robot", rng.choice(known[-6:])))


async def _market(scene: Scene, rng: Random, instance: Instance) -> None:
    scene.fills(rng.choice((1, 2, 3)))
    await instance.poll()


async def _loops(_scene: Scene, _rng: Random, instance: Instance) -> None:
    await instance.cancels()
    await instance.poll()
    await instance.resolve()


async def _reconcile(_scene: Scene, _rng: Random, instance: Instance) -> None:
    await instance.renew_lease()
    await instance.resolve()
    await instance.reconcile()


async def _operate(scene: Scene, rng: Random, instance: Instance) -> None:
    """Move capital of a profile; an operator who got no answer repeats it until there is one."""
    name, amount = rng.choice(list(PROFILES)), Decimal(rng.randint(1, 50))
    move = rng.choice((capital.allocate, capital.withdraw))
    by = By("operator:test", "storm", f"move {len(scene.moves)}")
    scene.moves.append((name, move, amount, by))
    profile_id = scene.profiles[name]
    await instance.step(lambda: move(instance.ledger, scene.tenant_id, profile_id, amount, by))


async def _judge(scene: Scene, outcome: Outcome) -> None:
    done = await recover(scene)
    outcome.passes = done.passes
    instance = Instance.start(scene)
    for name, move, amount, by in scene.moves:
        given = await move(scene.world.observer, scene.tenant_id, scene.profiles[name], amount, by)
        if given["code"] == "OK":
            scene.given[name] += amount if move is capital.allocate else -amount
    for asked in list(scene.asked.values()):
        await instance.ask(asked.command)
    await instance.end()
    again = await recover(scene)
    outcome.passes = max(outcome.passes, again.passes)
    found, _state = await check(scene)
    outcome.findings.merge(found)
    outcome.findings.merge(await rest(scene))
