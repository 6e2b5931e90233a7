"""Proves that loops live on after errors, show their health, and end when they are told to."""

import asyncio

from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from engine.runtime.tasks import Heartbeat, Supervisor


def sample(metrics: Metrics, name: str) -> float:
    return metrics.registry.get_sample_value(f"holdfast_{name}", {"loop": "x"}) or 0.0


async def test_restarts_after_an_error() -> None:
    """An unexpected error is counted and logged, and the loop begins anew."""
    metrics, runs, alive = Metrics(), [], asyncio.Event()
    supervisor = Supervisor(metrics, Clock())

    async def body(heartbeat: Heartbeat) -> None:
        heartbeat.beat()
        runs.append(1)
        if len(runs) < 3:
            raise RuntimeError("no")
        alive.set()
        await heartbeat.stopping.wait()

    supervisor.start("x", body, restart_delay_s=0.001)
    await asyncio.wait_for(alive.wait(), 3)
    (health,) = supervisor.health()
    assert (True, 2, "RuntimeError: no") == (health.ok, health.errors, health.last_error)
    assert 2 == sample(metrics, "loop_errors_total")
    assert [] == await supervisor.stop(1.0)
    assert 3 == sample(metrics, "loop_iterations_total")


async def test_silence_is_not_health() -> None:
    """A loop that gives no sign of life for too long is not healthy, though it runs."""
    clock, beaten = Clock(), asyncio.Event()
    supervisor = Supervisor(Metrics(), clock)

    async def body(heartbeat: Heartbeat) -> None:
        heartbeat.beat()
        beaten.set()
        await heartbeat.stopping.wait()

    supervisor.start("x", body, silent_s_max=5)
    await beaten.wait()
    assert supervisor.health()[0].ok
    clock.advance(6)
    assert not supervisor.health()[0].ok
    await supervisor.stop(1.0)


async def test_stop_cancels_who_does_not_end() -> None:
    """A stop asks first and cancels at its deadline, and says whom."""
    started = asyncio.Event()
    supervisor = Supervisor(Metrics(), Clock())

    async def deaf(heartbeat: Heartbeat) -> None:
        heartbeat.beat()
        started.set()
        await asyncio.Event().wait()

    async def obedient(heartbeat: Heartbeat) -> None:
        while await heartbeat.pause(0.001):
            heartbeat.beat()

    supervisor.start("deaf", deaf)
    supervisor.start("obedient", obedient)
    await started.wait()
    assert ["deaf"] == await supervisor.stop(0.05)


async def test_some_loops_end_and_may_begin_again() -> None:
    """One loop is ended by its name and forgotten, the others go on; the name is free for a new one."""
    metrics = Metrics()
    supervisor = Supervisor(metrics, Clock())
    ended: list[str] = []

    async def body(heartbeat: Heartbeat) -> None:
        heartbeat.beat()
        await heartbeat.stopping.wait()
        ended.append(heartbeat.name)

    supervisor.start("x", body)
    supervisor.start("y", body)
    await asyncio.sleep(0)
    assert [] == await supervisor.end(["x", "unknown"], 1.0)
    assert (["x"], ["y"]) == (ended, [loop.name for loop in supervisor.health()])
    assert "x" not in metrics.exposition().decode().partition("loop_running{")[2].partition("\n")[0]
    supervisor.start("x", body)
    await asyncio.sleep(0)
    assert [] == await supervisor.stop(1.0)
    assert ["x", "x", "y"] == sorted(ended)
    supervisor.start("late", body)
    await asyncio.sleep(0)
    assert [] == await supervisor.stop(1.0)
