"""What a fee in a third asset is worth in the quote asset, at its fill or as soon as a price is known."""

import asyncio
import contextlib
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


@dataclass(frozen=True, slots=True)
class _Rate:
    price: Decimal | None  # None: asked, and there is none
    source: str
    at: float


class Valuer:
    """Gives fills their fee rate: from a fresh quote, else from the last trade; else they stay unvalued."""

    def __init__(self, clock: Clock) -> None:
        self.unvalued = set[UUID]()  # accounts with fees that found no rate
        self._clock = clock
        self._rates: dict[tuple[object, str], _Rate] = {}

    async def bookable(self, session: AccountSession, fill: Fill, source: str) -> BookableFill:
        """Return a fill as the ledger takes it."""
        instrument = session.instruments.get(fill.symbol)
        if instrument is None or fill.fee_asset in {None, instrument.base, instrument.quote}:
            return BookableFill(session.account_id, fill, source)
        rate = await self._rate(session, f"{fill.fee_asset}/{instrument.quote}")
        if rate.price is None:
            self.unvalued.add(session.account_id)
            return BookableFill(session.account_id, fill, source)
        return BookableFill(session.account_id, fill, source, rate.price, rate.source)

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
