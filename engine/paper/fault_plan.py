"""Faults by seed: the same seed gives the same faults to the same requests, in whatever order they come."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.paper.faults import Fault, FaultKind, Match, Target, fits, read_fields

# What differs between two sends of the same request, or says nothing about it.
_PASSING = {"timestamp", "signature", "recvWindow"}
_SCALE = 2**32


@dataclass(slots=True)
class Plan:
    """Each request and stream event is hit with probability `rate` (0 to 1) by one of the kinds that fit it.

    What hits depends on the seed, on what the request says (not on its time stamp) and on how often the
    same was said before. `until_ms`: end by the exchange's clock; `count`: end after so many faults; a hit
    lasts for `in_row` matching requests of the same account; `fields` are what every fault of it is told.
    """

    seed: int
    rate: Decimal
    kinds: tuple[FaultKind, ...]
    until_ms: int | None = None
    count: int | None = None
    in_row: int = 1
    match: Match = field(default_factory=Match)
    fields: dict[str, Any] = field(default_factory=dict)
    hits: Counter[str] = field(default_factory=Counter)
    _said: Counter[bytes] = field(default_factory=Counter)
    _running: dict[str | None, tuple[FaultKind, int]] = field(default_factory=dict)

    def for_request(self, target: Target, met: Match, params: dict[str, str], now_ms: int) -> Fault | None:
        said = "&".join(f"{name}={params[name]}" for name in sorted(params) if name not in _PASSING)
        return self._decide(target, met, f"{met.method} {met.path} {met.account} {said}", now_ms)

    def for_event(self, met: Match, event: dict[str, Any], now_ms: int) -> Fault | None:
        """An event is known by its kind and by the ids in it, not by its time."""
        ids = [str(event.get(name)) for name in ("x", "X", "i", "t", "z", "a", "u")]
        if met.event in {"outboundAccountPosition", "balanceUpdate"}:
            ids = []
        return self._decide(
            Target.EVENT, met, f"{met.event} {met.account} {met.symbol} {' '.join(ids)}", now_ms
        )

    def _decide(self, target: Target, met: Match, said: str, now_ms: int) -> Fault | None:
        ended = self.until_ms is not None and now_ms >= self.until_ms
        used_up = self.count is not None and self.hits.total() >= self.count
        kinds = [kind for kind in self.kinds if fits(kind, target)]
        if ended or used_up or not kinds or not _within(self.match, met):
            return None
        running = self._running.get(met.account)
        if running is not None and running[1] > 0 and running[0] in kinds:
            self._running[met.account] = (running[0], running[1] - 1)
            return self._hit(running[0])
        number = self._draw(said)
        if number % _SCALE >= int(self.rate * _SCALE):
            return None
        kind = kinds[(number // _SCALE) % len(kinds)]
        if self.in_row > 1:
            self._running[met.account] = (kind, self.in_row - 1)
        return self._hit(kind)

    def _draw(self, said: str) -> int:
        """Give 64 bits that depend on the seed, on what was said and on how often it was said so far."""
        identity = hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        self._said[identity] += 1
        key = f"{self.seed}:{self._said[identity]}".encode()[-64:]
        return int.from_bytes(hashlib.blake2b(identity, key=key, digest_size=8).digest(), "big")

    def _hit(self, kind: FaultKind) -> Fault:
        self.hits[kind.value] += 1
        return replace(Fault(kind=kind, count=0, hits=1), **self.fields)

    def shown(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "rate": str(self.rate),
            "kinds": [kind.value for kind in self.kinds],
            "until": self.until_ms,
            "count": self.count,
            "in_row": self.in_row,
            "hits": dict(sorted(self.hits.items())),
        }


def read_plan(given: dict[str, Any]) -> Plan:
    """Read a plan as the control port gets it; ValueError or TypeError say what is wrong with it."""
    wanted = dict(given)
    kinds = wanted.pop("kinds", None)
    if kinds is None:
        kinds = list(FaultKind)
    if not isinstance(kinds, list) or not kinds:
        raise ValueError("kinds must be a list of fault kinds")
    try:
        rate = Decimal(str(wanted.pop("rate")))
    except InvalidOperation:
        raise ValueError("rate must be a number from 0 to 1") from None
    if not (rate.is_finite() and 0 <= rate <= 1):
        raise ValueError("rate must be a number from 0 to 1")
    match = wanted.pop("match", None) or {}
    if not isinstance(match, dict):
        raise TypeError("match must be an object")
    until, count = wanted.pop("until", None), wanted.pop("count", None)
    in_row = int(wanted.pop("in_row", 1))
    if in_row < 1:
        raise ValueError("in_row must be at least 1")
    return Plan(
        seed=int(wanted.pop("seed")),
        rate=rate,
        kinds=tuple(FaultKind(kind) for kind in kinds),
        until_ms=None if until is None else int(until),
        count=None if count is None else int(count),
        in_row=in_row,
        match=Match(**match),
        fields=read_fields(wanted),
    )


def _within(wanted: Match, met: Match) -> bool:
    return (
        wanted.method in (None, met.method)
        and wanted.path in (None, met.path)
        and wanted.symbol in (None, met.symbol)
        and wanted.account in (None, met.account)
        and wanted.event in (None, met.event)
    )
