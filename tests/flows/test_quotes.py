"""Proves that accounts of one exchange share one stream of quotes, and lose nothing by it."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from engine.exchange.account import AccountConfig, ExchangeUrls
from engine.exchange.gateway import Gateway
from engine.flows.accounts import AccountSession
from engine.loops.quotes import QuoteFeed, QuoteFeeds, Quotes
from engine.runtime.tasks import Supervisor
from tests.flows.rig import SYMBOL, Rig, until
from tests.paper.clients import OTHER_KEY, OTHER_SECRET

OTHER_SYMBOL = "ETH/USDT"


@pytest.fixture
async def other(rig: Rig) -> AsyncIterator[AccountSession]:
    """Another account on the same exchange."""
    urls = rig.gateway.config.urls
    account_id = uuid4()
    async with Gateway(AccountConfig(str(account_id), "binance", OTHER_KEY, OTHER_SECRET, urls=urls)) as made:
        yield AccountSession(rig.tenant_id, account_id, made, rig.session.instruments)


def events(rig: Rig, account: str) -> float:
    labels = {"account": account, "kind": "quotes"}
    return rig.desk.context.metrics.registry.get_sample_value("holdfast_stream_events_total", labels) or 0.0


async def test_one_account_follows_for_all(rig: Rig, other: AccountSession) -> None:
    """Two accounts, each with a symbol of its own: both have both quotes, one stream told them."""
    context, feeds = rig.desk.context, QuoteFeeds()
    first = Quotes("first", rig.session, context, feeds.of(rig.session))
    second = Quotes("second", other, context, feeds.of(other))
    supervisor = Supervisor(context.metrics, context.clock)
    for name, quotes in (("first", first), ("second", second)):
        supervisor.start(f"stream {name}", quotes.follow)
        supervisor.start(f"ask {name}", quotes.ask)
    assert (None, None) == (rig.session.quotes.get(SYMBOL), other.quotes.get(OTHER_SYMBOL))
    bid = 50_000 * 10**8

    def told() -> bool:
        nonlocal bid
        bid += 10**8  # each move is news
        rig.paper.outside.pin("BTCUSDT", bid, bid + 10**8, 5 * 10**8)
        return events(rig, "first") >= 3

    await until(told, 10.0)
    assert 0 == events(rig, "second")
    await until(lambda: None not in (rig.session.quotes.peek(SYMBOL), other.quotes.peek(OTHER_SYMBOL)))
    assert rig.session.quotes.peek(SYMBOL) is other.quotes.peek(SYMBOL)
    assert ({SYMBOL}, {OTHER_SYMBOL}) == (rig.session.quotes.asked, other.quotes.asked)
    assert [] == await supervisor.stop(5.0)


async def test_another_account_takes_over(rig: Rig, other: AccountSession) -> None:
    """When the loop of the account that follows ends, the next one follows."""
    feed, context = QuoteFeed(), rig.desk.context
    assert feed.take(other.account_id)
    quotes = Quotes("first", rig.session, context, feed)
    feed.want(rig.session.account_id, (SYMBOL,))
    supervisor = Supervisor(context.metrics, context.clock)
    supervisor.start("stream", quotes.follow)
    await asyncio.sleep(0)
    assert not feed.take(rig.session.account_id)
    feed.leave(other.account_id)
    await until(lambda: events(rig, "first") > 0, 10.0)
    assert [] == await supervisor.stop(5.0)
    assert feed.take(other.account_id)


async def test_other_addresses_have_a_feed_of_their_own(rig: Rig, other: AccountSession) -> None:
    """Prices are shared only among accounts that reach the same exchange in the same way."""
    feeds = QuoteFeeds()
    assert feeds.of(rig.session) is feeds.of(other)
    elsewhere = ExchangeUrls("http://127.0.0.1:9", "ws://127.0.0.1:9/ws", "ws://127.0.0.1:9/stream/ws")
    gateway = Gateway(AccountConfig("elsewhere", "binance", "k", "s", urls=elsewhere))
    distant = AccountSession(rig.tenant_id, uuid4(), gateway, {})
    assert feeds.of(rig.session) is not feeds.of(distant)
