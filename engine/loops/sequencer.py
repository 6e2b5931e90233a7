"""Gives events their seq and hands them to feed clients: looks often while there are some, else seldom."""

import asyncio

from engine.domain.errors import HoldfastError
from engine.flows.feed import FeedHub
from engine.runtime.log import get_logger
from engine.runtime.tasks import Heartbeat

BUSY_S = 0.05  # also the shortest time between two looks, however often it is nudged
IDLE_S = 0.2
_GROWTH = 1.5
_AFTER_ERROR_S = 1.0
_log = get_logger(__name__)


class Sequencer:
    """One per process; any number of processes may run theirs on one database."""

    def __init__(self, hub: FeedHub) -> None:
        self._hub = hub

    async def run(self, heartbeat: Heartbeat) -> None:
        """Look until the stop is ordered."""
        rest_s = BUSY_S
        while True:
            heartbeat.beat()
            try:
                moved = await self._hub.turn()
            except HoldfastError as error:
                _log.warning("feed not sequenced", reason=f"{error.code.value}: {error}")
                if not await heartbeat.pause(_AFTER_ERROR_S):
                    return
                continue
            rest_s = BUSY_S if moved else min(rest_s * _GROWTH, IDLE_S)
            if not await self._rest(heartbeat, rest_s):
                return

    async def _rest(self, heartbeat: Heartbeat, rest_s: float) -> bool:
        """Pause for the shortest time in any case, and for the rest of it until something nudges."""
        if not await heartbeat.pause(BUSY_S):
            return False
        if rest_s > BUSY_S and not self._hub.nudged.is_set():
            waiting = [
                asyncio.ensure_future(event.wait()) for event in (self._hub.nudged, heartbeat.stopping)
            ]
            try:
                await asyncio.wait(waiting, timeout=rest_s - BUSY_S, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waiting:
                    each.cancel()
        self._hub.nudged.clear()
        return not heartbeat.stopping.is_set()
