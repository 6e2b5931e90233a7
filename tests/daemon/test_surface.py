"""The surface of /v1 beside the orders themselves: specs, modes, lists, cancel-all, preview."""

from typing import Any
from uuid import uuid4

import pytest

from tests.daemon.stage import Answer, Stage, Tenant

RESTING = {
    "profile": "main",
    "symbol": "BTC/USDT",
    "type": "limit",
    "quantity": "0.01",
    "limit_price": "49000",
}


@pytest.fixture(scope="module")
def ours(stage: Stage) -> Tenant:
    """A tenant whose specs and modes change without harm to others."""
    return stage.tenant()


def get(stage: Stage, tenant: Tenant, path: str) -> Answer:
    return stage.call("GET", path, key=tenant.key)


def enter(stage: Stage, tenant: Tenant, **changes: Any) -> Answer:
    body = {**RESTING, **changes}
    return stage.call("POST", "/v1/entries", body, key=tenant.key, idem=uuid4().hex)


def put_spec(stage: Stage, tenant: Tenant, spec: Any, etag: str, idem: str | None = None) -> Answer:
    return stage.call(
        "PUT", "/v1/profiles/main/spec", spec, key=tenant.key, idem=idem or uuid4().hex, If_Match=etag
    )


def put_mode(stage: Stage, tenant: Tenant, mode: str, idem: str | None = None, **changes: Any) -> Answer:
    body = {"level": "profile", "id": "main", "mode": mode, "reason": "a test", **changes}
    body = {name: value for name, value in body.items() if value is not ...}
    return stage.call("PUT", "/v1/mode", body, key=tenant.key, idem=idem or uuid4().hex)


def test_spec_is_read_with_its_etag_and_written_with_if_match(stage: Stage, ours: Tenant) -> None:
    """A version is replaced only by who has read it; the new rules hold for the next entry."""
    read = get(stage, ours, "/v1/profiles/main/spec")
    etag = read.headers["etag"]
    assert f'"{read.body["version"]}-{read.body["revision"]}"' == etag
    rules = {"symbols": ["BTC/USDT"], "max_order_notional": "100"}
    written = put_spec(stage, ours, rules, etag)
    assert (200, read.body["version"] + 1, rules) == (
        written.status,
        written.body["version"],
        written.body["spec"],
    )
    denied = enter(stage, ours)
    assert ("LIMIT_EXCEEDED", "max_order_notional") == (denied.body["code"], denied.body["limit"])
    late = put_spec(stage, ours, {}, etag)
    assert (412, "PRECONDITION_FAILED", written.headers["etag"]) == (
        late.status,
        late.body["code"],
        late.body["current_etag"],
    )
    bare = stage.call("PUT", "/v1/profiles/main/spec", {}, key=ours.key, idem=uuid4().hex)
    assert (428, "PRECONDITION_REQUIRED") == (bare.status, bare.body["code"])
    assert 200 == put_spec(stage, ours, read.body["spec"], "*").status
