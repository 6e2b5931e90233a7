"""The API keeps what its OpenAPI document promises: examples work, generated requests are answered so."""

import os
import re
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.daemon.stage import Stage, Tenant, until

CASES = int(os.environ.get("HOLDFAST_FUZZ_CASES", "300"))
FORM = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# A generated spec or mode can make these the truth: they are promised, retryable, and nothing has failed.
OF_THE_MOMENT = {"STALE_PRICE", "BUSY", "NOT_PLACED"}


@pytest.fixture(scope="module")
def fuzzed(stage: Stage) -> Tenant:
    """A tenant whose rules and orders are anybody's."""
    return stage.tenant()


@pytest.fixture(scope="module")
def operations(stage: Stage) -> list[Any]:
    """Every operation of the robots in the document, but the feed: an answer of it has no end."""
    document = stage.call("GET", "/openapi.json").body
    document["paths"] = {
        path: item
        for path, item in document["paths"].items()
        if path.startswith("/v1/") and path != "/v1/feed"
    }
    return [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]


def ask(stage: Stage, tenant: Tenant, case: Any) -> Any:
    """Send a case as the tenant's robot and hold the answer to the document."""
    key = {"Authorization": f"Bearer {tenant.key}"}
    response = case.call(base_url=f"http://127.0.0.1:{stage.port}", headers=key)
    case.validate_response(response, checks=FORM)
    code = response.json().get("code") if response.status_code == 503 else None
    if code not in OF_THE_MOMENT:
        case.validate_response(response, checks=[not_a_server_error])
    return response


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_generated_requests_get_promised_answers(
    stage: Stage, fuzzed: Tenant, operations: list[Any], mode: GenerationMode
) -> None:
    """No 5xx, and each answer has a status, a form, headers and a content type that the document names."""
    each = -(-CASES // (2 * len(operations)))
    asked = 0
    for operation in operations:

        @settings(
            max_examples=each,
            deadline=None,
            database=None,
            derandomize="HOLDFAST_FUZZ_CASES" not in os.environ,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def one(case: Any) -> None:
            nonlocal asked
            asked += 1
            ask(stage, fuzzed, case)

        if mode is GenerationMode.POSITIVE or has_input(operation):
            one()
    assert asked > 0


def has_input(operation: Any) -> bool:
    """Tell whether there is anything in a request that can be wrong."""
    raw = operation.definition.raw
    return "requestBody" in raw or bool(raw.get("parameters"))


def test_every_example_works(stage: Stage, operations: list[Any]) -> None:
    """Each request that the document shows is answered with success, in the form that it shows.

    Alerts are left out: they carry the secret of a route.
    """
    operations = [each for each in operations if not each.path.startswith("/v1/webhooks/")]
    tenant = stage.tenant()
    bought = {"profile": "main", "symbol": "BTC/USDT", "type": "market", "quantity": "0.001"}
    until(
        "there is something to sell",
        lambda: stage.call("POST", "/v1/entries", bought, key=tenant.key, idem=uuid4().hex).status == 201,
    )
    shown = 0
    for operation in operations:
        raw = operation.definition.raw
        if "requestBody" not in raw:
            continue
        example = raw["requestBody"]["content"]["application/json"]["example"]
        headers = {
            one["name"]: one["example"] if one["name"] != "Idempotency-Key" else uuid4().hex
            for one in raw.get("parameters", ())
            if one["in"] == "header"
        }
        path = {
            one["name"]: one["schema"]["examples"][0]
            for one in raw.get("parameters", ())
            if one["in"] == "path"
        }
        case = operation.Case(
            path_parameters=path, headers=headers, body=example, media_type="application/json"
        )
        response = ask(stage, tenant, case)
        assert response.status_code in {200, 201}, f"{operation.label}: {response.text}"
        shown += 1
    assert sum("requestBody" in operation.definition.raw for operation in operations) == shown
    assert 6 <= shown


def test_every_answer_carries_id_and_time(stage: Stage, fuzzed: Tenant, operations: list[Any]) -> None:
    """A request id and the server's time are on every answer, the refused ones too."""
    for operation in operations:
        path = re.sub(r"\{\w+\}", "nothing", operation.path)
        for key in (fuzzed.key, None):
            given_id = uuid4().hex
            answer = stage.call(operation.method.upper(), path, key=key, X_Request_Id=given_id)
            assert given_id == answer.headers["x-request-id"], operation.label
            assert answer.headers["x-server-time"].endswith("Z")
