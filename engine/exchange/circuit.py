"""Whether an exchange account is worth a new entry: open after failures in a row or a pause it asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

FAILURES_MAX = 5
OPEN_S = 5.0
OPEN_S_MAX = 60.0
_TRIAL_S = 10.0  # how long one entry may take to show whether orders are taken again
_SERVER_ERROR = 500
_NOT_THERE = 404
_PAUSE_S_DEFAULT: Mapping[int, float] = {429: 10.0, 418: 120.0}  # where the answer names no Retry-After
# Codes of Binance that say "not now" whatever the HTTP status is.
_UNWELL: Mapping[str, frozenset[str]] = {
    "binance": frozenset({"-1000", "-1001", "-1006", "-1007", "-1008", "-1016"})
}


class State(StrEnum):
    """Closed lets entries pass, open denies them, half_open lets one at a time show how it is."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


class Cause(StrEnum):
    """Why it opened."""

    UNREACHABLE = "unreachable"  # no connection, or no answer in time
    UNWELL = "unwell"  # 5xx and the codes of maintenance and overload
    UNREADABLE = "unreadable"  # answered with something that is no answer
    RATE_LIMITED = "rate_limited"  # 429, 418: it asked us to stay away


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a denied entry is told."""

    reason: str
    retry_after_s: float


class Circuit:
    """Of one exchange account. Nothing here sends, waits or has a clock of its own.

    Orders and cancels are counted apart from reads: an exchange that answers what is asked may still
    refuse to trade. Exits and cancels never ask it; what becomes of them is counted.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        failures_max: int = FAILURES_MAX,
        open_s: float = OPEN_S,
        open_s_max: float = OPEN_S_MAX,
    ) -> None:
        self.on_change: Callable[[], None] | None = None
        self.cause: Cause | None = None
        self.opened = 0
        self._monotonic = monotonic
        self._failures_max = failures_max
        self._open_s = open_s
        self._open_s_max = open_s_max
        self._failures = {True: 0, False: 0}  # in a row; by whether it was a write
        self._detail = ""
        self._until: float | None = None  # None: closed
        self._for_s = open_s
        self._answered = False  # since it opened, a probe was answered
        self._writes = False  # it opened because of orders: only an order can close it
        self._trial_until = float("-inf")

    @property
    def state(self) -> State:
        """What it is at this moment."""
        if self._until is None:
            return State.CLOSED
        return State.HALF_OPEN if self._answered and self._left_s() <= 0 else State.OPEN

    @property
    def reason(self) -> str | None:
        """Why it is not closed."""
        if self._until is None or self.cause is None:
            return None
        return f"{self.cause.value}: {self._detail}" if self._detail else self.cause.value

    def refusal(self) -> Refusal | None:
        """Return why an entry would be denied now, None if it would be admitted."""
        if self._until is None:
            return None
        left_s = self._left_s()
        if self.state is State.HALF_OPEN:
            left_s = self._trial_until - self._monotonic()
            if left_s <= 0:
                return None
        return Refusal(self.reason or "", max(left_s, 1.0))

    def admit(self) -> Refusal | None:
        """Return as `refusal` does; whoever is admitted while it is half open is the trial."""
        refused = self.refusal()
        if refused is None and self._until is not None:
            self._trial_until = self._monotonic() + _TRIAL_S
        return refused

    @property
    def wants_probe(self) -> bool:
        """Whether it is time to ask the exchange how it is."""
        return self._until is not None and not self._answered and self._left_s() <= 0

    def succeeded(self, *, write: bool, probe: bool = False) -> None:
        """Take note of an answer that was one, a refusal included."""
        self._failures[write] = 0
        if self._until is None:
            return
        if probe and self.wants_probe:
            self._answered = True
            if self._writes:
                self._changed()  # half open: the next entry shows whether orders are taken
                return
        if self._left_s() <= 0 and (write or self._answered):
            self._close()

    def failed(self, cause: Cause, detail: str, *, write: bool) -> None:
        """Take note of a call that proved the exchange unwell."""
        self._failures[write] += 1
        if self._until is not None:
            if self._left_s() <= 0:  # tried again, in vain
                self._for_s = min(self._for_s * 2, self._open_s_max)
                self._open(cause, detail, self._for_s, write=write or self._writes)
        elif self._failures[write] >= self._failures_max:
            self._for_s = self._open_s
            self._open(cause, detail, self._for_s, write=write)

    def told_to_wait(self, seconds: float, detail: str) -> None:
        """Open for as long as the exchange asked us to stay away."""
        if self._until is None or self._monotonic() + seconds > self._until:
            self._open(Cause.RATE_LIMITED, detail, seconds, write=False)

    def _left_s(self) -> float:
        return 0.0 if self._until is None else self._until - self._monotonic()

    def _open(self, cause: Cause, detail: str, seconds: float, *, write: bool) -> None:
        self.opened += 1
        self.cause, self._detail, self._writes = cause, detail, write
        self._until = self._monotonic() + seconds
        self._answered = False
        self._trial_until = float("-inf")
        self._changed()

    def _close(self) -> None:
        self._until, self.cause, self._detail = None, None, ""
        self._failures = {True: 0, False: 0}
        self._for_s = self._open_s
        self._changed()

    def _changed(self) -> None:
        if self.on_change is not None:
            self.on_change()


def retry_after_s(status: int | None, headers: Mapping[str, str]) -> float | None:
    """Return for how long an answer asks us to stay away, None if it does not."""
    if status is None or status not in _PAUSE_S_DEFAULT:
        return None
    asked = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return float(asked) if asked.isascii() and asked.isdigit() else _PAUSE_S_DEFAULT[status]


def cause_of(exchange: str, status: int, body: str | None, code: str) -> Cause | None:
    """Return what an answer proves against the exchange; None: it is well, whatever it says of the call."""
    if status >= _SERVER_ERROR or code in _UNWELL.get(exchange, ()):
        return Cause.UNWELL
    text = (body or "").strip()
    whole = len(text) > 1 and text[0] + text[-1] in {"{}", "[]"}
    return None if whole or status == _NOT_THERE else Cause.UNREADABLE
