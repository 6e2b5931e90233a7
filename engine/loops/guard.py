"""The guard of the walls: attempts against them and the notices about it, as one part of the daemon."""

from engine.ledger.seam import Ledger
from engine.loops.intrusions import Intrusions
from engine.loops.notices import NoticeOptions, Notices
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from engine.runtime.settings import Settings
from engine.runtime.tasks import Heartbeat, Supervisor


class Guard:
    """Built before the database is there; raises CONFIGURATION for a notice template that is none."""

    def __init__(self, settings: Settings, metrics: Metrics, clock: Clock) -> None:
        url = settings.notice_url
        options = NoticeOptions(
            None if url is None else url.get_secret_value(),
            settings.notice_template,
            settings.notice_throttle_s,
        )
        self.notices = Notices(options, metrics, clock)
        self.intrusions = Intrusions(self.notices, metrics, clock)

    def start(self, ledger: Ledger, supervisor: Supervisor) -> None:
        """Start both loops, and listen to what the database refuses."""
        ledger.on_foreign = self.intrusions.refused

        async def prove(heartbeat: Heartbeat) -> None:
            await self.intrusions.run(ledger, heartbeat)

        supervisor.start("intrusions", prove, silent_s_max=60.0)
        supervisor.start("notices", self.notices.run, silent_s_max=60.0)
