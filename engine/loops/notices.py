"""Notices to operators by webhook: a template makes the body, a throttle keeps a storm to one and a count."""

import json
import string
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from engine.domain.errors import ErrorCode, HoldfastError
from engine.runtime.clock import Clock
from engine.runtime.log import get_logger
from engine.runtime.metrics import Metrics
from engine.runtime.tasks import Heartbeat

_log = get_logger(__name__)
_LOOK_S = 0.2
_WAITING_MAX = 256
_KNOWN_MAX = 1_024
_TRIES_MAX = 5
_RETRY_S = 1.0
_OK, _REDIRECT, _TOO_MANY, _FAULT = 200, 300, 429, 500
_PLACES = ("kind", "severity", "title", "text", "tenant", "module", "at", "repeated")
_DEFAULT_TEMPLATE = "{" + ",".join(f'"{place}":"${place}"' for place in _PLACES) + "}"


@dataclass(frozen=True, slots=True)
class NoticeOptions:
    """Where notices go.

    `template` is JSON text with the places of `_PLACES` in its strings. `throttle_s`: of one kind, tenant and
    module one notice in that time; the next says how many there were.
    """

    url: str | None = field(default=None, repr=False)  # a chat's webhook address is a secret by itself
    template: str | None = None
    throttle_s: float = 300.0
    timeout_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Notice:
    """What an operator is told; no secret and nothing personal stands in it."""

    kind: str
    severity: str
    title: str
    text: str
    tenant: str = ""
    module: str = ""


@dataclass(slots=True)
class _Window:
    until: float
    last: Notice
    held_back: int = 0


@dataclass(slots=True)
class _Letter:
    notice: Notice
    body: bytes
    at: float
    tries: int = 0


class Notices:
    """Takes notices without waiting and sends them from a loop of its own: nothing waits for the receiver."""

    def __init__(self, options: NoticeOptions, metrics: Metrics, clock: Clock) -> None:
        self._options = options
        self._template = _checked(options.template or _DEFAULT_TEMPLATE)
        self._metrics = metrics
        self._clock = clock
        self._windows: OrderedDict[tuple[str, str, str], _Window] = OrderedDict()
        self._letters: deque[_Letter] = deque()

    def tell(self, notice: Notice) -> None:
        """Take a notice. Within the throttle's time of one like it, it is only counted."""
        if self._options.url is None:
            self._count(notice, "off")
            return
        now, key = self._clock.monotonic(), (notice.kind, notice.tenant, notice.module)
        window = self._windows.get(key)
        if window is not None and now < window.until:
            window.held_back += 1
            window.last = notice
            self._count(notice, "throttled")
            return
        self._open(key, notice, now, 0 if window is None else window.held_back)

    async def run(self, heartbeat: Heartbeat) -> None:
        """Send what waits, in order; what was held back is told when its time is over."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(self._options.timeout_s)) as session:
            while True:
                heartbeat.beat()
                await self.send_due(session)
                if not await heartbeat.pause(_LOOK_S):
                    return

    async def send_due(self, session: aiohttp.ClientSession) -> None:
        """Send every letter whose time has come."""
        self._tell_held_back()
        for _ in range(len(self._letters)):
            letter = self._letters.popleft()
            if letter.at > self._clock.monotonic():
                self._letters.append(letter)
            else:
                await self._send(session, letter)

    def _tell_held_back(self) -> None:
        now = self._clock.monotonic()
        ended = [(key, window) for key, window in self._windows.items() if now >= window.until]
        for key, window in ended:
            if window.held_back:
                self._open(key, window.last, now, window.held_back - 1)
            else:
                del self._windows[key]

    def _open(self, key: tuple[str, str, str], notice: Notice, now: float, repeated: int) -> None:
        self._windows[key] = _Window(now + self._options.throttle_s, notice)
        self._windows.move_to_end(key)
        while len(self._windows) > _KNOWN_MAX:
            self._windows.popitem(last=False)
        if len(self._letters) >= _WAITING_MAX:
            self._count(self._letters.popleft().notice, "dropped")
        self._letters.append(_Letter(notice, self._body(notice, repeated), now))

    def _body(self, notice: Notice, repeated: int) -> bytes:
        places = {place: getattr(notice, place, "") for place in _PLACES}
        places |= {"at": self._clock.now().isoformat(timespec="seconds"), "repeated": str(repeated)}
        return _filled(self._template, places).encode()

    async def _send(self, session: aiohttp.ClientSession, letter: _Letter) -> None:
        letter.tries += 1
        status = await self._post(session, letter.body)
        if status is not None and _OK <= status < _REDIRECT:
            self._count(letter.notice, "sent")
            return
        passing = status is None or status == _TOO_MANY or status >= _FAULT
        if passing and letter.tries < _TRIES_MAX:
            letter.at = self._clock.monotonic() + _RETRY_S * 2 ** (letter.tries - 1)
            self._letters.append(letter)
            return
        self._count(letter.notice, "failed")
        _log.error(
            "notice not delivered",
            kind=letter.notice.kind,
            title=letter.notice.title,
            status=status,
            tries=letter.tries,
        )

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> int | None:
        """Return the status, None if there was no answer; a redirect is not followed."""
        try:
            async with session.post(
                self._options.url or "",
                data=body,
                headers={"Content-Type": "application/json"},
                allow_redirects=False,
            ) as response:
                return response.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return None

    def _count(self, notice: Notice, result: str) -> None:
        self._metrics.notices_total.labels(notice.kind, result).inc()


def _checked(template: str) -> string.Template:
    made = string.Template(template)
    try:
        json.loads(_filled(made, dict.fromkeys(_PLACES, 'a "quoted" word\n')))
    except (KeyError, ValueError) as error:
        raise HoldfastError(
            ErrorCode.CONFIGURATION,
            f"HOLDFAST_NOTICE_TEMPLATE is no JSON text with known places ({', '.join(_PLACES)}): {error}",
        ) from error
    return made


def _filled(template: string.Template, places: Mapping[str, Any]) -> str:
    """Fill a template's places; each value is escaped, so that it stays inside its JSON string."""
    return template.substitute({place: json.dumps(str(value))[1:-1] for place, value in places.items()})
