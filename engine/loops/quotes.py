"""Keeps the quotes of traded symbols fresh: by stream, and by asking when it is quiet."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from engine.domain.errors import HoldfastError
from engine.exchange.streams import StreamLostError, StreamSilentError
from engine.flows.accounts import AccountSession, QuoteBook
from engine.flows.context import FlowContext
from engine.ledger import reads
from engine.loops.stopping import unless_stopped, until_stopped
from engine.runtime.log import get_logger
from engine.runtime.tasks import Heartbeat

_SILENT_S = 30.0
_LOOK_S = 0.5
_SYMBOLS_MAX = 40
_STREAM_SYMBOLS_MAX = 200  # of all accounts together; what is beyond is asked for
_ASKED_MAX = 6  # asked for at once; each costs of the same budget that orders need
_AGE_MS_MAX = 1_000
_PROFILES_S = 5.0
_log = get_logger(__name__)


class QuoteFeed:
    """The quotes of one exchange: one account follows them for all, because a price is everybody's."""

    def __init__(self) -> None:
        self.book = QuoteBook()
        self.changed = asyncio.Event()
        self._wanted: dict[UUID, tuple[str, ...]] = {}
        self._follower: UUID | None = None

    def want(self, account_id: UUID, symbols: tuple[str, ...]) -> None:
        """Say what an account needs."""
        before = self.wanted()
        self._wanted[account_id] = symbols
        if self.wanted() != before:
            self.changed.set()

    def wanted(self) -> tuple[str, ...]:
        """Return what all accounts need together, as much of it as one stream takes."""
        union = {symbol for symbols in self._wanted.values() for symbol in symbols}
        return tuple(sorted(union)[:_STREAM_SYMBOLS_MAX])

    def take(self, account_id: UUID) -> bool:
        """Become the account that follows; False while another is."""
        if self._follower is None:
            self._follower = account_id
        return self._follower == account_id

    def leave(self, account_id: UUID) -> None:
        """Let another account follow."""
        if self._follower == account_id:
            self._follower = None


class QuoteFeeds:
    """The feeds of one process, by exchange and where it is reached."""

    def __init__(self) -> None:
        self._feeds: dict[tuple[object, ...], QuoteFeed] = {}

    def of(self, session: AccountSession) -> QuoteFeed:
        """Return the feed of an account's exchange."""
        config = session.gateway.config
        return self._feeds.setdefault((config.exchange, config.urls, config.sandbox), QuoteFeed())


class Quotes:
    """The quotes of one account. Wanted are the symbols of specs, and what flows ask for."""

    def __init__(self, name: str, session: AccountSession, context: FlowContext, feed: QuoteFeed) -> None:
        self._name = name
        self._session = session
        self._context = context
        self._feed = feed
        self._wanted: tuple[str, ...] = ()
        session.quotes = feed.book.sharing()

    async def follow(self, heartbeat: Heartbeat) -> None:
        """Follow the stream of what is wanted, unless another account does."""
        own = self._session.account_id
        try:
            while True:
                heartbeat.beat()
                if self._feed.take(own):
                    await self._follow(heartbeat)
                if not await heartbeat.pause(_LOOK_S):
                    return
        finally:
            self._feed.leave(own)

    async def _follow(self, heartbeat: Heartbeat) -> None:
        """Follow what all accounts want, anew whenever that changes."""
        while not heartbeat.stopping.is_set():
            heartbeat.beat()
            self._feed.changed.clear()
            symbols = [each for each in self._feed.wanted() if each in self._session.instruments]
            if not symbols:
                if not await heartbeat.pause(_LOOK_S):
                    return
                continue
            try:
                await self._follow_until_changed(heartbeat, symbols)
            except StreamSilentError:
                continue  # no trade, no quote: asking covers it
            except StreamLostError as error:
                _log.warning("stream lost", account=self._name, stream="quotes", reason=str(error.details))
                self._context.metrics.stream_reconnects_total.labels(self._name, "quotes").inc()
                self._feed.leave(self._session.account_id)  # another one's connection may do better
                return

    async def ask(self, heartbeat: Heartbeat) -> None:
        """Ask for what the stream has not told lately, and learn what is wanted."""
        looked_at = float("-inf")
        while True:
            heartbeat.beat()
            now = self._context.clock.monotonic()
            if now - looked_at >= _PROFILES_S or self._unknown():
                self._want(await self._symbols())
                looked_at = now
            try:
                await unless_stopped(heartbeat.stopping, self._ask_stale())
            except HoldfastError as error:
                _log.warning("quotes not read", account=self._name, reason=str(error))
                if not await heartbeat.pause(_PROFILES_S):
                    return
            if not await heartbeat.pause(_LOOK_S):
                return

    async def _follow_until_changed(self, heartbeat: Heartbeat, symbols: Sequence[str]) -> None:
        watch = self._session.gateway.watch_quotes(symbols, silent_after_s=_SILENT_S)
        async for quotes in until_stopped(heartbeat, watch):
            heartbeat.beat()
            self._context.metrics.stream_events_total.labels(self._name, "quotes").inc()
            for quote in quotes:
                self._session.quotes.put(quote)
            if self._feed.changed.is_set():
                return

    async def _ask_stale(self) -> None:
        now_ms = self._session.gateway.exchange_now_ms()
        ages = {symbol: self._age_ms(symbol, now_ms) for symbol in self._wanted}
        for symbol, age_ms in ages.items():
            if age_ms is not None:
                self._context.metrics.quote_age_seconds.labels(self._name, symbol).set(age_ms / 1000)
        stale = sorted(
            (symbol for symbol, age_ms in ages.items() if age_ms is None or age_ms > _AGE_MS_MAX),
            key=lambda symbol: -(ages[symbol] or now_ms),
        )
        for quote in await asyncio.gather(
            *(self._session.gateway.best_ask(symbol) for symbol in stale[:_ASKED_MAX])
        ):
            self._session.quotes.put(quote)

    def _age_ms(self, symbol: str, now_ms: int) -> int | None:
        quote = self._session.quotes.peek(symbol)
        return None if quote is None else now_ms - quote.at_ms

    def _unknown(self) -> bool:
        """Whether a flow asked for a symbol that is not followed yet."""
        return any(
            symbol not in self._wanted and symbol in self._session.instruments
            for symbol in self._session.quotes.asked
        )

    def _want(self, symbols: set[str]) -> None:
        chosen = tuple(sorted(symbols)[:_SYMBOLS_MAX])
        if chosen != self._wanted:
            self._wanted = chosen
            self._feed.want(self._session.account_id, chosen)

    async def _symbols(self) -> set[str]:
        instruments = self._session.instruments
        wanted = {symbol for symbol in self._session.quotes.asked if symbol in instruments}
        for profile in await reads.list_profiles(self._context.ledger, self._session.tenant_id):
            if profile["account_id"] != str(self._session.account_id):
                continue
            named = (profile.get("spec") or {}).get("symbols")
            if named:
                wanted |= {symbol for symbol in named if symbol in instruments}
                continue
            # No list: every instrument of its quote asset, where that is a handful.
            own = {each.symbol for each in instruments.values() if each.quote == profile["quote_asset"]}
            if len(own) <= _ASKED_MAX:
                wanted |= own
        return wanted
