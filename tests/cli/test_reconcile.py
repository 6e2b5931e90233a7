"""`holdfast reconcile`, `mismatches` and `orders assign` on an account of the paper exchange."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from engine.ledger import admin
from engine.ledger.seam import Ledger, LedgerOptions
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from tests.cli.commands import CONTROL_OF, PAPER_KEY, CommandLine
from tests.database.servers import Database

TAG = "habc"


@pytest.fixture
def ready(acme: CommandLine, database: Database) -> CommandLine:
    """The tenant on an installation that a daemon has begun."""

    async def begin() -> None:
        ledger = await Ledger.connect(LedgerOptions(database.login_url), Metrics(), Clock())
        try:
            await admin.init_engine(ledger, TAG)
        finally:
            await ledger.close()

    asyncio.run(begin())
    return acme


def control(paper: str, path: str, **given: Any) -> Any:
    """Let the exchange's control port do something."""

    async def post() -> Any:
        async with aiohttp.ClientSession() as session:
            url = CONTROL_OF[f"http://{urlsplit(paper).netloc}"] + path
            async with session.post(url, json={"account": PAPER_KEY, **given}) as response:
                assert 200 == response.status, await response.text()
                return await response.json()

    return asyncio.run(post())


def by_hand(paper: str, client_order_id: str) -> str:
    """Place an order as the account's owner does; returns its exchange order id."""
    placed = control(
        paper,
        "/order",
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        quantity="0.001",
        price="20000",
        newClientOrderId=client_order_id,
    )
    return str(placed["orderId"])


def test_in_order(ready: CommandLine) -> None:
    """An account in order says so, with what was read, and the command exits with 0."""
    (found,) = ready.made("reconcile", "acme")
    assert ("main", "clean", [], "compared") == tuple(
        found[name] for name in ("account", "outcome", "differences", "equations")
    )
    ran = ready("reconcile", "acme", "--account", "main", "--dry-run")
    assert 0 == ran.code
    assert ran.out.startswith("main: pass ")
    assert ran.out.endswith("(dry run: nothing was changed)\n")
    (profile,) = ready.made("reconcile", "acme", "--profile", "alpha")
    assert "not asked for" == profile["equations"]
    assert [] == ready.made("mismatches", "acme")


def test_an_unknown_order_of_ours(ready: CommandLine, paper: str) -> None:
    """An order with our tag that nobody knows gives exit code 1, is listed, and is assigned to a profile."""
    order = by_hand(paper, f"{TAG}aaaaaaaaaaaaaa")
    try:
        ran = ready("reconcile", "acme")
        assert 1 == ran.code
        assert "unknown_own_order" in ran.out
        (standing,) = ready.made("mismatches", "acme", "--account", "main")
        assert ("unknown_own_order", "open", "main") == tuple(
            standing[name] for name in ("kind", "state", "account")
        )
        words = ("orders", "assign", "acme", order, "--account", "main", "--symbol", "BTC/USDT")
        assert 2 == ready(*words, "--reason", "why").code
        assigned = ready.made(*words, "--profile", "alpha", "--reason", "restored")
        assert "alpha" == assigned["profile"]
        assert 0 == ready("reconcile", "acme").code
        assert [] == ready.made("mismatches", "acme")
        assert 1 == len(ready.made("mismatches", "acme", "--all", "--kind", "unknown_own_order"))
        (row,) = ready.made("orders", "list", "acme")
        assert order == row["exchange_order_id"]
    finally:
        control(paper, "/cancel", symbol="BTCUSDT", orderId=order)


def test_an_order_that_is_not_there(ready: CommandLine) -> None:
    """Assigning an order that the exchange has not is refused, and nothing is recorded."""
    ran = ready(
        "orders",
        "assign",
        "acme",
        "999999",
        "--account",
        "main",
        "--symbol",
        "BTC/USDT",
        "--nobody",
        "--reason",
        "?",
    )
    assert 4 == ran.code
    assert [] == ready.made("orders", "list", "acme")


def test_money_that_left_without_a_trace(ready: CommandLine) -> None:
    """A shortfall is listed with its asset and amount, and ends when the operator explains it."""
    ready.made("reconcile", "acme")
    ready.made("accounts", "adjust", "acme", "main", "USDT", "--add", "7", "--reason", "a wrong entry")
    ran = ready("reconcile", "acme", "-o", "json")
    assert 1 == ran.code
    (difference,) = ran.json[0]["differences"]
    assert ("balance_shortfall", "USDT", "-7") == (
        difference["kind"],
        difference["key"],
        difference["detail"]["difference"],
    )
    words = ("accounts", "adjust", "acme", "main", "USDT")
    assert 2 == ready(*words, "--reason", "why").code
    adjusted = ready.made(*words, "--remove", "7", "--reason", "an entry taken back")
    assert "main" == adjusted["account"]
    assert 0 == ready("reconcile", "acme").code
    assert "active" == ready.made("accounts", "show", "acme", "main")["mode"]
