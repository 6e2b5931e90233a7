"""Every command line of the runbooks runs as it stands there, against a daemon that trades."""

import json
import re
import shlex
from uuid import uuid4

import pytest
from click.testing import CliRunner

from engine.cli import main
from tests.checks.test_caps import ROOT
from tests.daemon.stage import Stage, Tenant

ORIGIN = "http://127.0.0.1:8080"
LINES = sorted(
    {
        line
        for page in (ROOT / "runbooks").glob("*.md")
        for line in re.findall(r"^ {4,}((?:holdfast|curl) .*)$", page.read_text(), re.MULTILINE)
    }
)


@pytest.fixture(scope="module")
def tenant(stage: Stage) -> Tenant:
    """One of its own: its order rests, and other tests count what their tenant has reserved."""
    return stage.tenant()


@pytest.fixture(scope="module")
def order(stage: Stage, tenant: Tenant) -> str:
    body = {"profile": "main", "symbol": "BTC/USDT", "type": "limit", "quantity": "0.01"}
    placed = stage.call(
        "POST", "/v1/entries", {**body, "limit_price": "49000"}, key=tenant.key, idem=uuid4().hex
    )
    assert 201 == placed.status
    return str(placed.body["id"])


@pytest.fixture(scope="module")
def webhook(stage: Stage, tenant: Tenant, tmp_path_factory: pytest.TempPathFactory) -> str:
    template = tmp_path_factory.mktemp("webhook") / "template.json"
    rules = {"action": "{{action}}", "symbol": "BTC/USDT", "type": "market", "quantity": "0.001"}
    template.write_text(json.dumps(rules))
    words = ["webhooks", "create", tenant.name, "tv", "--robot", "r1", "--profile", "main"]
    env = {"HOLDFAST_DATA_DIR": str(stage.folder / "data")}
    done = CliRunner().invoke(main, [*words, "--template", str(template)], env=env)
    assert 0 == done.exit_code, done.output
    return "tv"


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_a_runbook_runs(stage: Stage, tenant: Tenant, order: str, webhook: str, line: str) -> None:
    """With a tenant and an order in the places of their names it ends well and says something."""
    words = shlex.split(line)
    if words[0] == "curl":
        origin, path = words[-1][: len(ORIGIN)], words[-1][len(ORIGIN) :]
        assert (ORIGIN, 200) == (origin, stage.call("GET", path).status)
        return
    given = {"TENANT": tenant.name, "ORDER": order, "ROBOT": "r1", "ACCOUNT": "paper"}
    given |= {"PROFILE": "main", "WEBHOOK": webhook}
    if "KEY_ID" in words:
        keys = stage.rows(
            "SELECT key_id::text FROM engine.robot_keys WHERE tenant_id = $1 AND revoked_at IS NULL",
            tenant.tenant_id,
        )
        given["KEY_ID"] = keys[0]["key_id"]
    env = {"HOLDFAST_DATA_DIR": str(stage.folder / "data")}
    done = CliRunner().invoke(main, [given.get(word, word) for word in words[1:]], env=env)
    if "--ours-alone" in words:  # the paper exchange is Binance, which has no such timer
        assert "EXCHANGE_TIMER_UNAVAILABLE" in done.output
        return
    assert 0 == done.exit_code, done.output
    assert done.output.strip()
