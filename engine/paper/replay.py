"""Plays recorded trades or candles in Binance's public CSV layout into the market."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from engine.paper import scale

if TYPE_CHECKING:
    from engine.paper.matching import Matching
    from engine.paper.prices import OutsideMarket

_TRADE_COLUMNS = 7
# Since 2025 the public files count microseconds; no time in milliseconds gets this large before 5138.
_MICROSECONDS_FROM = 10**14
_SYMBOL = re.compile(r"([A-Z0-9]+)-")


@dataclass(frozen=True, slots=True)
class Tick:
    """One recorded trade; time in milliseconds, amounts in units of 10^-8."""

    time_ms: int
    price: int
    quantity: int
    buyer_is_maker: bool


class Replay:
    """Feeds recorded trades of one symbol to the outside market, as far as recorded time has come."""

    def __init__(self, symbol: str, ticks: Iterator[Tick], source: TextIO, outside: "OutsideMarket") -> None:
        self.symbol = symbol
        self._ticks = ticks
        self._source = source
        self._outside = outside
        self._next = next(ticks, None)
        if self._next is None:
            raise ValueError(f"no trades or candles for {symbol} in the file")
        self.now_ms = self._next.time_ms
        self.played = 0
        outside.follow(symbol, self._next.price)

    @property
    def finished(self) -> bool:
        return self._next is None

    def step(self, ms: int) -> None:
        """Let so much recorded time pass; past the last record the price stands still."""
        self.now_ms += ms
        due = False
        while self._next is not None and self._next.time_ms <= self.now_ms:
            tick = self._next
            self._outside.tape(self.symbol, tick.price, tick.quantity, tick.buyer_is_maker)
            self.played += 1
            due = True
            self._next = next(self._ticks, None)
        if due:
            self._outside.quote(self.symbol)

    def close(self) -> None:
        self._source.close()


def open_replay(spec: str, outside: "OutsideMarket", matching: "Matching") -> Replay:
    """Open FILE or SYMBOL=FILE (.csv, or a .zip with one); ValueError if it cannot be used."""
    named, _, rest = spec.partition("=")
    path = Path(rest or named)
    found = _SYMBOL.match(path.name)
    symbol = named if rest else found.group(1) if found else ""
    if symbol not in matching.markets:
        raise ValueError(f"no instrument in {path.name!r}: name the file SYMBOL-... or give SYMBOL=FILE")
    source = _open(path)
    try:
        return Replay(symbol, _ticks(csv.reader(source)), source, outside)
    except ValueError:
        source.close()
        raise


def _open(path: Path) -> TextIO:
    if path.suffix != ".zip":
        return path.open(encoding="ascii", newline="")
    archive = zipfile.ZipFile(path)
    return io.TextIOWrapper(archive.open(archive.namelist()[0]), encoding="ascii", newline="")


def _ticks(rows: Iterator[list[str]]) -> Iterator[Tick]:
    for row in rows:
        if not row or not row[0].isdigit():
            continue  # a header, which some of the public files have
        if len(row) == _TRADE_COLUMNS:
            yield _trade(row)
        else:
            yield from _candle(row)


def _milliseconds(text: str) -> int:
    value = int(text)
    return value // 1000 if value >= _MICROSECONDS_FROM else value


def _trade(row: list[str]) -> Tick:
    """Read id, price, quantity, quote quantity, time, buyer is maker, best match."""
    return Tick(_milliseconds(row[4]), scale.parse(row[1]), scale.parse(row[2]), row[5].lower() == "true")


def _candle(row: list[str]) -> Iterator[Tick]:
    """Make four trades of a candle: open, then low and high (high first if it fell), then close."""
    opened, closed = _milliseconds(row[0]), _milliseconds(row[6])
    first, high, low, last = (scale.parse(price) for price in row[1:5])
    part = scale.parse(row[5]) // 4
    path = [first, low, high, last] if last >= first else [first, high, low, last]
    previous = first
    for number, price in enumerate(path):
        yield Tick(opened + (closed - opened) * number // 3, price, part, price < previous)
        previous = price
