"""What a fee in a third asset is worth in the quote asset, at the time of its fill."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from engine.domain.errors import HoldfastError
from engine.domain.outcomes import Fill
from engine.flows.accounts import AccountSession
from engine.ledger.fills import BookableFill
from engine.runtime.clock import Clock

RATE_AGE_MS_MAX = 30_000
_RATE_TIMEOUT_S = 1.0
_MINUTE_MS = 60_000
_CLOSES_KEPT = 20_000
_PAUSE_S = 5.0  # after past prices could not be read


@dataclass(frozen=True, slots=True)
class _Rate:
    price: Decimal | None  # None: asked, and there is none
    source: str
    at: float


class Valuer:
    """Gives fills their fee rate: of now for a fill of now, of its minute's candle for one of the past.

    Without a rate in time a fill stays unvalued; on an exchange that tells no candles the rate of now stands
    in, and its source says "late".
    """

    def __init__(self, clock: Clock) -> None:
        self.unvalued = set[UUID]()  # accounts with fees that found no rate
        self._clock = clock
        self._rates: dict[tuple[object, str], _Rate] = {}
        self._closes: dict[tuple[UUID, str, int], Decimal] = {}
        self._paused_until: dict[UUID, float] = {}

    async def bookable(
        self, session: AccountSession, fill: Fill, source: str, *, past: bool = False
    ) -> BookableFill:
        """Return a fill as the ledger takes it; `past`: now is not its time, however young it is."""
        instrument = session.instruments.get(fill.symbol)
        if instrument is None or fill.fee_asset in {None, instrument.base, instrument.quote}:
            return BookableFill(session.account_id, fill, source)
        symbol = f"{fill.fee_asset}/{instrument.quote}"
        at_ms = round(fill.exchange_time.timestamp() * 1000)
        if past or session.gateway.exchange_now_ms() - at_ms > RATE_AGE_MS_MAX:
            price, told = await self._past(session, symbol, at_ms)
        else:
            rate = await self._rate(session, symbol)
            price, told = rate.price, rate.source
        if price is None:
            self.unvalued.add(session.account_id)
            return BookableFill(session.account_id, fill, source)
        return BookableFill(session.account_id, fill, source, price, told)

    async def _past(self, session: AccountSession, symbol: str, at_ms: int) -> tuple[Decimal | None, str]:
        """Return the rate of a past minute and its source."""
        account_id, minute_ms = session.account_id, at_ms - at_ms % _MINUTE_MS
        price = self._closes.get((account_id, symbol, minute_ms))
        if price is None and symbol in session.instruments:
            if self._clock.monotonic() < self._paused_until.get(account_id, 0.0):
                return None, ""
            try:
                async with asyncio.timeout(_RATE_TIMEOUT_S):
                    closes = await session.gateway.minute_closes(symbol, minute_ms)
            except (HoldfastError, TimeoutError):
                self._paused_until[account_id] = self._clock.monotonic() + _PAUSE_S
                return None, ""
            price = closes.get(minute_ms)
            if price is None:
                rate = await self._rate(session, symbol)
                return rate.price, f"{rate.source}, late"
            self._keep(session, symbol, closes)
        return price, f"candle {symbol}"

    def _keep(self, session: AccountSession, symbol: str, closes: Mapping[int, Decimal]) -> None:
        """Remember the closes of minutes that are over: fills of the past come in order of time."""
        over_ms = session.gateway.exchange_now_ms() - _MINUTE_MS
        for minute_ms, close in closes.items():
            if minute_ms <= over_ms:
                self._closes[session.account_id, symbol, minute_ms] = close
        while len(self._closes) > _CLOSES_KEPT:
            del self._closes[next(iter(self._closes))]

    async def _rate(self, session: AccountSession, symbol: str) -> _Rate:
        quote = session.quotes.get(symbol)
        if quote is not None and quote.bid is not None:
            age_ms = session.gateway.exchange_now_ms() - quote.at_ms
            if age_ms <= RATE_AGE_MS_MAX:
                return _Rate(quote.bid, f"bid {symbol}", self._clock.monotonic())
        key = (session.account_id, symbol)
        last = self._rates.get(key)
        if last is not None and self._clock.monotonic() - last.at <= RATE_AGE_MS_MAX / 1000:
            return last
        price: Decimal | None = None
        if symbol in session.instruments:
            # Without a price in time the fill is booked unvalued and flagged: a fact does not wait for it.
            with contextlib.suppress(HoldfastError, TimeoutError):
                async with asyncio.timeout(_RATE_TIMEOUT_S):
                    price = await session.gateway.last_price(symbol)
        rate = _Rate(price, f"last {symbol}", self._clock.monotonic())
        self._rates[key] = rate
        return rate
