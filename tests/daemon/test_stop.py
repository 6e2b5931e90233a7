"""A stop while orders are on their way: each of them ends in a state that is true, and none is doubled."""

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from engine.cli.acts import profiles
from engine.cli.acts.session import on_ledger
from engine.runtime.settings import Settings
from tests.daemon.stage import Answer, Stage, Tenant, start_daemon, until

SENDS = 16
READS = 3  # of quotes and clock, for each account
QUANTITY = "0.001"


@pytest.fixture(scope="module")
def own() -> Iterator[Stage]:
    """A stage whose daemon is stopped and started again."""
    with Stage.started() as made:
        yield made


def many(stage: Stage) -> Tenant:
    """Make a tenant with a profile for each send: they do not wait for one another."""
    tenant = stage.tenant()
    spec = {"symbols": ["BTC/USDT"]}

    async def make(ledger: Any, _settings: Settings) -> None:
        for number in range(SENDS):
            await profiles.create(
                ledger, tenant.name, f"p{number}", account="paper", quote="USDT", spec=spec, amount="1000"
            )

    asyncio.run(on_ledger(stage.database_url, Settings(data_dir=stage.folder / "data"), make))
    return tenant


def enter(stage: Stage, tenant: Tenant, number: int) -> Answer:
    body = {
        "profile": f"p{number}",
        "symbol": "BTC/USDT",
        "type": "limit",
        "quantity": QUANTITY,
        "limit_price": "50100",
    }
    return stage.call("POST", "/v1/entries", body, key=tenant.key, idem=f"send-{number}")


@contextmanager
def slow_sends(stage: Stage, tenant: Tenant, delay_ms: int) -> Iterator[list[Future[Answer]]]:
    """Yield the answers to come of sends that the exchange holds back; all are under way."""
    match = {"method": "POST", "path": "/api/v3/order", "account": tenant.name}
    fault = {"kind": "delay", "delay_ms": delay_ms, "count": SENDS, "match": match}
    stage.steer("POST", "/faults", fault)
    with ThreadPoolExecutor(SENDS) as pool:
        answers = [pool.submit(enter, stage, tenant, number) for number in range(SENDS)]
        until("all are sent", lambda: len(received(stage, tenant)) == SENDS)
        yield answers
    stage.steer("DELETE", "/faults")


def received(stage: Stage, tenant: Tenant) -> list[dict[str, Any]]:
    """Return the orders that reached the exchange."""
    noted = stage.steer("GET", "/requests?method=POST")["requests"]
    return [one for one in noted if one["account"] == tenant.name]


def at_exchange(stage: Stage, tenant: Tenant) -> Counter[str]:
    """Count the exchange's own orders by client order id."""
    books = stage.steer("GET", f"/oracle?account={tenant.name}")["accounts"][tenant.name]
    return Counter(each["clientOrderId"] for each in books["orders"])


def again(stage: Stage, tenant: Tenant) -> list[dict[str, Any]]:
    """Start the daemon anew, and return the tenant's orders as it tells them."""
    stage.restart()
    until("its account is connected", lambda: stage.connected(tenant))
    until("it is ready", lambda: stage.gate() is None)
    orders: list[dict[str, Any]] = stage.call("GET", "/v1/orders?limit=100", key=tenant.key).body["orders"]
    return orders


def in_doubt(orders: list[dict[str, Any]]) -> int:
    return sum(each["state"] == "in_doubt" for each in orders)


def check_capital(stage: Stage, tenant: Tenant) -> None:
    for figures in stage.call("GET", "/v1/capital", key=tenant.key).body["capital"]:
        assert figures["available"] == figures["invariant"], figures


def test_stop_waits_for_orders_in_flight(own: Stage) -> None:
    """SIGTERM while sixteen sends are under way: each is answered as placed, recorded and booked once."""
    tenant = many(own)
    with slow_sends(own, tenant, 1_000) as waiting:
        assert 0 == own.daemon.stop(signal.SIGTERM)
        answers = [answer.result() for answer in waiting]
    assert {(201, "placed", True)} == {
        (answer.status, answer.body["outcome"], answer.body["recorded"]) for answer in answers
    }
    orders = again(own, tenant)
    assert {("confirmed", "filled", QUANTITY)} == {
        (each["state"], each["order"]["status"], each["order"]["booked_quantity"]) for each in orders
    }
    assert Counter({each["client_order_id"]: 1 for each in orders}) == at_exchange(own, tenant)
    assert SENDS == len(orders)
    check_capital(own, tenant)
    held = own.call("GET", "/v1/positions", key=tenant.key).body["positions"]
    assert SENDS * Decimal("0.000999") == sum(Decimal(row["quantity"]) for row in held)


def test_stop_gives_up_what_takes_too_long(own: Stage) -> None:
    """Sends that outlast the stop end in doubt, are told so, and keep their capital; none is sent twice."""
    tenant = many(own)
    own.daemon.stop()
    own.daemon = start_daemon(own.folder, stop_timeout_s="1")
    own.port = own.daemon.said("listening")["port"]
    until("its account is connected", lambda: own.connected(tenant))
    until("it is ready", lambda: own.gate() is None)
    with slow_sends(own, tenant, 4_000) as waiting:
        assert 0 == own.daemon.stop(signal.SIGTERM)
        answers = [answer.result() for answer in waiting]
    assert {(202, "unknown", True)} == {
        (answer.status, answer.body["outcome"], answer.body["recorded"]) for answer in answers
    }
    before = again(own, tenant)  # the resolver is at work: what the exchange has is proven soon
    check_capital(own, tenant)
    capital = own.call("GET", "/v1/capital", key=tenant.key).body["capital"]
    after = own.call("GET", "/v1/orders?limit=100", key=tenant.key).body["orders"]
    reserved = sum(Decimal(row["reserved_for_orders"]) > 0 for row in capital)
    assert in_doubt(after) <= reserved <= in_doubt(before)
    placed = at_exchange(own, tenant)
    for each in after:
        proven = each["client_order_id"] in placed
        assert each["state"] == "in_doubt" or (each["state"], proven) == ("confirmed", True), each
    repeated = [enter(own, tenant, number) for number in range(SENDS)]
    assert {(202, "unknown"), (201, "placed")} >= {
        (answer.status, answer.body["outcome"]) for answer in repeated
    }
    assert SENDS == len(received(own, tenant)) == len(after)
    assert {each["client_order_id"] for each in after} >= set(placed)
    assert {1} >= set(placed.values())


def test_stop_waits_for_no_read(own: Stage) -> None:
    """While the exchange answers no read for long, every loop still ends by itself."""
    slow = {"kind": "delay", "delay_ms": 15_000, "count": None, "match": {"method": "GET"}}
    own.steer("POST", "/faults", slow)
    try:
        until("reads wait", lambda: own.steer("GET", "/faults")["faults"][0]["hits"] >= READS)
        assert 0 == own.daemon.stop(signal.SIGTERM)
    finally:
        own.steer("DELETE", "/faults")
    assert [] == [line for line in own.daemon.log.read_text().splitlines() if "loops cancelled" in line]
