"""A reconciled rig for each test, on a paper exchange whose prices stand still."""

from collections.abc import AsyncIterator

import pytest

from engine.paper.server import PaperExchange
from tests.database.servers import Database
from tests.flows.rig import open_rig
from tests.paper.clients import options
from tests.reconciliation.stage import Stage, open_stage


@pytest.fixture
async def paper() -> AsyncIterator[PaperExchange]:
    """BTC/USDT held at 50,000 / 50,010 with 5 BTC on each side; ends with the oracle's agreement."""
    async with PaperExchange(options()) as exchange:
        exchange.outside.pin("BTCUSDT", 50_000 * 10**8, 50_010 * 10**8, 5 * 10**8)
        yield exchange
        assert [] == exchange.oracle.differences(exchange.matching)


@pytest.fixture
async def stage(database: Database, paper: PaperExchange) -> AsyncIterator[Stage]:
    async with open_rig(database, paper) as rig:
        yield await open_stage(rig)
