"""The reference pages name what the code has, no more and no less."""

import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from engine.api.app import create_app
from engine.domain.specs import RULES
from tests.checks.test_caps import ROOT

if TYPE_CHECKING:
    from engine.api.services import Services


def document() -> dict[str, Any]:
    """The OpenAPI document; it is written from the routes alone, and asks no service."""
    bare = SimpleNamespace(internal_on_same_port=False, metrics=None, clock=None, body_bytes_max=1)
    return create_app(cast("Services", bare)).openapi()


def test_every_call_is_documented() -> None:
    """docs/reference/api.md has a line for each operation of the robots, and no other."""
    page = (ROOT / "docs/reference/api.md").read_text()
    documented = {
        (method, re.sub(r"\{\w+\}", "{}", path))
        for method, path in re.findall(r"^\| `([A-Z]+) (/v1/[^`]*)`", page, re.MULTILINE)
    }
    operations = {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path))
        for path, item in document()["paths"].items()
        for method in item
    }
    assert operations == documented


def test_every_rule_of_a_spec_is_documented() -> None:
    """docs/reference/specs.md has a line for each rule with the words of its schema."""
    page = (ROOT / "docs/reference/specs.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \|$", page, re.MULTILINE))
    assert {name: rule.schema["description"] for name, rule in RULES.items()} == rows


def test_every_body_has_an_example() -> None:
    """Each operation that takes a body shows one; the tests of the daemon send them all."""
    bare = [
        f"{method} {path}"
        for path, item in document()["paths"].items()
        for method, operation in item.items()
        if "requestBody" in operation
        and "example" not in operation["requestBody"]["content"]["application/json"]
    ]
    assert [] == bare
