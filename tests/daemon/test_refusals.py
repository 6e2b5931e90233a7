"""What is refused: with which status, code and numbers, and that nothing is left behind."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from engine.cli.acts import profiles, robots
from engine.cli.acts.session import on_ledger
from engine.runtime.settings import Settings
from tests.daemon.stage import Answer, Stage, Tenant, until

ENTRY = {
    "profile": "main",
    "symbol": "BTC/USDT",
    "type": "limit",
    "quantity": "0.01",
    "limit_price": "49000",
}
TABLES = (
    "intents", "orders", "reservations", "economic_events", "journal", "outbox", "denials", "audit",
    "fills", "unmatched_fills", "positions", "unassigned_events",
)  # fmt: skip


@pytest.fixture(scope="module")
def quiet(stage: Stage) -> Tenant:
    """A tenant for whom nothing else happens."""
    return stage.tenant(capital="1000")


def left_behind(stage: Stage, tenant: Tenant) -> dict[str, int]:
    """Count a tenant's rows in every table that a request can write."""
    counts = ", ".join(
        f"(SELECT count(*) FROM engine.{table} WHERE tenant_id = $1) AS {table}"  # noqa: S608 - our constants
        for table in TABLES
    )
    locks = (
        "(SELECT count(*) FROM engine.entry_locks WHERE tenant_id = $1 AND intent_id IS NOT NULL) AS locks"
    )
    (row,) = stage.rows(f"SELECT {counts}, {locks}", tenant.tenant_id)
    return row


def post(stage: Stage, tenant: Tenant, path: str = "/v1/entries", **changes: Any) -> Answer:
    body = {key: value for key, value in {**ENTRY, **changes}.items() if value is not ...}
    return stage.call("POST", path, body, key=tenant.key, idem=uuid4().hex)


# what is changed in the body, and the status, code and numbers of the answer
BAD = [
    ({"quantity": 0.01}, 422, "INVALID_NUMBER", {"field": "quantity", "value": "0.01"}),
    ({"quantity": "NaN"}, 422, "INVALID_NUMBER", {"field": "quantity", "value": "NaN"}),
    ({"quantity": "-1"}, 422, "INVALID_NUMBER", {"field": "quantity", "value": "-1"}),
    ({"quantity": "1" + "0" * 40}, 422, "INVALID_NUMBER", {"field": "quantity", "value": "1" + "0" * 40}),
    ({"quantity": "0." + "0" * 18 + "1"}, 422, "INVALID_NUMBER", {"value": "0." + "0" * 18 + "1"}),
    ({"limit_price": 1}, 422, "INVALID_NUMBER", {"field": "limit_price", "value": "1"}),
    ({"limit_price": "Infinity"}, 422, "INVALID_NUMBER", {"value": "Infinity"}),
    ({"quantity": None}, 422, "INVALID_NUMBER", {"field": "quantity"}),
    ({"quantity": ...}, 400, "BAD_REQUEST", {}),
    ({"side": "buy"}, 400, "BAD_REQUEST", {}),
    ({"type": "stop"}, 400, "BAD_REQUEST", {}),
    ({"limit_price": ...}, 400, "BAD_REQUEST", {}),
    ({"limit_price": "49000.001"}, 422, "INVALID_PRICE", {"price": "49000.001", "tick_size": "0.01"}),
    (
        {"quantity": "0.010000001"},
        422,
        "INVALID_QUANTITY",
        {"quantity": "0.010000001", "lot_size": "0.00001"},
    ),
    ({"quantity": "0.0001"}, 422, "BELOW_MIN_NOTIONAL", {"notional": "4.9", "min_notional": "5"}),
    ({"symbol": "DOGE/USDT"}, 422, "UNKNOWN_SYMBOL", {"symbol": "DOGE/USDT"}),
    ({"symbol": "ETH/BTC"}, 422, "UNKNOWN_SYMBOL", {"symbol": "ETH/BTC"}),
    ({"label": "a\0b"}, 400, "BAD_REQUEST", {}),
    ({"symbol": "BTC/USDT\n"}, 400, "BAD_REQUEST", {}),
    ({"profile": "nobody"}, 404, "NOT_FOUND", {"profile": "nobody"}),
    ({"profile": "' OR 1=1 --"}, 404, "NOT_FOUND", {}),
]


@pytest.mark.parametrize("case", BAD, ids=lambda case: f"{case[0]} {case[2]}"[:60])
@pytest.mark.parametrize("path", ["/v1/entries", "/v1/exits"])
def test_bad_input_is_named_and_leaves_nothing(
    stage: Stage,
    quiet: Tenant,
    path: str,
    case: tuple[dict[str, Any], int, str, dict[str, str]],
) -> None:
    """Each wrong body gets its 4xx with code and numbers, and not one row is written."""
    changes, status, code, numbers = case
    before = left_behind(stage, quiet)
    refused = post(stage, quiet, path, **changes)
    assert (status, code, "not_placed") == (refused.status, refused.body["code"], refused.body["outcome"])
    assert "application/problem+json" == refused.headers["content-type"]
    assert refused.headers["x-request-id"] == refused.body["request_id"]
    assert numbers == {name: refused.body[name] for name in numbers}
    assert before == left_behind(stage, quiet)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"\xff", b'{"a":1}', b"[" * 50_000, b'{"quantity": 1e400}']
)
def test_body_that_is_no_order_leaves_nothing(stage: Stage, quiet: Tenant, raw: bytes) -> None:
    """Whatever bytes arrive, the answer is a 4xx of ours."""
    before = left_behind(stage, quiet)
    refused = stage.call("POST", "/v1/entries", raw, key=quiet.key, idem="raw")
    assert refused.status in {400, 422}
    assert refused.body["code"] in {"BAD_REQUEST", "INVALID_NUMBER"}
    assert before == left_behind(stage, quiet)


def test_body_over_the_cap_is_refused(stage: Stage, quiet: Tenant) -> None:
    """A body over 64 KiB is not read to its end."""
    refused = stage.call("POST", "/v1/entries", b" " * 70_000, key=quiet.key, idem="large")
    assert (413, "BAD_REQUEST") == (refused.status, refused.body["code"])


@pytest.mark.parametrize(
    ("key", "idem", "expected"),
    [
        (None, "k", (401, "UNAUTHORIZED")),
        ("hf_wrong", "k", (401, "UNAUTHORIZED")),
        ("own", None, (400, "IDEMPOTENCY_KEY_REQUIRED")),
        ("own", "x" * 129, (400, "BAD_REQUEST")),
    ],
)
def test_keys_are_needed(
    stage: Stage, quiet: Tenant, key: str | None, idem: str | None, expected: tuple[int, str]
) -> None:
    """No robot key, a wrong one, no idempotency key, an unusable one: refused before the body is read."""
    before = left_behind(stage, quiet)
    refused = stage.call("POST", "/v1/entries", ENTRY, key=quiet.key if key == "own" else key, idem=idem)
    assert expected == (refused.status, refused.body["code"])
    assert before == left_behind(stage, quiet)


def test_foreign_profile_does_not_exist(stage: Stage, quiet: Tenant, tenant: Tenant) -> None:
    """A profile of another tenant, by its id, is not found; only the attempt is written, soon after."""
    before, theirs = left_behind(stage, quiet), left_behind(stage, tenant)
    refused = post(stage, quiet, profile=tenant.profile_id)
    assert (404, "NOT_FOUND") == (refused.status, refused.body["code"])
    audited = {**before, "audit": before["audit"] + 1}
    until("the attempt is audited", lambda: audited == left_behind(stage, quiet))
    assert theirs == left_behind(stage, tenant)


def test_denial_by_capital_is_stored_and_repeated(stage: Stage, quiet: Tenant) -> None:
    """Over capital: required and available are told, only the denial stays, and a repeat gives it again."""
    before = left_behind(stage, quiet)
    body = {**ENTRY, "quantity": "0.03"}
    refused = stage.call("POST", "/v1/entries", body, key=quiet.key, idem="too-much")
    assert (422, "INSUFFICIENT_CAPITAL", "1471.47", "1000") == (
        refused.status,
        refused.body["code"],
        refused.body["required"],
        refused.body["available"],
    )
    after = left_behind(stage, quiet)
    changed = {table: after[table] - before[table] for table in after if after[table] != before[table]}
    assert 1 == changed.pop("denials")
    assert set(changed) <= {"audit", "outbox"}  # where the denial is told
    again = stage.call("POST", "/v1/entries", body, key=quiet.key, idem="too-much")
    assert (422, "true", "1471.47") == (
        again.status,
        again.headers["idempotency-replayed"],
        again.body["required"],
    )
    assert after == left_behind(stage, quiet)


def test_exit_of_what_is_not_held_is_denied(stage: Stage, quiet: Tenant) -> None:
    """Selling without a position tells how much could be sold."""
    refused = post(stage, quiet, "/v1/exits")
    assert (422, "INSUFFICIENT_POSITION", "0") == (
        refused.status,
        refused.body["code"],
        refused.body["sellable"],
    )


def test_refusal_of_the_exchange_is_final_and_releases(stage: Stage, quiet: Tenant) -> None:
    """A post-only order that would take: the exchange's code is told, the capital is back."""
    refused = post(stage, quiet, limit_price="51000", post_only=True)
    assert (422, "REJECTED", "not_placed") == (
        refused.status,
        refused.body["code"],
        refused.body["outcome"],
    )
    assert refused.body["exchange_code"]
    assert "rejected" == refused.body["order"]["state"]
    figures = stage.call("GET", "/v1/capital", key=quiet.key).body["capital"][0]
    assert ("1000", "0") == (figures["available"], figures["reserved_for_orders"])


def test_lost_answer_is_unknown_and_keeps_its_capital(stage: Stage) -> None:
    """The exchange drops the answer: unknown, the next entry is locked out, the capital reserved."""
    unlucky = stage.tenant()
    fault = {
        "kind": "drop_before",
        "match": {"method": "POST", "path": "/api/v3/order", "account": unlucky.name},
    }
    stage.steer("POST", "/faults", fault)
    sent = post(stage, unlucky)
    assert (202, "IN_DOUBT", "unknown") == (sent.status, sent.body["code"], sent.body["outcome"])
    assert sent.body["resolve_by"]
    locked = post(stage, unlucky)
    assert (409, "ENTRY_LOCKED", True, "not_placed") == (
        locked.status,
        locked.body["code"],
        locked.body["retryable"],
        locked.body["outcome"],
    )
    assert sent.body["client_order_id"] == locked.body["client_order_id"]
    figures = stage.call("GET", "/v1/capital", key=unlucky.key).body["capital"][0]
    assert "490.49" == figures["reserved_for_orders"]


def operate(stage: Stage, action: Any) -> Any:
    """Do what an operator's command does."""
    return asyncio.run(on_ledger(stage.database_url, Settings(data_dir=stage.folder / "data"), action))


def test_halted_profile_takes_no_entries(stage: Stage, quiet: Tenant) -> None:
    """A halt by an operator refuses the next entry, and says on which level it stands."""
    operate(stage, lambda ledger, _: profiles.set_mode(ledger, quiet.name, "main", "halted", "a test"))
    try:
        refused = post(stage, quiet)
        assert (422, "MODE_HALTED", "profile") == (
            refused.status,
            refused.body["code"],
            refused.body["level"],
        )
    finally:
        operate(stage, lambda ledger, _: profiles.set_mode(ledger, quiet.name, "main", "active", "a test"))


def test_revoked_key_stops_working_soon(stage: Stage) -> None:
    """A revoked key is refused within seconds, by a daemon that has just used it."""
    fired = stage.tenant()
    assert 200 == stage.call("GET", "/v1/capital", key=fired.key).status
    operate(stage, lambda ledger, _: robots.revoke_key(ledger, fired.name, "r1", None))
    until("it is refused", lambda: stage.call("GET", "/v1/capital", key=fired.key).status == 401, 6)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/orders/01a1fbc6-fabd-717d-91d0-abb561172767", 404),
        ("/v1/orders/not-an-id", 404),
        ("/v1/orders/01a1fbc6-fabd-717d-91d0-abb561172767/timeline", 404),
        ("/v1/orders/by-client-id/%00", 404),
        ("/v1/orders?limit=501", 400),
        ("/v1/orders?symbol=%00", 400),
        ("/v1/orders?before=x", 400),
        ("/v1/orders?open=perhaps", 400),
        ("/v1/capital?profile=nobody", 404),
        ("/v1/nothing", 404),
    ],
)
def test_reads_of_what_is_not_there(stage: Stage, quiet: Tenant, path: str, status: int) -> None:
    """Unknown ids and wrong parameters of reads are 4xx with a code, and claim no outcome."""
    answer = stage.call("GET", path, key=quiet.key)
    assert (status, "unknown") == (answer.status, answer.body["outcome"])
    assert answer.body["code"] in {"NOT_FOUND", "BAD_REQUEST"}
