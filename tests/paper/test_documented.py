"""The exchange's page names every fault and every call of the control port; tests name every fault."""

from dataclasses import fields
from pathlib import Path

import pytest

from engine.paper.control import Control
from engine.paper.faults import Fault, FaultKind
from engine.paper.oracle import CHECKS
from engine.paper.server import PaperExchange
from engine.paper.tls import HOST_NAMES
from tests.paper.clients import options

PAGE = Path("docs/paper-exchange.md").read_text(encoding="utf-8")
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))


@pytest.mark.parametrize("kind", list(FaultKind))
def test_each_fault(kind: FaultKind) -> None:
    """A fault stands in the page's table and in a test of its own."""
    assert f"`{kind.value}`" in PAGE.split("### Faults")[1]
    named = (f'"{kind.value}"', f"FaultKind.{kind.name}")
    assert any(name in TESTS for name in named)


def test_each_field_of_a_fault() -> None:
    """What a fault can be told stands in the page."""
    told = {one.name for one in fields(Fault)} - {"kind", "id", "seen", "hits"}
    assert [] == [name for name in sorted(told) if f"`{name}" not in PAGE and f'"{name}"' not in PAGE]


def test_each_call_of_the_control_port() -> None:
    """Every call stands in the page's table."""
    control = Control(PaperExchange(options()))
    routes = [f"{method} {path}" for method, path in control._routes]
    assert [] == [route for route in routes if f"`{route}" not in PAGE]


def test_each_check_and_the_hosts() -> None:
    """The oracle's checks and the chief host names stand in the page."""
    assert [] == [name for name in CHECKS if f"`{name}`" not in PAGE]
    assert [] == [name for name in ("api", "stream", "ws-api") if f"{name}.binance.com" not in PAGE]
    assert {"api.binance.com", "stream.binance.com", "ws-api.binance.com"} <= set(HOST_NAMES)
