"""How often a caller may ask: token buckets per robot, tenant and engine, each kind of request by itself."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from prometheus_client import Counter
from starlette.requests import Request

from engine.api.auth import Caller
from engine.domain.errors import ErrorCode, HoldfastError
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from engine.runtime.settings import Settings

HEADERS = "holdfast.rate_headers"  # where a request's scope carries what the envelope adds to the answer

_BUCKETS_MAX = 20_000
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Kind(StrEnum):
    """What is counted apart, so that none of them takes another's place."""

    ENTRIES = "entries"
    EXITS = "exits"
    CANCELS = "cancels"
    READS = "reads"


class Scope(StrEnum):
    """Whose requests fill a bucket."""

    ROBOT = "robot"
    TENANT = "tenant"
    ENGINE = "engine"


@dataclass(frozen=True, slots=True)
class Quotas:
    """Requests per second of each scope, 0 for any number; a bucket holds `burst_s` seconds' worth.

    Orders stand for entries, and by a bucket of their own for exits.
    """

    orders: dict[Scope, float]
    cancels: dict[Scope, float]
    reads: dict[Scope, float]
    burst_s: float = 2.0

    def per_s(self, kind: Kind, scope: Scope) -> float:
        """Return the rate of one kind in one scope."""
        chosen = {Kind.CANCELS: self.cancels, Kind.READS: self.reads}.get(kind, self.orders)
        return chosen[scope]


@dataclass(slots=True)
class _Bucket:
    per_s: float
    size: float
    tokens: float
    at: float

    def fill(self, now: float) -> None:
        self.tokens = min(self.size, self.tokens + (now - self.at) * self.per_s)
        self.at = now


class Rates:
    """The buckets of one process. `monotonic` gives seconds; `refused` counts by scope and kind."""

    def __init__(self, quotas: Quotas, monotonic: Callable[[], float], refused: Counter) -> None:
        self._quotas = quotas
        self._monotonic = monotonic
        self._refused = refused
        self._buckets: OrderedDict[tuple[object, ...], _Bucket] = OrderedDict()

    def admit(self, request: Request, caller: Caller) -> None:
        """Let a request pass. Raises RATE_LIMITED; a refused request takes nothing from any bucket."""
        kind = kind_of(request.method, request.url.path)
        now = self._monotonic()
        mine = [
            (Scope.ENGINE, self._bucket(kind, Scope.ENGINE, None, now)),
            (Scope.TENANT, self._bucket(kind, Scope.TENANT, caller.tenant_id, now)),
            (Scope.ROBOT, self._bucket(kind, Scope.ROBOT, caller.robot_id, now)),
        ]
        limiting = [(scope, bucket) for scope, bucket in mine if bucket is not None]
        empty = next(((scope, bucket) for scope, bucket in limiting if bucket.tokens < 1), None)
        if empty is None:
            for _, bucket in limiting:
                bucket.tokens -= 1
        # how much others of the engine ask is nobody's business
        shown = [(f"{scope}-{kind}", bucket) for scope, bucket in limiting if scope is not Scope.ENGINE]
        if shown:
            request.scope[HEADERS] = _headers(shown, self._quotas.burst_s)
        if empty is not None:
            scope, bucket = empty
            self._refused.labels(scope.value, kind.value).inc()
            raise HoldfastError(
                ErrorCode.RATE_LIMITED,
                limit=f"{scope}-{kind}",
                allowed_per_s=f"{bucket.per_s:g}",
                retry_after_s=ceil((1 - bucket.tokens) / bucket.per_s),
            )

    def _bucket(self, kind: Kind, scope: Scope, owner: object, now: float) -> _Bucket | None:
        per_s = self._quotas.per_s(kind, scope)
        if per_s <= 0:
            return None
        key = (kind, scope, owner)
        bucket = self._buckets.get(key)
        if bucket is None:
            size = max(1.0, per_s * self._quotas.burst_s)
            bucket = self._buckets[key] = _Bucket(per_s, size, size, now)
            if len(self._buckets) > _BUCKETS_MAX:  # the one that was idle longest is full by now
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
            bucket.fill(now)
        return bucket


def open_rates(settings: Settings, clock: Clock, metrics: Metrics) -> Rates:
    """Return the buckets that the settings describe."""

    def of(kind: str) -> dict[Scope, float]:
        return {scope: getattr(settings, f"rate_{scope}_{kind}_per_s") for scope in Scope}

    quotas = Quotas(of("orders"), of("cancels"), of("reads"), settings.rate_burst_s)
    return Rates(quotas, clock.monotonic, metrics.rate_limited_total)


def kind_of(method: str, path: str) -> Kind:
    """Return what a request counts as. What protects (cancels, the dead-man's switch) waits for no order."""
    if method in _READING:
        return Kind.READS
    if method == "DELETE" or "cancel" in path or path.endswith("/dead-mans-switch"):
        return Kind.CANCELS
    return Kind.EXITS if path.endswith("/exits") else Kind.ENTRIES


def _headers(shown: list[tuple[str, _Bucket]], burst_s: float) -> tuple[tuple[bytes, bytes], ...]:
    """Return the fields of draft-ietf-httpapi-ratelimit-headers-10: q in w seconds, r left, full in t."""
    window_s = ceil(burst_s)
    policies = ", ".join(f'"{name}";q={int(bucket.size)};w={window_s}' for name, bucket in shown)
    limits = ", ".join(
        f'"{name}";r={int(bucket.tokens)};t={ceil((bucket.size - bucket.tokens) / bucket.per_s)}'
        for name, bucket in shown
    )
    return (b"ratelimit-policy", policies.encode()), (b"ratelimit", limits.encode())
