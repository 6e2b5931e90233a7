"""Proves that the lean import gives the same ccxt for less, on the pinned version."""

import importlib.metadata
import json
import subprocess
import sys
from typing import Any

import pytest

from engine.exchange.lean import PINNED_VERSION, exchange_class

EXCHANGES = ("binance", "okx", "kraken", "bybit", "coinbase")

LEAN = """
import json, sys, time
import aiohttp, certifi, cryptography.hazmat.primitives.serialization, requests  # both need them
began = time.process_time()
from engine.exchange import lean
cost = None
made = {}
for name in NAMES:
    made[name] = lean.exchange_class(name)
    cost = cost or time.process_time() - began
import ccxt, ccxt.pro, ccxt.async_support
from ccxt.base import errors
from ccxt.base.errors import OrderNotFound
print(json.dumps({
    "cost": cost,
    "lean": lean.is_lean(),
    "ids": [kind({}).id for kind in made.values()],
    "modules": len([name for name in sys.modules if name.startswith("ccxt")]),
    "bases": [issubclass(kind, ccxt.async_support.Exchange) for kind in made.values()],
    "same_errors": all(
        getattr(package, name) is value
        for package in (ccxt, ccxt.async_support, ccxt.pro)
        for name, value in vars(errors).items()
        if isinstance(value, type)
    ),
    "classes": [ccxt.pro.binance is made["binance"], isinstance(ccxt.async_support.binance, type),
                isinstance(ccxt.bitstamp, type), hasattr(ccxt, "no_such_exchange")],
    "version": ccxt.__version__,
}))
"""

FULL = """
import json, sys, time
import aiohttp, certifi, cryptography.hazmat.primitives.serialization, requests  # both need them
began = time.process_time()
import ccxt.pro
print(json.dumps({
    "cost": time.process_time() - began,
    "modules": len([name for name in sys.modules if name.startswith("ccxt")]),
}))
"""

OTHER_VERSION = """
import importlib.metadata, json, logging, sys
importlib.metadata.version = lambda name: "0.0.0"
logging.basicConfig(format="%(message)s", stream=sys.stderr)
from engine.exchange import lean
kind = lean.exchange_class("binance")
print(json.dumps({"lean": lean.is_lean(), "id": kind({}).id}))
"""


def run(script: str) -> tuple[dict[str, Any], str]:
    done = subprocess.run(
        [sys.executable, "-c", script.replace("NAMES", repr(EXCHANGES))],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout), done.stderr


def test_pinned_version() -> None:
    """The version this is proven on is the one that is installed."""
    assert PINNED_VERSION == importlib.metadata.version("ccxt")


def test_lean_is_the_same_for_less() -> None:
    """Five exchanges work, with ccxt's own error classes, with a fraction of its modules and CPU time."""
    lean, _ = run(LEAN)
    full, _ = run(FULL)
    assert lean["lean"]
    assert list(EXCHANGES) == lean["ids"]
    assert [True] * 5 == lean["bases"]
    assert lean["same_errors"]
    assert [True, True, True, False] == lean["classes"]
    assert PINNED_VERSION == lean["version"]
    assert lean["modules"] < full["modules"] / 5
    assert lean["cost"] < full["cost"] * 0.5  # about a tenth


def test_another_version_is_imported_whole() -> None:
    """A version nobody has proven is imported in full, with a warning that names both."""
    found, log = run(OTHER_VERSION)
    assert {"lean": False, "id": "binance"} == found
    assert "ccxt 0.0.0 is not the version 4.5.90" in log


def test_an_unknown_exchange() -> None:
    """An exchange that ccxt has not is a ValueError that names it."""
    with pytest.raises(ValueError, match="nosuch"):
        exchange_class("nosuch")
