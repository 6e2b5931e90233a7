"""A running paper exchange for each test, and clients of it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.paper.server import PaperExchange
from tests.paper.clients import OTHER_KEY, OTHER_SECRET, Bare, bare_client, ccxt_client, options


@pytest.fixture
async def paper() -> AsyncIterator[PaperExchange]:
    """BTC/USDT held at 50,000 / 50,010 with 5 BTC on each side; ends with the oracle's agreement."""
    async with PaperExchange(options()) as exchange:
        exchange.outside.pin("BTCUSDT", 50_000 * 10**8, 50_010 * 10**8, 5 * 10**8)
        yield exchange
        assert [] == exchange.oracle.differences(exchange.matching)
        assert [] == exchange.rest.crashes


@pytest.fixture
async def bare(paper: PaperExchange) -> AsyncIterator[Bare]:
    async with bare_client(paper) as client:
        yield client


@pytest.fixture
async def other(paper: PaperExchange) -> AsyncIterator[Bare]:
    async with bare_client(paper, OTHER_KEY, OTHER_SECRET) as client:
        yield client


@pytest.fixture
async def ccxt(paper: PaperExchange) -> AsyncIterator[Any]:
    async with ccxt_client(paper) as client:
        yield client
