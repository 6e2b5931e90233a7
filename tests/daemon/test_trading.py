"""Orders through the real entry point: from a robot's request to the paper exchange's books."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import uuid4

from tests.daemon.stage import Answer, Stage, Tenant, until

MARKET = {"profile": "main", "symbol": "BTC/USDT", "type": "market", "quantity": "0.01"}
RESTING = {**MARKET, "type": "limit", "limit_price": "49000"}


def enter(stage: Stage, tenant: Tenant, idem: str | None = None, **changes: Any) -> Answer:
    body = {**MARKET, **changes}
    return stage.call("POST", "/v1/entries", body, key=tenant.key, idem=idem or uuid4().hex)


def leave(stage: Stage, tenant: Tenant, **changes: Any) -> Answer:
    body = {**MARKET, "quantity": "all", **changes}
    return stage.call("POST", "/v1/exits", body, key=tenant.key, idem=uuid4().hex)


def holding(stage: Stage, tenant: Tenant) -> Decimal:
    """Return what the profile could sell."""
    held = stage.call("GET", "/v1/positions", key=tenant.key).body["positions"]
    return sum((Decimal(row["sellable"]) for row in held), Decimal(0))


def order(stage: Stage, tenant: Tenant, order_id: str) -> dict[str, Any]:
    found: dict[str, Any] = stage.call("GET", f"/v1/orders/{order_id}", key=tenant.key).body
    return found


def test_market_entry_and_exit_are_filled_and_recorded(stage: Stage, tenant: Tenant) -> None:
    """In and out at the market: both are answered as placed, capital and position follow."""
    bought = enter(stage, tenant)
    assert 201 == bought.status, bought.body
    assert (201, "placed", True, "filled") == (
        bought.status,
        bought.body["outcome"],
        bought.body["recorded"],
        bought.body["order"]["status"],
    )
    assert Decimal("0.00999") == holding(stage, tenant)
    sold = leave(stage, tenant)
    assert (201, "0.00999", "filled") == (
        sold.status,
        sold.body["quantity"],
        sold.body["order"]["status"],
    )
    assert 0 == holding(stage, tenant)
    figures = stage.call("GET", "/v1/capital", key=tenant.key).body["capital"][0]
    assert figures["available"] == figures["invariant"]
    assert "0" == figures["reserved_for_orders"]
    seen = {key: bought.headers[key] for key in ("x-request-id", "x-server-time", "content-type")}
    assert "application/json" == seen["content-type"]


def test_repeat_gives_the_first_answer_and_no_second_order(stage: Stage, tenant: Tenant) -> None:
    """The same key and meaning: same intent, marked as replayed; another body under it: refused."""
    first = enter(stage, tenant, "again", quantity="0.010")
    again = enter(stage, tenant, "again", quantity="0.01")
    assert (201, "true", first.body["id"]) == (
        again.status,
        again.headers["idempotency-replayed"],
        again.body["id"],
    )
    assert first.body["exchange_order_id"] == again.body["exchange_order_id"]
    other = enter(stage, tenant, "again", quantity="0.02")
    assert (422, "IDEMPOTENCY_KEY_REUSED") == (other.status, other.body["code"])
    sent = stage.steer("GET", f"/requests?clientOrderId={first.body['client_order_id']}&method=POST")
    assert 1 == len(sent["requests"])
    leave(stage, tenant)


def test_resting_entry_is_filled_by_the_stream(stage: Stage, tenant: Tenant) -> None:
    """An order that rests is filled when the market comes to it, and the stream tells the ledger."""
    placed = enter(stage, tenant, **RESTING)
    assert "open" == placed.body["order"]["status"]
    stage.pin("48900", "48910")
    try:
        done = until(
            "it is filled",
            lambda: (
                (found := order(stage, tenant, placed.body["id"]))["order"]["status"] == "filled" and found
            ),
        )
    finally:
        stage.pin("50000", "50010")
    sources = stage.rows("SELECT source FROM engine.fills WHERE intent_id = $1", placed.body["id"])
    assert ({"stream"}, "0.01") == ({row["source"] for row in sources}, done["order"]["booked_quantity"])
    assert 201 == leave(stage, tenant).status


def test_fill_during_a_cut_stream_is_found(stage: Stage, tenant: Tenant) -> None:
    """What the exchange did while the streams were cut is booked once they, or polling, are back."""
    placed = enter(stage, tenant, **RESTING)
    stage.steer("POST", "/streams", {"cut": True})
    stage.pin("48900", "48910")
    try:
        until("it is filled", lambda: order(stage, tenant, placed.body["id"])["order"]["status"] == "filled")
    finally:
        stage.pin("50000", "50010")
    assert 201 == leave(stage, tenant).status


def test_polling_alone_closes_a_position(stage: Stage) -> None:
    """An account whose streams never answer: fills of a resting entry and a resting exit come by polling."""
    blind = stage.tenant(blind=True)
    placed = enter(stage, blind, **RESTING)
    stage.pin("48900", "48910")
    try:
        until("it is bought", lambda: order(stage, blind, placed.body["id"])["order"]["status"] == "filled")
        selling = leave(stage, blind, type="limit", limit_price="49500")
        assert "open" == selling.body["order"]["status"]
    finally:
        stage.pin("50000", "50010")
    until("it is sold", lambda: order(stage, blind, selling.body["id"])["order"]["status"] == "filled")
    sources = stage.rows("SELECT DISTINCT source FROM engine.fills WHERE tenant_id = $1", blind.tenant_id)
    assert (["poll"], Decimal(0)) == ([row["source"] for row in sources], holding(stage, blind))


def test_cancel_ends_a_resting_order_and_releases_its_capital(stage: Stage, tenant: Tenant) -> None:
    """DELETE cancels at the exchange; repeating it is harmless; the whole reservation is back."""
    placed = enter(stage, tenant, **RESTING)
    path = f"/v1/orders/{placed.body['id']}"
    bare = stage.call("DELETE", path, key=tenant.key)
    assert (400, "IDEMPOTENCY_KEY_REQUIRED") == (bare.status, bare.body["code"])
    gone = stage.call("DELETE", path, key=tenant.key, idem="cancel")
    assert (200, "done") == (gone.status, gone.body["cancel"])
    again = stage.call("DELETE", path, key=tenant.key, idem="cancel")
    assert (200, "final") == (again.status, again.body["cancel"])
    assert "canceled" == order(stage, tenant, placed.body["id"])["order"]["status"]
    figures = stage.call("GET", "/v1/capital?profile=main", key=tenant.key).body["capital"][0]
    assert "0" == figures["reserved_for_orders"]


def test_order_is_found_by_its_ids_and_tells_its_story(stage: Stage, tenant: Tenant) -> None:
    """By id, by client order id and in the list it is the same order; its timeline is complete."""
    placed = enter(stage, tenant, label="mine")
    by_id = order(stage, tenant, placed.body["id"])
    path = f"/v1/orders/by-client-id/{placed.body['client_order_id']}"
    assert by_id == stage.call("GET", path, key=tenant.key).body
    listed = stage.call("GET", "/v1/orders?symbol=BTC/USDT&limit=1", key=tenant.key).body["orders"]
    assert ([by_id], "mine") == (listed, by_id["label"])
    story = stage.call("GET", f"/v1/orders/{placed.body['id']}/timeline", key=tenant.key).body
    types = {event["type"] for event in story["events"]}
    legs = {event["event"]["type"] for event in story["events"] if event["event"] is not None}
    assert by_id == story["order"]
    assert {"entry.sending", "order.confirmed", "fill", "order.filled"} <= types
    assert {"reserve", "entry_fill", "release"} == legs
    leave(stage, tenant)


def test_client_that_goes_away_cancels_nothing(stage: Stage, tenant: Tenant) -> None:
    """A robot that closes its connection while its order is sent finds it placed under the same key."""
    slow = {"method": "POST", "path": "/api/v3/order", "account": tenant.name}
    stage.steer("POST", "/faults", {"kind": "delay", "delay_ms": 300, "match": slow})
    body = {**MARKET, "label": "gone"}
    connection = http.client.HTTPConnection("127.0.0.1", stage.port)
    headers = {"Authorization": f"Bearer {tenant.key}", "Idempotency-Key": "gone"}
    connection.request("POST", "/v1/entries", json.dumps(body), headers)

    def sending() -> bool:
        listed = stage.call("GET", "/v1/orders?limit=1", key=tenant.key).body["orders"]
        return bool(listed) and listed[0]["label"] == "gone"

    until("it is being sent", sending)
    connection.close()
    found = until(
        "it is placed", lambda: (a := enter(stage, tenant, "gone", label="gone")).status == 201 and a
    )
    assert ("true", "filled") == (found.headers["idempotency-replayed"], found.body["order"]["status"])
    leave(stage, tenant)


def test_foreign_tenant_sees_and_moves_nothing(stage: Stage, tenant: Tenant) -> None:
    """Another tenant's order, profile and figures do not exist for a robot."""
    placed = enter(stage, tenant, **RESTING)
    foreign = stage.tenant()
    for method, path in (
        ("GET", f"/v1/orders/{placed.body['id']}"),
        ("DELETE", f"/v1/orders/{placed.body['id']}"),
        ("GET", f"/v1/orders/{placed.body['id']}/timeline"),
        ("GET", f"/v1/orders/by-client-id/{placed.body['client_order_id']}"),
        ("GET", f"/v1/capital?profile={tenant.profile_id}"),
    ):
        answer = stage.call(method, path, key=foreign.key, idem="foreign")
        assert (404, "NOT_FOUND") == (answer.status, answer.body["code"]), path
    assert [] == stage.call("GET", "/v1/orders", key=foreign.key).body["orders"]
    stage.call("DELETE", f"/v1/orders/{placed.body['id']}", key=tenant.key, idem="cancel")


def test_racing_robots_open_one_entry_at_a_time(stage: Stage) -> None:
    """Sixteen entries at once on one profile and symbol never reserve more than there is."""
    racer = stage.tenant(capital="1000")

    def one(number: int) -> Answer:
        return enter(stage, racer, f"race-{number}", type="limit", limit_price="49000", quantity="0.002")

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(one, range(16)))
    placed = [answer for answer in answers if answer.status == 201]
    refused = {answer.body["code"] for answer in answers if answer.status != 201}
    assert 10 == len(placed)  # 98.098 each, of 1000
    assert {"INSUFFICIENT_CAPITAL"} == refused
    assert 10 == len({answer.body["client_order_id"] for answer in placed})
    figures = stage.call("GET", "/v1/capital", key=racer.key).body["capital"][0]
    assert (Decimal("980.98"), Decimal("19.02")) == (
        Decimal(figures["reserved_for_orders"]),
        Decimal(figures["available"]),
    )
    opened = stage.steer("GET", f"/oracle?account={racer.name}")
    assert 10 == sum(each["status"] == "NEW" for each in opened["accounts"][racer.name]["orders"])


def test_profile_that_does_not_add_up_is_halted_and_named(stage: Stage) -> None:
    """Figures changed behind the functions' back: the watchdog halts that profile alone, and names it."""
    tampered = stage.tenant()
    change = """UPDATE engine.profile_capital SET allocated = allocated + $2, available = available + $2
        WHERE tenant_id = $1 RETURNING mode"""
    stage.rows(change, tampered.tenant_id, 1)
    until(
        "it is halted",
        lambda: stage.call("GET", "/v1/capital", key=tampered.key).body["capital"][0]["mode"] == "halted",
    )
    violations = until(
        "it is named", lambda: stage.call("GET", "/internal/health").body["invariant"]["violations"]
    )
    assert [tampered.profile_id] == [violation["profile_id"] for violation in violations]
    refused = enter(stage, tampered)
    assert (422, "MODE_HALTED") == (refused.status, refused.body["code"])
    assert 200 == stage.call("GET", "/readyz").status
    stage.rows(change, tampered.tenant_id, -1)
    until("it adds up again", lambda: stage.call("GET", "/internal/health").body["invariant"]["holds"])
