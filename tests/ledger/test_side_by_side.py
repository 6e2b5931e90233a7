"""Proves that two array calls of one profile at once give no money and no key away twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from engine.domain.errors import ErrorCode
from engine.ledger.entries import OpenEntry, open_entry
from engine.ledger.intents import Denied, Opened, OpenResult, Replayed
from engine.ledger.seam import BEFORE, Ledger, LedgerOptions
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from tests.database.servers import Database
from tests.sql.capital.world import INSTRUMENT, Tenant, World, two_tenants

SYMBOLS = 30
ENTRY_USDT = Decimal("20.02")  # its fee included
FIT = 24


class Watched:
    """A ledger of small arrays that notes how many of its calls were in flight at once."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.in_flight = self.in_flight_max = 0
        ledger.fault = self._count

    async def _count(self, point: str, _function: str, _args: tuple[Any, ...]) -> None:
        self.in_flight += 1 if point == BEFORE else -1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)


def entry(tenant: Tenant, symbol: int, key: str) -> OpenEntry:
    intent_id = uuid4()
    return OpenEntry(
        robot_id=tenant.robot,
        profile_id=tenant.profile,
        idempotency_key=key,
        request_hash=key,
        intent_id=intent_id,
        client_order_id=f"hf{intent_id.hex}",
        symbol=f"S{symbol}/USDT",
        type="limit",
        quantity=Decimal("0.001"),
        limit_price=Decimal(20_000),
        time_in_force="GTC",
        post_only=False,
        label=None,
        owner=tenant.robot,
        lock_ttl_ms=30_000,
        exchange_deadline=datetime.now(UTC) + timedelta(seconds=5),
    )


@pytest.fixture
async def world(database: Database) -> World:
    """A profile with money for 24 entries, and instruments for 30."""
    world = await World.of(database, *await two_tenants(database))
    instruments = [INSTRUMENT | {"symbol": f"S{n}/USDT", "base_asset": f"S{n}"} for n in range(SYMBOLS)]
    await world.call("fn_upsert_instruments", world.one.id, world.one.account, instruments)
    await world.allocate(str(FIT * ENTRY_USDT))
    return world


async def test_two_calls_at_once_give_nothing_away_twice(world: World) -> None:
    """Each key asked for twice, and each symbol by two keys: one of them is opened while there is money."""
    tenant = world.one
    options = LedgerOptions(world.database.engine_url, pool_size=4, role=None, batch_items_max=8)
    watched = Watched(await Ledger.connect(options, Metrics(), Clock()))
    asked = [entry(tenant, n, f"{key}-{n}") for key in ("a", "a", "b") for n in range(SYMBOLS)]
    results: list[OpenResult] = await asyncio.gather(
        *(open_entry(watched.ledger, tenant.id, each) for each in asked)
    )
    await watched.ledger.close()
    assert 2 == watched.in_flight_max
    opened = [each for each in results if isinstance(each, Opened)]
    assert FIT == len(opened) == len({each.intent_id for each in opened})
    codes = {each.code for each in results if isinstance(each, Denied)}
    assert codes <= {ErrorCode.ENTRY_LOCKED, ErrorCode.INSUFFICIENT_CAPITAL}
    replayed = {each.intent["id"] for each in results if isinstance(each, Replayed) and each.intent}
    assert replayed <= {str(each.intent_id) for each in opened}
    capital = await world.capital()
    assert ("0", ENTRY_USDT * FIT) == (capital["available"], Decimal(capital["reserved_for_orders"]))
    await world.consistent()
