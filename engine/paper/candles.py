"""A market's candles: kept by the second and the minute as trades happen, any longer interval made of them.

What lies before the exchange was opened is made up from the seed, so that a strategy finds a past to begin
with; it meets the opening price and is the same for the same seed and time of opening.
"""

import hashlib
from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.paper.orders import Execution

SECOND_MS = 1_000
MINUTE_MS = 60_000
_HOUR_MS = 60 * MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_WEEK_MS = 7 * _DAY_MS
_FIXED: dict[str, int] = {
    "1s": SECOND_MS,
    **{f"{n}m": n * MINUTE_MS for n in (1, 3, 5, 15, 30)},
    **{f"{n}h": n * _HOUR_MS for n in (1, 2, 4, 6, 8, 12)},
    "1d": _DAY_MS,
    "3d": 3 * _DAY_MS,
    "1w": _WEEK_MS,
}
INTERVALS = {*_FIXED, "1M"}
# Weeks begin on a Monday; the first day of 1970 was a Thursday.
_FIRST_MONDAY_MS = 4 * _DAY_MS
_SECONDS_KEPT = 10_000
_MINUTES_KEPT = 60 * 24 * 31
_PAST_MS = 1_500 * _DAY_MS
# Waves of the made-up past: how long one lasts, and the part of the price it moves at most.
_WAVES = (
    (200 * _DAY_MS, 4),
    (20 * _DAY_MS, 12),
    (2 * _DAY_MS, 40),
    (3 * _HOUR_MS, 150),
    (5 * MINUTE_MS, 900),
    (20 * SECOND_MS, 4_000),
)
_LOOKS = 6
_FRACTION = 1 << 20


@dataclass(slots=True)
class Candle:
    """One interval: amounts are integers of 10^-8, times milliseconds, `end_ms` is the next start."""

    start_ms: int
    end_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    quote: int = 0
    count: int = 0
    taker_volume: int = 0
    taker_quote: int = 0
    first_id: int = -1
    last_id: int = -1

    def trade(self, execution: "Execution") -> None:
        price, quantity, quote = execution.price, execution.quantity, execution.quote
        if self.count == 0:
            # An interval opens with its first trade; until then it shows the last price before it.
            self.open = self.high = self.low = price
            self.first_id = execution.id
        elif price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.volume += quantity
        self.quote += quote
        self.count += 1
        self.last_id = execution.id
        if not execution.buyer_is_maker:
            self.taker_volume += quantity
            self.taker_quote += quote

    def merge(self, later: "Candle") -> None:
        """Add a later candle to this one."""
        if later.count == 0:
            return
        if self.count == 0:
            self.open, self.high, self.low = later.open, later.high, later.low
            self.first_id = later.first_id
        self.high, self.low, self.close = max(self.high, later.high), min(self.low, later.low), later.close
        self.volume += later.volume
        self.quote += later.quote
        self.count += later.count
        self.taker_volume += later.taker_volume
        self.taker_quote += later.taker_quote
        self.last_id = later.last_id


def bounds(interval: str, at_ms: int) -> tuple[int, int]:
    """Start of the interval a moment lies in, and start of the next."""
    if interval == "1M":
        moment = datetime.fromtimestamp(at_ms // 1000, UTC)
        start = datetime(moment.year, moment.month, 1, tzinfo=UTC)
        end = datetime(moment.year + moment.month // 12, moment.month % 12 + 1, 1, tzinfo=UTC)
        return int(start.timestamp()) * 1000, int(end.timestamp()) * 1000
    length = _FIXED[interval]
    shift = _FIRST_MONDAY_MS if interval == "1w" else 0
    start_ms = (at_ms - shift) // length * length + shift
    return start_ms, start_ms + length


class Past:
    """Prices that never were: a sum of waves through points drawn from the seed."""

    def __init__(self, seed: str, opened_ms: int, opening: int, tick: int, turnover: int) -> None:
        """`turnover` is roughly what is traded in a minute, in quote."""
        self._seed = seed
        self._turnover = turnover
        self._opened_ms = bounds("1m", opened_ms)[0]
        self._opening = opening
        self._tick = tick
        self._points: dict[tuple[int, int], int] = {}
        self._offset = self._away(self._opened_ms)

    @property
    def starts_ms(self) -> int:
        return self._opened_ms - _PAST_MS

    def price(self, at_ms: int) -> int:
        price = self._opening + self._opening * (self._away(at_ms) - self._offset) // _FRACTION
        return max(price - price % self._tick, self._tick)

    def candle(self, start_ms: int, end_ms: int) -> Candle:
        """Look at the price several times in an interval; the next one opens where this one closes."""
        step = max((end_ms - start_ms) // _LOOKS, 1)
        prices = [self.price(start_ms + step * number) for number in range(_LOOKS)] + [self.price(end_ms)]
        drawn = self._point(len(_WAVES), start_ms) + 2 * _FRACTION
        quote = self._turnover * drawn // (2 * _FRACTION) * (end_ms - start_ms) // MINUTE_MS
        volume = quote * 10**8 // prices[-1]
        shown = Candle(start_ms, end_ms, prices[0], max(prices), min(prices), prices[-1], volume, quote)
        shown.count = max((end_ms - start_ms) // SECOND_MS // 6, 1)
        shown.taker_volume, shown.taker_quote = volume // 2, quote // 2
        return shown

    def _away(self, at_ms: int) -> int:
        """Distance from the long-term price, in parts of it."""
        away = 0
        for number, (length, part) in enumerate(_WAVES):
            place, rest = divmod(at_ms, length)
            here, there = self._point(number, place), self._point(number, place + 1)
            away += (here + (there - here) * rest // length) // part
        return away

    def _point(self, wave: int, place: int) -> int:
        """Draw a number between minus one and one (in parts of _FRACTION) for a place on a wave."""
        found = self._points.get((wave, place))
        if found is None:
            if len(self._points) > 100_000:  # noqa: PLR2004 - forgetting costs only time
                self._points.clear()
            drawn = hashlib.blake2b(f"{self._seed}:{wave}:{place}".encode(), digest_size=8).digest()
            found = int.from_bytes(drawn, "big") % (2 * _FRACTION + 1) - _FRACTION
            self._points[wave, place] = found
        return found


class Candles:
    """Seconds and minutes of one market, as far back as they are kept."""

    def __init__(self, opened_ms: int, opening: int, past: Past) -> None:
        self._past = past
        self._opening = opening
        self._minute = Candle(*bounds("1m", opened_ms), opening, opening, opening, opening)
        self._second = Candle(*bounds("1s", opened_ms), opening, opening, opening, opening)
        self._opened_ms = self._minute.start_ms
        self._minutes: deque[Candle] = deque(maxlen=_MINUTES_KEPT)
        self._seconds: deque[Candle] = deque(maxlen=_SECONDS_KEPT)
        self._sums: dict[int, tuple[int, Candle]] = {}

    def trade(self, execution: "Execution") -> None:
        """Add a trade; should the clock have been set back, it counts for the newest second."""
        if execution.time_ms >= self._second.end_ms:
            self._turn(execution.time_ms)
        self._second.trade(execution)

    def _turn(self, now_ms: int) -> None:
        """Close the current second, and the minute if it is over."""
        second, price = self._second, self._second.close
        self._seconds.append(second)
        self._minute.merge(second)
        self._second = Candle(*bounds("1s", now_ms), price, price, price, price)
        if now_ms >= self._minute.end_ms:
            self._minutes.append(self._minute)
            self._minute = Candle(*bounds("1m", now_ms), price, price, price, price)
            self._sums.clear()

    def rows(self, interval: str, start_ms: int | None, end_ms: int, limit: int) -> list[Candle]:
        """Candles that start within these times: the first ones from a start, else the last ones."""
        earliest = self._earliest(interval)
        newest = bounds(interval, end_ms)[0]
        frames: list[Candle] = []
        if start_ms is None:
            start, end = bounds(interval, end_ms)
            while len(frames) < limit and start >= earliest:
                frames.append(Candle(start, end, 0, 0, 0, 0))
                start, end = bounds(interval, start - 1)
            frames.reverse()
        else:
            at = max(start_ms, earliest)
            start, end = bounds(interval, at)
            if start < at:
                start, end = bounds(interval, end)
            while start <= newest and len(frames) < limit:
                frames.append(Candle(start, end, 0, 0, 0, 0))
                start, end = bounds(interval, end)
        return self._filled(interval, frames)

    def current(self, interval: str, now_ms: int) -> Candle:
        """The candle a moment lies in."""
        return self.rows(interval, None, now_ms, 1)[0]

    def window(self, minutes: int, now_ms: int, last_price: int) -> Candle:
        """The sum of the last minutes, the current one among them, of what was really traded here."""
        this_minute = bounds("1m", now_ms)[0]
        since, done = self._sums.get(minutes, (-1, self._minute))
        if since != this_minute:
            done = Candle(this_minute - (minutes - 1) * MINUTE_MS, now_ms, 0, 0, 0, 0)
            for one in _from(self._minutes, done.start_ms)[0]:
                done.merge(one)
            self._sums[minutes] = this_minute, done
        shown = replace(done, end_ms=now_ms)
        current = self._now_minute()
        if current.start_ms >= shown.start_ms:
            shown.merge(current)
        if shown.count == 0:
            shown.open = shown.high = shown.low = shown.close = last_price
        return shown

    def _earliest(self, interval: str) -> int:
        kept, room = (self._seconds, _SECONDS_KEPT) if interval == "1s" else (self._minutes, _MINUTES_KEPT)
        return kept[0].start_ms if len(kept) == room else self._past.starts_ms

    def _filled(self, interval: str, frames: list[Candle]) -> list[Candle]:
        """Fill consecutive empty frames with what happened, or is said to have happened, in them."""
        if not frames:
            return []
        kept, current = (
            (self._seconds, self._second) if interval == "1s" else (self._minutes, self._now_minute())
        )
        parts, price = _from(kept, frames[0].start_ms)
        if current.start_ms >= frames[0].start_ms:
            parts.append(current)
        else:
            price = current.close
        if price is None:
            price = self._opening
        place = 0
        for frame in frames:
            if frame.start_ms < self._opened_ms:
                _make_up(frame, self._past, self._opened_ms)
            else:
                frame.open = frame.high = frame.low = frame.close = price
            while place < len(parts) and parts[place].start_ms < frame.end_ms:
                frame.merge(parts[place])
                place += 1
            price = frame.close
        return frames

    def _now_minute(self) -> Candle:
        """The minute that goes on, with its current second."""
        shown = replace(self._minute)
        shown.merge(self._second)
        return shown


def _from(kept: deque[Candle], start_ms: int) -> tuple[list[Candle], int | None]:
    """Give the kept candles from a time on, oldest first, and the last price before them."""
    newest_first: list[Candle] = []
    for one in reversed(kept):
        if one.start_ms < start_ms:
            return newest_first[::-1], one.close
        newest_first.append(one)
    return newest_first[::-1], None


def _make_up(frame: Candle, past: Past, opened_ms: int) -> None:
    """Fill a frame that begins before the exchange was opened."""
    shown = past.candle(frame.start_ms, min(frame.end_ms, opened_ms))
    shown.end_ms = frame.end_ms
    for name in Candle.__slots__:
        setattr(frame, name, getattr(shown, name))
