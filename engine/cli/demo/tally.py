"""What the robots saw: answers counted by code, latencies, duplicates and the capital readings on the way."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.domain.capital import available
from engine.domain.money import ZERO, parse_decimal

_MS = 1000


@dataclass(slots=True)
class Tally:
    """Counts of one demo; each figure is something a robot was told over the API."""

    denials: Counter[str] = field(default_factory=Counter)  # by code
    unknown: int = 0
    entry_seconds: list[float] = field(default_factory=list)
    exits_placed: int = 0
    cancels: int = 0
    sent_twice: int = 0
    answered_differently: list[str] = field(default_factory=list)
    readings: int = 0
    broken_readings: list[str] = field(default_factory=list)
    unexpected: Counter[str] = field(default_factory=Counter)
    intents: set[str] = field(default_factory=set)
    latest: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # capital by profile

    def placed(self, intent_id: str, seconds: float, *, entry: bool) -> None:
        """Count an order that the exchange has confirmed, with its way from the robot and back."""
        if intent_id in self.intents:  # the same key again
            return
        self.intents.add(intent_id)
        if entry:
            self.entry_seconds.append(seconds)
        else:
            self.exits_placed += 1

    def read(self, profile: Mapping[str, Any]) -> None:
        """Check one answer of GET /v1/capital against the formula, by our own arithmetic."""
        figures = {
            name: parse_decimal(profile[name], name)
            for name in (
                "allocated",
                "reserved_for_orders",
                "reserved_for_positions",
                "realized_pnl",
                "available",
            )
        }
        said = figures.pop("available")
        self.readings += 1
        self.latest[profile["name"]] = profile
        if said != available(**figures) or said < ZERO:
            self.broken_readings.append(f"{profile.get('name')}: {said} of {figures}")

    def entry_ms(self, share: float) -> float | None:
        """The latency below which `share` of the entries stayed, in ms; None without entries."""
        if not self.entry_seconds:
            return None
        ordered = sorted(self.entry_seconds)
        return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] * _MS
