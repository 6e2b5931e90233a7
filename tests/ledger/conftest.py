"""A ledger on a fresh database, with one tenant."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from engine.ledger import admin
from engine.ledger.seam import Ledger, LedgerOptions
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from tests.database.servers import Database


@pytest.fixture
async def ledger(database: Database) -> AsyncIterator[Ledger]:
    options = LedgerOptions(database.engine_url, pool_size=4, role=None, call_timeout_s=2.0)
    opened = await Ledger.connect(options, Metrics(), Clock())
    yield opened
    await opened.close()


@pytest.fixture
async def tenant_id(ledger: Ledger) -> UUID:
    tenant_id = uuid4()
    await admin.create_tenant(ledger, tenant_id, "tenant", "test")
    return tenant_id
