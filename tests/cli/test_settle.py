"""`holdfast orders settle` on entries whose fate nobody can prove, and what the timeline shows of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from engine.domain.ids import client_order_id
from engine.ledger import proofs
from engine.ledger.entries import OpenEntry, open_entry
from engine.ledger.intents import Ending, Opened, mark_in_doubt
from engine.ledger.proofs import Proof
from engine.ledger.seam import Ledger, LedgerOptions
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from tests.cli.commands import CommandLine
from tests.database.servers import Database


@pytest.fixture
def doubted(acme: CommandLine, database: Database) -> str:
    """The id of an entry of 0.01 BTC at 50,000 that is in doubt and was looked for once."""
    profile = acme.made("profiles", "show", "acme", "alpha")
    tenant = acme.made("tenants", "show", "acme")["tenant_id"]
    robot = acme.made("robots", "list", "acme")[0]["robot_id"]
    intent_id = uuid4()
    asyncio.run(_doubt(database.login_url, UUID(tenant), UUID(profile["profile_id"]), UUID(robot), intent_id))
    return str(intent_id)


def test_not_placed_gives_the_capital_back(acme: CommandLine, doubted: str) -> None:
    """The operator's word ends the order, with reason and name in its timeline; again it changes nothing."""
    words = ("orders", "settle", "acme", doubted, "--outcome", "not_placed", "--reason", "not in its history")
    shown = acme.made(*words)
    assert ("not_placed", "not in its history") == (shown["state"], shown["reason"])
    assert shown == acme.made(*words)
    (capital,) = acme.made("capital", "acme")
    assert "1000" == capital["profiles"][0]["available"]
    events = acme.made("orders", "timeline", "acme", doubted)
    assert ["proof.nothing_shown", "proof.operator"] == [each["type"] for each in events if each["proof"]]
    out = acme("orders", "timeline", "acme", doubted).out
    assert "find_order    (symbol BTC/USDT, client_order_id " in out
    assert "no such order" in out
    assert "reason not in its history, outcome not_placed" in out
    ran = acme("orders", "settle", "acme", doubted, "--outcome", "placed", "--exchange-order-id", "7",
               "--reason", "it is there", "-o", "json")  # fmt: skip
    assert "ILLEGAL_TRANSITION" == ran.problem["code"]


def test_placed_makes_the_order(acme: CommandLine, doubted: str) -> None:
    """With the exchange's order id the order is there and open, and its capital stays reserved."""
    words = ("--outcome", "placed", "--exchange-order-id", "77", "--reason", "seen in the web page")
    shown = acme.made("orders", "settle", "acme", doubted, *words)
    assert ("confirmed", "77", "open") == (
        shown["state"],
        shown["exchange_order_id"],
        shown["order"]["status"],
    )
    assert "order status" in acme("orders", "settle", "acme", doubted, *words).out
    (capital,) = acme.made("capital", "acme")
    assert Decimal(capital["profiles"][0]["reserved_for_orders"]) > 500


def test_what_is_wrong_is_refused(acme: CommandLine, doubted: str) -> None:
    """An outcome without its order id, one that is none, and an unknown order are refused."""
    for words, code in (
        ((doubted, "--outcome", "placed", "--reason", "r"), "BAD_REQUEST"),
        ((str(uuid4()), "--outcome", "not_placed", "--reason", "r"), "NOT_FOUND"),
    ):
        ran = acme("orders", "settle", "acme", *words, "-o", "json")
        assert ran.code != 0
        assert code == ran.problem["code"]
    assert acme("orders", "settle", "acme", doubted, "--outcome", "lost", "--reason", "r").code != 0
    assert acme("orders", "settle", "acme", doubted, "--outcome", "not_placed").code != 0


async def _doubt(url: str, tenant_id: UUID, profile_id: UUID, robot_id: UUID, intent_id: UUID) -> None:
    ledger = await Ledger.connect(LedgerOptions(url), Metrics(), Clock())
    try:
        now = datetime.now(UTC)
        own = client_order_id("habc", tenant_id, profile_id, intent_id)
        entry = OpenEntry(
            robot_id=robot_id,
            profile_id=profile_id,
            idempotency_key="k",
            request_hash="h",
            intent_id=intent_id,
            client_order_id=own,
            symbol="BTC/USDT",
            type="limit",
            quantity=Decimal("0.01"),
            limit_price=Decimal(50000),
            time_in_force="GTC",
            post_only=False,
            label=None,
            owner=uuid4(),
            lock_ttl_ms=30_000,
            exchange_deadline=now,
        )
        opened = await open_entry(ledger, tenant_id, entry)
        assert isinstance(opened, Opened)
        ending = Ending(intent_id, opened.fencing_token, "no answer")
        assert (await mark_in_doubt(ledger, tenant_id, ending)).done
        asked = [{"question": "find_order", "symbol": "BTC/USDT", "client_order_id": own, "answer": None}]
        later = now + timedelta(seconds=20)
        look = Proof("nothing_shown", later, later, now, "engine:test", asked)
        await proofs.record(ledger, tenant_id, intent_id, 1, look)
    finally:
        await ledger.close()
