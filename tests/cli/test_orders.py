"""`holdfast orders` on an order that was filled in two parts and one that was denied nothing."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from engine.domain.ids import client_order_id
from engine.domain.outcomes import Fill
from engine.ledger.entries import Confirmation, OpenEntry, open_entry, persist_entry
from engine.ledger.fills import BookableFill
from engine.ledger.seam import Ledger, LedgerOptions
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from tests.cli.commands import CommandLine
from tests.database.servers import Database


@pytest.fixture
def order(acme: CommandLine, database: Database) -> dict[str, str]:
    """Ids of an entry of 0.01 BTC at 50,000, placed and half filled."""
    profile = acme.made("profiles", "show", "acme", "alpha")
    ids = {
        "tenant_id": acme.made("tenants", "show", "acme")["tenant_id"],
        "profile_id": profile["profile_id"],
        "account_id": profile["account_id"],
        "robot_id": acme.made("robots", "list", "acme")[0]["robot_id"],
        "intent_id": str(uuid4()),
    }
    ids["client_order_id"] = client_order_id("habc", ids["tenant_id"], ids["profile_id"], ids["intent_id"])
    asyncio.run(_place(database.login_url, ids))
    return ids


def test_list_shows_it_and_filters(acme: CommandLine, order: dict[str, str]) -> None:
    """An order is listed with its profile, and every filter takes or leaves it."""
    (row,) = acme.made("orders", "list", "acme")
    assert (order["intent_id"], "alpha") == (row["id"], row["profile"])
    for words, count in (
        (("--profile", "alpha"), 1),
        (("--profile", order["profile_id"]), 1),
        (("--symbol", "BTC/USDT", "--open"), 1),
        (("--symbol", "ETH/USDT"), 0),
        (("--state", "confirmed"), 1),
        (("--state", "in_doubt"), 0),
        (("--status", "open"), 1),
        (("--status", "filled"), 0),
    ):
        assert count == len(acme.made("orders", "list", "acme", *words)), words
    head, line = acme("orders", "list", "acme").out.splitlines()
    assert ["created_at", "profile", "kind", "symbol"] == head.split()[:4]
    assert "alpha    entry  BTC/USDT  limit  0.01      50000        open   0.004   " in line


def test_show_finds_it_by_both_ids(acme: CommandLine, order: dict[str, str]) -> None:
    """The order's id and its client order id show the same order with its fills."""
    shown = acme.made("orders", "show", "acme", order["intent_id"])
    assert shown == acme.made("orders", "show", "acme", order["client_order_id"])
    assert ["0.004"] == [fill["quantity"] for fill in shown["fills"]]
    out = acme("orders", "show", "acme", order["intent_id"]).out
    assert re.search(r"^order booked_quantity +0\.004$", out, re.MULTILINE)
    assert "49990  0.000004      BTC" in out


def test_timeline_shows_every_event_with_its_legs(acme: CommandLine, order: dict[str, str]) -> None:
    """Reservation and fill stand in order, each with balanced debits and credits."""
    events = acme.made("orders", "timeline", "acme", order["intent_id"])
    assert ["entry.sending", "order.confirmed", "fill"] == [event["type"] for event in events]
    for event in events:
        for side in ("DEBIT", "CREDIT"):
            assert _sum(event, "DEBIT") == _sum(event, side)
    out = acme("orders", "timeline", "acme", order["client_order_id"]).out
    assert "DEBIT   RESERVED_FOR_ORDERS" in out
    assert "buy 0.004 at 49990 = 199.96, fee 0.000004 BTC" in out
    assert re.search(r"DEBIT   RESERVED_FOR_POSITIONS +199\.76004   balance 199\.76004", out)


def test_unknown_order_is_not_found(acme: CommandLine) -> None:
    """An id that is nobody's is exit code 4, in either form, also of another tenant."""
    for wanted in (str(uuid4()), "habcaaaaaaaaaaaaaa"):
        for command in ("show", "timeline"):
            ran = acme("orders", command, "acme", wanted, "-o", "json")
            assert (4, "NOT_FOUND") == (ran.code, ran.problem["code"])


def test_order_of_another_tenant_is_not_found(acme: CommandLine, order: dict[str, str]) -> None:
    """A tenant named by mistake does not show another's order."""
    acme.made("tenants", "create", "other")
    assert 4 == acme("orders", "show", "other", order["intent_id"]).code
    assert [] == acme.made("orders", "list", "other")


def test_capital_shows_what_is_reserved_and_held(acme: CommandLine, order: dict[str, str]) -> None:
    """After a partial fill the profile's row has all five figures, and its base asset."""
    assert order
    (shown,) = acme.made("capital", "acme")
    (profile,) = shown["profiles"]
    assert "199.76004" == profile["reserved_for_positions"]
    assert "0.003996" == profile["holdings"]["BTC"]
    assert "0.503996" == shown["expected"]["BTC"]


def _sum(event: dict[str, list[dict[str, str]]], side: str) -> Decimal:
    return sum((Decimal(leg["amount"]) for leg in event["entries"] if leg["type"] == side), Decimal(0))


async def _place(url: str, ids: dict[str, str]) -> None:
    ledger = await Ledger.connect(LedgerOptions(url), Metrics(), Clock())
    try:
        tenant_id, intent_id = UUID(ids["tenant_id"]), UUID(ids["intent_id"])
        now = datetime.now(UTC)
        entry = OpenEntry(
            robot_id=UUID(ids["robot_id"]),
            profile_id=UUID(ids["profile_id"]),
            idempotency_key="k",
            request_hash="h",
            intent_id=intent_id,
            client_order_id=ids["client_order_id"],
            symbol="BTC/USDT",
            type="limit",
            quantity=Decimal("0.01"),
            limit_price=Decimal(50000),
            time_in_force="GTC",
            post_only=False,
            label="mine",
            owner=uuid4(),
            lock_ttl_ms=30_000,
            exchange_deadline=now + timedelta(seconds=5),
        )
        await open_entry(ledger, tenant_id, entry)
        fill = Fill(
            symbol="BTC/USDT",
            exchange_order_id="7",
            exchange_trade_id="3",
            side="buy",
            price=Decimal(49990),
            quantity=Decimal("0.004"),
            fee_quantity=Decimal("0.000004"),
            fee_asset="BTC",
            exchange_time=now,
        )
        placed = Confirmation(
            intent_id,
            "7",
            "open",
            Decimal("0.004"),
            now,
            [BookableFill(UUID(ids["account_id"]), fill, "answer")],
        )
        await persist_entry(ledger, tenant_id, placed)
    finally:
        await ledger.close()
