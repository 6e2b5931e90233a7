"""Proves that ids are in every line and secrets in none."""

import json
from collections.abc import Iterator

import pytest
import structlog

from engine.runtime import log


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()  # the captured stderr is closed after the test


def test_ids_are_bound_and_secrets_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    """A line carries the bound ids; keys, passwords and signed URLs are hidden at any depth."""
    log.configure(json_lines=True)
    with log.bound(tenant_id="t", intent_id=None):
        log.get_logger("m").warning(
            "sent",
            api_key="abc",
            nested={"secret": "abc", "list": [{"password": "abc"}]},
            url="postgresql://user:abc@host/db?signature=abc123",
            text="robot hf_abcdefgh12345",
        )
    line = capsys.readouterr().err.strip()
    shown = json.loads(line)
    assert ("t", "sent", "warning", "m") == (
        shown["tenant_id"],
        shown["event"],
        shown["level"],
        shown["module"],
    )
    assert "intent_id" not in shown
    assert "abc" not in line
