"""Token buckets: what they take, what they refuse, and that no kind of request takes another's place."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from starlette.requests import Request

from engine.api.auth import Caller
from engine.api.rates import HEADERS, Kind, Quotas, Rates, Scope, kind_of, open_rates
from engine.domain.errors import HoldfastError
from engine.paper.server import PaperExchange
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from engine.runtime.settings import Settings
from tests.api.served import Served, serve
from tests.database.servers import Database
from tests.flows.rig import PATIENT, open_rig
from tests.paper.clients import options

TENANT = UUID(int=1)
ANY = dict.fromkeys(Scope, 0.0)


def caller(robot: int = 1, tenant: UUID = TENANT) -> Caller:
    return Caller(tenant, UUID(int=robot), "r")


def request(method: str, path: str) -> Request:
    return Request({"type": "http", "method": method, "path": path, "headers": [], "query_string": b""})


def rates(clock: Clock, **quotas: dict[Scope, float]) -> Rates:
    given = {"orders": ANY, "cancels": ANY, "reads": ANY, **quotas}
    return Rates(Quotas(**given), clock.monotonic, Metrics().rate_limited_total)  # type: ignore[arg-type]


def passed(made: Rates, times: int, who: Caller, method: str = "POST", path: str = "/v1/entries") -> int:
    """How many of so many requests pass."""
    count = 0
    for _ in range(times):
        try:
            made.admit(request(method, path), who)
        except HoldfastError:  # which one it is shows the test over HTTP
            continue
        count += 1
    return count


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that moves only when it is told to."""
    clock = Clock()
    monkeypatch.setattr(clock, "monotonic", lambda: clock.offset_s)
    return clock


def test_a_bucket_gives_its_burst_and_then_its_rate(still: Clock) -> None:
    """Twenty at once of ten a second over two seconds, then one for each tenth of a second."""
    made = rates(still, orders={**ANY, Scope.ROBOT: 10})
    assert 20 == passed(made, 50, caller())
    still.advance(0.35)
    assert 3 == passed(made, 50, caller())
    still.advance(3600)
    assert 20 == passed(made, 50, caller())


def test_kinds_and_robots_have_buckets_of_their_own(still: Clock) -> None:
    """With the bucket of entries empty, exits, reads, cancels and other robots pass as if nothing were."""
    few = {**ANY, Scope.ROBOT: 1}
    made = rates(still, orders=few, cancels=few, reads=few)
    assert 2 == passed(made, 9, caller())
    assert 2 == passed(made, 9, caller(), path="/v1/exits")
    assert 2 == passed(made, 9, caller(), "GET", "/v1/orders")
    assert 2 == passed(made, 9, caller(), "DELETE", "/v1/orders/x")
    assert 2 == passed(made, 9, caller(2))


def test_cancels_are_never_refused_as_it_comes(still: Clock) -> None:
    """With the settings as they come ten thousand cancels pass in one moment, entries long refused."""
    made = open_rates(Settings(), still, Metrics())
    assert 1000 == passed(made, 2000, caller())
    for path in ("/v1/orders/x", "/v1/orders"):
        assert 5000 == passed(made, 5000, caller(), "DELETE", path)


def test_a_tenant_and_the_engine_have_one_bucket_for_all_their_robots(still: Clock) -> None:
    """Robots share their tenant's bucket, tenants the engine's; who is refused takes nothing."""
    made = rates(still, orders={Scope.ROBOT: 2, Scope.TENANT: 3, Scope.ENGINE: 4})
    assert 4 == passed(made, 9, caller(1))  # its own
    assert 2 == passed(made, 9, caller(2))  # what its tenant's had left
    assert 2 == passed(made, 9, caller(3, UUID(int=9)))  # what the engine's had left
    with pytest.raises(HoldfastError) as refused:
        made.admit(request("POST", "/v1/entries"), caller(4, UUID(int=10)))
    assert "engine-entries" == refused.value.details["limit"]
    still.advance(0.25)
    assert 1 == passed(made, 1, caller(4, UUID(int=10)))


def test_the_headers_say_what_is_left(still: Clock) -> None:
    """Policy and state of the robot's and tenant's buckets, in the form of the draft; not the engine's."""
    made = rates(still, orders={Scope.ROBOT: 5, Scope.TENANT: 10, Scope.ENGINE: 1000})
    asked = request("POST", "/v1/entries")
    made.admit(asked, caller())
    assert {
        b"ratelimit-policy": b'"tenant-entries";q=20;w=2, "robot-entries";q=10;w=2',
        b"ratelimit": b'"tenant-entries";r=19;t=1, "robot-entries";r=9;t=1',
    } == dict(asked.scope[HEADERS])


def test_what_counts_as_what() -> None:
    """Everything that protects is a cancel; what only looks is a read; all else waits with entries."""
    kinds = {
        ("GET", "/v1/orders"): Kind.READS,
        ("GET", "/v1/dead-mans-switch"): Kind.READS,
        ("POST", "/v1/entries"): Kind.ENTRIES,
        ("POST", "/v1/exits"): Kind.EXITS,
        ("DELETE", "/v1/orders/1"): Kind.CANCELS,
        ("POST", "/v1/orders/cancel-all"): Kind.CANCELS,
        ("PUT", "/v1/dead-mans-switch"): Kind.CANCELS,
        ("POST", "/v1/webhooks/1"): Kind.ENTRIES,
    }
    assert kinds == {asked: kind_of(*asked) for asked in kinds}


@pytest.fixture
async def served(database: Database) -> AsyncIterator[Served]:
    clock = Clock()
    made = rates(clock, orders={**ANY, Scope.ROBOT: 0.01, Scope.TENANT: 1000}, reads={**ANY, Scope.ROBOT: 50})
    async with (
        PaperExchange(options()) as paper,
        open_rig(database, paper, timings=PATIENT, call_timeout_s=30.0) as rig,
    ):
        paper.outside.pin("BTCUSDT", 50_000 * 10**8, 50_010 * 10**8, 5 * 10**8)
        async with serve(rig, made) as opened:
            yield opened


async def test_a_refusal_over_http_is_retryable_and_stores_nothing(served: Served) -> None:
    """429 with both headers and Retry-After; the same key works later; cancels and reads pass meanwhile."""
    body = {"profile": "first", "symbol": "BTC/USDT", "type": "limit", "quantity": "0.001"}
    placed = await served.ask("POST", "/v1/entries", {**body, "limit_price": "40000"})
    assert 201 == placed.status, placed.body
    assert '"tenant-entries";q=2000;w=2, "robot-entries";q=1;w=2' == placed.headers["ratelimit-policy"]
    key = uuid4().hex
    other = {**body, "limit_price": "40001"}
    refused = await served.ask("POST", "/v1/entries", other, idempotency_key=key)
    assert (429, "RATE_LIMITED", True, "not_placed") == (
        refused.status,
        *(refused.body[name] for name in ("code", "retryable", "outcome")),
    )
    assert ("100", "robot-entries") == (refused.headers["retry-after"], refused.body["limit"])
    assert '"robot-entries";r=0;t=100' == refused.headers["ratelimit"].split(", ")[1]
    read = await served.ask("GET", "/v1/orders")
    assert (200, 1) == (read.status, len(read.body["orders"]))
    assert '"robot-reads";r=99;t=1' == read.headers["ratelimit"]
    canceled = await served.ask("DELETE", f"/v1/orders/{placed.body['id']}")
    assert (200, None) == (canceled.status, canceled.headers.get("ratelimit"))
    served.services.rates = None
    assert 201 == (await served.ask("POST", "/v1/entries", other, idempotency_key=key)).status
