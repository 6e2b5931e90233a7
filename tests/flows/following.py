"""A monitor's loops on a rig, for as long as a test follows the account."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from engine.domain.outcomes import Fill, OrderReport
from engine.flows.desk import Desk
from engine.loops.monitor import Monitor, MonitorTimings
from engine.runtime.tasks import Supervisor
from tests.flows.rig import Rig

QUIET = MonitorTimings(silent_s=30.0, poll_s=30.0, hurried_poll_s=0.01)


@asynccontextmanager
async def following(
    rig: Rig,
    timings: MonitorTimings = QUIET,
    *,
    desk: Desk | None = None,
    shown: Callable[[Sequence[Fill | OrderReport]], None] = lambda _news: None,
) -> AsyncIterator[Monitor]:
    """Follow the account's streams, subscribed before this yields; stopped afterwards."""
    desk = desk or rig.desk
    context = desk.context
    monitor = Monitor("paper", rig.session, context, desk.recorder, timings, shown=shown)
    supervisor = Supervisor(context.metrics, context.clock)
    supervisor.start("orders", monitor.orders)
    supervisor.start("fills", monitor.fills)
    try:
        await _subscribed(rig)
        yield monitor
    finally:
        assert [] == await supervisor.stop(5.0)


async def _subscribed(rig: Rig) -> None:
    """Wait until the exchange has confirmed the user data stream."""
    async with asyncio.timeout(5.0):
        await rig.gateway._client.authenticate()
