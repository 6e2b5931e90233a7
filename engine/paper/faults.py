"""Faults on order and by seed: which request or stream event goes wrong, in which way, how often."""

from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.paper.fault_plan import Plan


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
    NOT_FOUND = "not_found"
    MISSING_PAGES = "missing_pages"
    PARTIAL_FILLS = "partial_fills"
    FEE_ASSET_CHANGE = "fee_asset_change"
    FILL_AFTER_CANCEL = "fill_after_cancel"
    SELF_TRADE = "self_trade"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    CLOCK_STEP = "clock_step"
    STREAM_DUPLICATE = "stream_duplicate"
    STREAM_REORDER = "stream_reorder"
    STREAM_MISSING = "stream_missing"
    STREAM_SILENT = "stream_silent"
    STREAM_TERMINATED = "stream_terminated"
    STREAM_KICKED = "stream_kicked"


class Target(StrEnum):
    """What a request is about, as far as faults care; an event is a message on a stream."""

    PLACE = "place"
    CANCEL = "cancel"
    QUERY = "query"
    LIST = "list"
    OTHER = "other"
    EVENT = "event"


_LISTS = {"/api/v3/openOrders", "/api/v3/allOrders", "/api/v3/myTrades"}
_TARGETS = {
    ("POST", "/api/v3/order"): Target.PLACE,
    ("POST", "/api/v3/order/cancelReplace"): Target.PLACE,
    ("DELETE", "/api/v3/order"): Target.CANCEL,
    ("DELETE", "/api/v3/openOrders"): Target.CANCEL,
    ("GET", "/api/v3/order"): Target.QUERY,
    **{("GET", path): Target.LIST for path in _LISTS},
}
_REQUESTS = frozenset(Target) - {Target.EVENT}
_PLACE = frozenset({Target.PLACE})
_CANCEL = frozenset({Target.CANCEL})
_ORDER = _PLACE | _CANCEL
# Where a kind makes sense; a rule or a plan hits nothing else. Kinds that are not here fit every request.
FITS: dict[FaultKind, frozenset[Target]] = {
    **{kind: frozenset({Target.EVENT}) for kind in FaultKind if kind.value.startswith("stream_")},
    FaultKind.LATE_APPLY: _ORDER,
    FaultKind.STALE_READ: frozenset({Target.QUERY, Target.LIST}),
    FaultKind.NOT_FOUND: frozenset({Target.QUERY, Target.CANCEL}),
    FaultKind.MISSING_PAGES: frozenset({Target.LIST}),
    FaultKind.PARTIAL_FILLS: _PLACE,
    FaultKind.FEE_ASSET_CHANGE: _PLACE,
    FaultKind.SELF_TRADE: _PLACE,
    FaultKind.FILL_AFTER_CANCEL: _CANCEL,
    FaultKind.DEPOSIT: _ORDER,
    FaultKind.WITHDRAWAL: _ORDER,
}


def target_of(method: str, path: str) -> Target:
    return _TARGETS.get((method, path), Target.OTHER)


def fits(kind: FaultKind, target: Target) -> bool:
    return target in FITS.get(kind, _REQUESTS)


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests a fault is for; None matches everything. `skip` lets that many matches pass first.

    `event` names a stream event's type (executionReport, trade, ...).
    """

    method: str | None = None
    path: str | None = None
    symbol: str | None = None
    account: str | None = None
    client_order_id: str | None = None
    event: str | None = None
    skip: int = 0


@dataclass(slots=True)
class Fault:
    """One rule. `count` is how many requests it still hits (None: all); times are the exchange clock's.

    `delay_ms` belongs to `delay` (real time before processing); `delay_s` to what happens later;
    `recheck` (refuse at the late moment what is beyond recvWindow) and `answer` (`unknown` or `drop`) to
    `late_apply`; `status` to `http_5xx_*`, `unknown_*` and `rate_limited`, `code` to `unknown_*`,
    `retry_after_s` to `rate_limited`; `keep` (rows left, None: half) to `missing_pages`; `parts` to the
    fills; `asset` and `amount` to money and fees; `step_ms` to `clock_step`; `prevention` to `self_trade`.
    """

    kind: FaultKind
    match: Match = field(default_factory=Match)
    count: int | None = 1
    delay_ms: int = 0
    delay_s: float = 0
    recheck: bool = True
    answer: str = "unknown"
    status: int = 0
    code: int = -1007
    retry_after_s: int = 1
    keep: int | None = None
    parts: int = 3
    asset: str = "BNB"
    amount: str = "1"
    step_ms: int = 1000
    prevention: str = "NONE"
    id: int = 0
    seen: int = 0
    hits: int = 0

    @property
    def waits(self) -> bool:
        """Tell whether the request is held back in real time."""
        return self.kind is FaultKind.DELAY

    def shown(self) -> dict[str, Any]:
        return asdict(self)


class Faults:
    """The rules in force, oldest first, then the plan; a request or event gets the first that matches."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self._last_id = 0
        self.plan: Plan | None = None
        self.on_streams = False

    def add(self, fault: Fault) -> Fault:
        self._last_id += 1
        fault.id = self._last_id
        self._rules.append(fault)
        self._note_streams()
        return fault

    def follow(self, plan: "Plan | None") -> None:
        """Put a seeded plan in force (None: end it)."""
        self.plan = plan
        self._note_streams()

    def clear(self, fault_id: int | None = None) -> None:
        """Remove one rule, or all and the plan."""
        self._rules = [rule for rule in self._rules if fault_id is not None and rule.id != fault_id]
        if fault_id is None:
            self.plan = None
        self._note_streams()

    def shown(self) -> list[dict[str, Any]]:
        return [rule.shown() for rule in self._rules]

    def take(
        self, method: str, path: str, params: dict[str, str], key: str | None, now_ms: int = 0
    ) -> Fault | None:
        """Find the fault for this request and count it down."""
        if not self._rules and self.plan is None:
            return None
        target = target_of(method, path)
        client_order_id = params.get("newClientOrderId") if target is Target.PLACE else None
        client_order_id = client_order_id or params.get("origClientOrderId")
        met = Match(method, path, params.get("symbol"), key, client_order_id)
        rule = self._rule(met, target)
        if rule is not None or self.plan is None:
            return rule
        return self.plan.for_request(target, met, params, now_ms)

    def take_event(self, account: str | None, event: dict[str, Any], now_ms: int) -> Fault | None:
        """Find the fault for an event on a stream; `account` is None for public ones."""
        client_order_id = event.get("C") or event.get("c") if account is not None else None
        met = Match(
            symbol=event.get("s"), account=account, client_order_id=client_order_id, event=event.get("e")
        )
        rule = self._rule(met, Target.EVENT)
        if rule is not None or self.plan is None:
            return rule
        return self.plan.for_event(met, event, now_ms)

    def _rule(self, met: Match, target: Target) -> Fault | None:
        for rule in self._rules:
            if rule.count == 0 or not fits(rule.kind, target) or not _matches(rule.match, met):
                continue
            rule.seen += 1
            if rule.seen <= rule.match.skip:
                continue
            rule.hits += 1
            if rule.count is not None:
                rule.count -= 1
            return rule
        return None

    def _note_streams(self) -> None:
        """Events are looked at only while a rule or the plan is about them."""
        kinds = {rule.kind for rule in self._rules} | set(self.plan.kinds if self.plan else ())
        self.on_streams = any(fits(kind, Target.EVENT) for kind in kinds)


def _matches(wanted: Match, met: Match) -> bool:
    return (
        wanted.method in (None, met.method)
        and wanted.path in (None, met.path)
        and wanted.symbol in (None, met.symbol)
        and wanted.account in (None, met.account)
        and wanted.client_order_id in (None, met.client_order_id)
        and wanted.event in (None, met.event)
    )


def read_fault(given: dict[str, Any]) -> Fault:
    """Read a fault as the control port gets it; ValueError or TypeError say what is wrong with it."""
    wanted = dict(given)
    match = wanted.pop("match", None) or {}
    if not isinstance(match, dict):
        raise TypeError("match must be an object")
    match = dict(match)
    if "nth" in match:
        match["skip"] = int(match.pop("nth")) - 1
    if "count" in match:
        wanted["count"] = match.pop("count")
    kind = FaultKind(wanted.pop("kind"))
    return Fault(kind=kind, match=Match(**match), **read_fields(wanted))


def read_fields(given: dict[str, Any]) -> dict[str, Any]:
    """Read what a fault can be told beside kind and match; each value as its type demands."""
    return {name: _READ[name](value) for name, value in given.items() if _known(name)}


def _known(name: str) -> bool:
    if name not in _READ:
        raise ValueError(f"a fault has no {name!r}, only {', '.join(sorted(_READ))}")
    return True


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError(f"not a whole number: {value!r}")
    return int(value)


def _whole_or_none(value: Any) -> int | None:
    return None if value is None else _whole(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"not true or false: {value!r}")
    return value


def _seconds(value: Any) -> float:
    seconds = float(value)
    if not 0 <= seconds <= 10**7:  # not NaN either
        raise ValueError(f"not a number of seconds: {value!r}")
    return seconds


def _http_status(value: Any) -> int:
    status = _whole(value)
    if not 200 <= status <= 599:  # noqa: PLR2004 - what can be answered over HTTP
        raise ValueError(f"not an HTTP status: {value!r}")
    return status


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"not text: {value!r}")
    return value


def _bounded(low: int, high: int) -> Any:
    def read(value: Any) -> int:
        whole = _whole(value)
        if not low <= whole <= high:
            raise ValueError(f"not within {low} and {high}: {value!r}")
        return whole

    return read


_READ: dict[str, Any] = {
    "count": _whole_or_none,
    "delay_ms": _bounded(0, 600_000),
    "delay_s": _seconds,
    "recheck": _flag,
    "answer": _text,
    "status": _http_status,
    "code": _bounded(-9999, -1),
    "retry_after_s": _bounded(0, 10**6),
    "keep": _whole_or_none,
    "parts": _bounded(1, 1000),
    "asset": _text,
    "amount": _text,
    "step_ms": _bounded(-(10**10), 10**10),
    "prevention": _text,
}
assert _READ.keys() <= {one.name for one in fields(Fault)}  # noqa: S101 - both lists name the same things
