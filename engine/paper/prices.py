"""The outside market: a seeded maker and taker that move the price and trade with the accounts' orders."""

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.paper import scale
from engine.paper.orders import Order, Ticket

if TYPE_CHECKING:
    from engine.paper.matching import Market, Matching

_LEVELS = 8
_MARKETS_PER_STEP = 40
# In quote units, scaled so that USDT and BTC markets look alike: how much the maker shows per level.
_LEVEL_NOTIONAL_USDT = (2_000, 20_000)
# The upper end is drawn too: many small trades and few large ones, so that orders fill in parts.
_TAKER_NOTIONALS_USDT = ((10, 100), (10, 1_000), (10, 10_000))
_TAKER_PERCENT = 60
# One step moves the price by up to this part of itself; the pull back keeps it near where it began.
_MOVE_PART = 4_000
_PULL_PART = 400


@dataclass(slots=True)
class Pin:
    """A market held still by the control port."""

    bid: int
    ask: int


class OutsideMarket:
    """Everybody else on the exchange; integer arithmetic and one generator per symbol make it repeatable."""

    def __init__(self, matching: "Matching", seed: int) -> None:
        self._matching = matching
        self._random = {symbol: random.Random(f"{seed}:{symbol}") for symbol in matching.markets}  # noqa: S311 - prices
        self._middle = {symbol: m.instrument.start_price for symbol, m in matching.markets.items()}
        self._ladder: dict[str, list[Order]] = {symbol: [] for symbol in matching.markets}
        self._trading = [symbol for symbol, m in matching.markets.items() if m.instrument.trading]
        self._turn = 0
        self.pins: dict[str, Pin] = {}
        self.replayed: set[str] = set()
        for symbol in self._trading:
            self._quote_around(symbol, self._middle[symbol])

    def step(self) -> None:
        """One turn of every market; a pinned or replayed one only repeats its best prices on the streams.

        Of very many markets only some take a turn, one group after the other.
        """
        turns = self._trading[self._turn : self._turn + _MARKETS_PER_STEP]
        self._turn = self._turn + _MARKETS_PER_STEP if self._turn + len(turns) < len(self._trading) else 0
        for symbol in turns:
            if symbol in self.pins or symbol in self.replayed:
                self._matching.announce(symbol)
            else:
                self._step(symbol)

    def pin(self, symbol: str, bid: int, ask: int, depth: int) -> None:
        """Hold a market still: one level each side, which fills use up."""
        self.pins[symbol] = Pin(bid, ask)
        self._withdraw(symbol)
        market = self._matching.markets[symbol]
        self._middle[symbol] = market.instrument.on_tick((bid + ask) // 2)
        market.last_price = self._middle[symbol]
        self._rest(symbol, True, bid, depth)
        self._rest(symbol, False, ask, depth)

    def unpin(self, symbol: str) -> None:
        self.pins.pop(symbol, None)

    def follow(self, symbol: str, price: int) -> None:
        """Begin at a recorded price; from now on only the record moves this market."""
        self.replayed.add(symbol)
        self._withdraw(symbol)
        market = self._matching.markets[symbol]
        self._middle[symbol] = market.instrument.on_tick(price)
        market.open_at(price, self._matching.clock.now_ms())
        self.quote(symbol)

    def tape(self, symbol: str, price: int, quantity: int, buyer_is_maker: bool) -> None:
        """Let a recorded trade happen: it meets the accounts' orders first, the rest is among outsiders."""
        self._withdraw(symbol)
        rest = self._take(symbol, not buyer_is_maker, price, quantity)
        if rest:
            self._matching.print_trade(symbol, price, rest, buyer_is_maker)
        self._middle[symbol] = self._matching.markets[symbol].instrument.on_tick(price)

    def quote(self, symbol: str) -> None:
        """Show the ladder around the current price."""
        self._quote_around(symbol, self._middle[symbol])

    def _step(self, symbol: str) -> None:
        market, rng = self._matching.markets[symbol], self._random[symbol]
        middle = self._moved(market, self._middle[symbol], rng)
        self._middle[symbol] = middle
        self._withdraw(symbol)
        if rng.randrange(100) < _TAKER_PERCENT:
            # Arrives while the maker is away: it can only meet the accounts' orders near the price.
            buy = rng.randrange(2) == 1
            quantity = self._quantity(market, middle, rng, rng.choice(_TAKER_NOTIONALS_USDT))
            rest = self._take(symbol, buy, middle, quantity)
            if rest:
                self._matching.print_trade(symbol, middle, rest, not buy)
        self._quote_around(symbol, middle)

    @staticmethod
    def _moved(market: "Market", middle: int, rng: random.Random) -> int:
        instrument = market.instrument
        reach = max(middle // _MOVE_PART, instrument.tick * 2)
        drift = (instrument.start_price - middle) // _PULL_PART
        return instrument.on_tick(middle + drift + rng.randint(-reach, reach))

    def _quantity(self, market: "Market", price: int, rng: random.Random, notional: tuple[int, int]) -> int:
        """A random quantity worth so many USDT, at least one lot."""
        instrument = market.instrument
        unit = self._matching.last_price(instrument.quote, "USDT") or scale.ONE
        worth = rng.randint(*notional) * scale.ONE * scale.ONE // unit
        return max(instrument.on_lot(worth * scale.ONE // price), instrument.quantity_min)

    def _withdraw(self, symbol: str) -> None:
        for order in self._ladder[symbol]:
            if order.open:
                self._matching.cancel(order)
        self._ladder[symbol] = []

    def _quote_around(self, symbol: str, middle: int) -> None:
        """Place the maker's ladder; levels that cross an account's order trade with it at its price."""
        self._withdraw(symbol)
        market, rng = self._matching.markets[symbol], self._random[symbol]
        tick = market.instrument.tick
        gap = max(middle // 20_000, tick)
        gap -= gap % tick
        for level in range(_LEVELS):
            away = tick + level * gap
            for buy in (True, False):
                price = middle - away if buy else middle + away
                taking = market.book.side(not buy).crosses(price)
                worth = rng.choice(_TAKER_NOTIONALS_USDT) if taking else _LEVEL_NOTIONAL_USDT
                quantity = self._quantity(market, middle, rng, worth)
                if price > 0:
                    self._rest(symbol, buy, price, quantity)

    def _rest(self, symbol: str, buy: bool, price: int, quantity: int) -> None:
        ticket = Ticket(symbol, buy, "LIMIT", "GTC", price, quantity, 0, "")
        order, _ = self._matching.place(None, ticket)
        if order.open:
            self._ladder[symbol].append(order)

    def _take(self, symbol: str, buy: bool, price: int, quantity: int) -> int:
        """Send an immediate order; returns what it did not get."""
        ticket = Ticket(symbol, buy, "LIMIT", "IOC", price, quantity, 0, "")
        order, _ = self._matching.place(None, ticket)
        return order.remaining
