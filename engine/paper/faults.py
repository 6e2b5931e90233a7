"""Faults on order: which request goes wrong, in which way, how often."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """What goes wrong; `before` and `after` mean the moment when the request is processed."""

    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    UNKNOWN_BEFORE = "unknown_before"
    UNKNOWN_AFTER = "unknown_after"
    HTTP_5XX_BEFORE = "http_5xx_before"
    HTTP_5XX_AFTER = "http_5xx_after"
    HTML_200_AFTER = "html_200_after"
    EMPTY_200_AFTER = "empty_200_after"
    LATE_APPLY = "late_apply"
    DELAY = "delay"
    RATE_LIMITED = "rate_limited"
    STALE_READ = "stale_read"


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests a fault is for; None matches everything. `skip` lets that many matches pass first."""

    method: str | None = None
    path: str | None = None
    symbol: str | None = None
    account: str | None = None
    client_order_id: str | None = None
    skip: int = 0


@dataclass(slots=True)
class Fault:
    """One rule. `count` is how many requests it still hits (None: all); times are the exchange clock's.

    `delay_ms` belongs to `delay` (real time before processing); `delay_s`, `recheck` (refuse at the late
    moment what is beyond recvWindow) and `answer` (`unknown` or `drop`) to `late_apply`; `status` to
    `http_5xx_*` and `rate_limited`, `retry_after_s` to the latter.
    """

    kind: FaultKind
    match: Match = field(default_factory=Match)
    count: int | None = 1
    delay_ms: int = 0
    delay_s: float = 0
    recheck: bool = True
    answer: str = "unknown"
    status: int = 0
    retry_after_s: int = 1
    id: int = 0
    seen: int = 0
    hits: int = 0

    def shown(self) -> dict[str, Any]:
        return asdict(self)


class Faults:
    """The rules in force, oldest first; a request gets the first that matches."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self._last_id = 0

    def add(self, fault: Fault) -> Fault:
        self._last_id += 1
        fault.id = self._last_id
        self._rules.append(fault)
        return fault

    def clear(self, fault_id: int | None = None) -> None:
        """Remove one rule, or all."""
        self._rules = [rule for rule in self._rules if fault_id is not None and rule.id != fault_id]

    def shown(self) -> list[dict[str, Any]]:
        return [rule.shown() for rule in self._rules]

    def take(self, method: str, path: str, params: dict[str, str], key: str | None) -> Fault | None:
        """Find the fault for this request and count it down."""
        if not self._rules:
            return None
        for rule in self._rules:
            if rule.count == 0 or not _matches(rule.match, method, path, params, key):
                continue
            rule.seen += 1
            if rule.seen <= rule.match.skip:
                continue
            rule.hits += 1
            if rule.count is not None:
                rule.count -= 1
            return rule
        return None


def _matches(match: Match, method: str, path: str, params: dict[str, str], key: str | None) -> bool:
    client_order_id = params.get("newClientOrderId") or params.get("origClientOrderId")
    return (
        match.method in (None, method)
        and match.path in (None, path)
        and match.symbol in (None, params.get("symbol"))
        and match.account in (None, key)
        and match.client_order_id in (None, client_order_id)
    )


def read_fault(given: dict[str, Any]) -> Fault:
    """Read a fault as the control port gets it; ValueError or TypeError say what is wrong with it."""
    fields = dict(given)
    match = dict(fields.pop("match", None) or {})
    if "nth" in match:
        match["skip"] = int(match.pop("nth")) - 1
    if "count" in match:
        fields["count"] = match.pop("count")
    kind = FaultKind(fields.pop("kind"))
    return Fault(kind=kind, match=Match(**match), **fields)
