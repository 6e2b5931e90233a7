"""The matching engine: matches orders in price-time priority, moves balances, reports what happened."""

from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol

from engine.paper import refusals, scale
from engine.paper.accounts import THIRD_ASSET_DISCOUNT, Account
from engine.paper.book import Book
from engine.paper.candles import Candles, Past
from engine.paper.filters import check_room
from engine.paper.orders import Execution, Order, PreventedMatch, Status, Ticket

if TYPE_CHECKING:
    from engine.paper.clock import ExchangeClock
    from engine.paper.instruments import Instrument
    from engine.paper.oracle import Record

_RECENT_TRADES = 10_000
# What is said to have been traded in a minute before the exchange opened.
_PAST_TURNOVER_USDT = scale.parse("200000")


class Listener(Protocol):
    """Who wants to hear what happens: the streams."""

    def reported(self, order: Order, kind: str, execution: Execution | None, cancel_id: str) -> None:
        """One of an account's orders changed; kind is NEW, TRADE, CANCELED, EXPIRED or TRADE_PREVENTION."""

    def moved(self, account: Account, assets: set[str], time_ms: int) -> None:
        """Balances of these assets changed by trading or locking."""

    def traded(self, execution: Execution) -> None:
        """A public trade took place."""

    def book_changed(self, symbol: str) -> None:
        """Levels changed."""


class Market:
    """One symbol: its book, its counters, its recent public trades, its candles."""

    def __init__(self, instrument: "Instrument", now_ms: int, seed: int, turnover: int) -> None:
        """`turnover` is what the made-up past shows per minute, in quote."""
        self.instrument = instrument
        self.book = Book()
        self._seed = f"{seed}:{instrument.symbol}"
        self._turnover = turnover
        self.open_at(instrument.start_price, now_ms)
        self.last_order_id = 0
        self.last_trade_id = 0
        self.orders: dict[int, Order] = {}
        self.trades: deque[Execution] = deque(maxlen=_RECENT_TRADES)
        self.prevented: list[PreventedMatch] = []

    def open_at(self, price: int, now_ms: int) -> None:
        """Begin (again) at a price; the candles before it are made up."""
        self.opening = self.last_price = price
        past = Past(self._seed, now_ms, price, self.instrument.tick, self._turnover)
        self.candles = Candles(now_ms, price, past)

    def average_price(self, minutes: int, now_ms: int) -> int:
        """Average by volume of what was traded in so many minutes; the last price if nothing was."""
        if minutes == 0:
            return self.last_price
        shown = self.candles.window(minutes, now_ms, self.last_price)
        return shown.quote * scale.ONE // shown.volume if shown.volume else self.last_price

    def next_order_id(self) -> int:
        self.last_order_id += 1
        return self.last_order_id


class Deal(NamedTuple):
    """What two orders agreed on."""

    price: int
    quantity: int
    quote: int
    buyer_is_maker: bool


class Matching:
    """All markets and accounts; every change of a balance through trading happens here."""

    def __init__(
        self, clock: "ExchangeClock", instruments: "dict[str, Instrument]", record: "Record", seed: int = 0
    ) -> None:
        self.clock = clock
        now_ms = clock.now_ms()
        self.markets = {
            symbol: Market(one, now_ms, seed, _turnover(one, instruments))
            for symbol, one in instruments.items()
        }
        self.accounts: dict[str, Account] = {}
        self.listener: Listener | None = None
        self._record = record
        self._moved: dict[Account, set[str]] = {}

    def place(self, account: Account | None, ticket: Ticket) -> tuple[Order, list[Execution]]:
        """Take an order and match it; Refusal leaves nothing behind."""
        market = self.markets[ticket.symbol]
        quantity = ticket.quantity
        if ticket.quote_quantity:
            quantity = self._quantity_for_quote(market, ticket)
        if account is not None:
            self._check(account, market, ticket, quantity)
        now = self.clock.now_ms()
        order = Order(
            id=market.next_order_id(),
            account=account,
            instrument=market.instrument,
            client_order_id=ticket.client_order_id,
            buy=ticket.buy,
            type=ticket.type,
            time_in_force=ticket.time_in_force,
            price=ticket.price,
            quantity=quantity,
            quote_quantity=ticket.quote_quantity,
            created_ms=now,
            updated_ms=now,
            prevention=ticket.prevention,
        )
        if account is not None:
            self._accept(account, market, order)
        executions = self._match(market, order)
        self._settle_rest(market, order)
        self._flush(market)
        return order, executions

    def cancel(self, order: Order, cancel_id: str = "") -> None:
        """Take a resting order off the book; Refusal if it is not open any more."""
        if not order.open:
            raise refusals.unknown_order()
        market = self.markets[order.instrument.symbol]
        self._end(market, order, Status.CANCELED, cancel_id)
        self._flush(market)

    def print_trade(self, symbol: str, price: int, quantity: int, buyer_is_maker: bool) -> None:
        """Publish a trade among outsiders only, as a replayed tape shows it."""
        market = self.markets[symbol]
        outsiders = self._outside_order(market, True), self._outside_order(market, False)
        deal = Deal(price, quantity, scale.times(price, quantity), buyer_is_maker)
        self._publish(market, self._execution(market, *outsiders, deal))
        self._flush(market)

    def fill(self, order: Order, quantity: int) -> None:
        """Let an outsider trade with an order at its own price, wherever the market is.

        A canceled one can be filled too, by free money: the caller has checked that there is enough.
        """
        market = self.markets[order.instrument.symbol]
        if not order.open:
            self._record.late(market.instrument.symbol, order.id)
        usual, other = market.last_price, self._outside_order(market, not order.buy)
        other.quantity = quantity
        buyer, seller = (order, other) if order.buy else (other, order)
        self._trade(market, buyer, seller, order, quantity)
        # Nobody else traded there: what fees and filters go by stays.
        market.last_price = usual
        self._flush(market)

    def announce(self, symbol: str) -> None:
        """Have the streams tell this market's best prices again."""
        if self.listener is not None:
            self.listener.book_changed(symbol)

    def deposit(self, account: Account, asset: str, amount: int) -> None:
        """Credit (or with a negative amount debit) free balance; Refusal if it does not suffice."""
        if account.free_of(asset) + amount < 0:
            raise refusals.insufficient_balance()
        account.add(asset, amount)
        account.updated_ms = self.clock.now_ms()
        self._record.deposit(account.key, asset, amount)

    def last_price(self, asset: str, quote: str) -> int | None:
        """One unit of an asset in another, by last trades; through USDT where there is no direct market."""
        if asset == quote:
            return scale.ONE
        direct = self.markets.get(asset + quote)
        if direct is not None:
            return direct.last_price
        ours, theirs = self.markets.get(asset + "USDT"), self.markets.get(quote + "USDT")
        if ours is None or theirs is None:
            return None
        return ours.last_price * scale.ONE // theirs.last_price

    def _check(self, account: Account, market: Market, ticket: Ticket, quantity: int) -> None:
        """Refuse before anything changes: duplicates, post-only that would take, missing funds."""
        known = account.by_client_id.get((ticket.symbol, ticket.client_order_id))
        if known is not None and known.open:
            raise refusals.duplicate_order()
        check_room(account, market.instrument, ticket, quantity)
        opposite = market.book.side(not ticket.buy)
        if ticket.type == "LIMIT_MAKER" and opposite.crosses(ticket.price):
            raise refusals.would_match()
        instrument = market.instrument
        if ticket.type != "MARKET":
            needed = scale.times_up(ticket.price, quantity) if ticket.buy else quantity
        elif ticket.buy:
            needed = ticket.quote_quantity or self._cost(market, quantity)
        else:
            needed = quantity
        if account.free_of(instrument.quote if ticket.buy else instrument.base) < needed:
            raise refusals.insufficient_balance()

    def _cost(self, market: Market, quantity: int) -> int:
        """What buying this much at market would cost now."""
        cost = 0
        for resting in market.book.asks.walk():
            take = min(quantity, resting.remaining)
            cost += scale.times(resting.price, take)
            quantity -= take
            if quantity == 0:
                break
        return cost

    def _quantity_for_quote(self, market: Market, ticket: Ticket) -> int:
        """How much base an amount of quote buys or needs at market now, in whole lots."""
        budget, quantity = ticket.quote_quantity, 0
        for resting in market.book.side(not ticket.buy).walk():
            take = min(market.instrument.on_lot(budget * scale.ONE // resting.price), resting.remaining)
            quantity += take
            budget -= scale.times(resting.price, take)
            if take < resting.remaining:
                break
        if quantity == 0:
            raise refusals.Refusal(
                -2010, "Order book liquidity is less than LOT_SIZE filter minimum quantity."
            )
        return quantity

    def _accept(self, account: Account, market: Market, order: Order) -> None:
        """Book a new order of an account: ids, lock, record, report."""
        symbol = order.instrument.symbol
        market.orders[order.id] = order
        account.by_client_id[symbol, order.client_order_id] = order
        account.orders.setdefault(symbol, []).append(order)
        account.open_orders[symbol, order.id] = order
        if order.type != "MARKET":
            order.locked = scale.times_up(order.price, order.quantity) if order.buy else order.quantity
            asset = order.instrument.quote if order.buy else order.instrument.base
            account.lock(asset, order.locked)
            self._moved.setdefault(account, set()).add(asset)
        self._record.order(account.key, order)
        if self.listener is not None:
            self.listener.reported(order, "NEW", None, "")

    def _match(self, market: Market, order: Order) -> list[Execution]:
        opposite = market.book.side(not order.buy)
        limit = order.price or (2**63 if order.buy else 0)
        if order.time_in_force == "FOK" and not self._fillable(market, order, limit):
            return []
        executions = []
        own = order.account if order.prevention != "NONE" else None
        while order.filled < order.quantity and opposite.crosses(limit):
            resting = opposite.first()
            if own is not None and resting.account is own:
                self._prevent(market, order, resting)
                if not order.open:
                    break
                continue
            quantity = min(order.remaining, resting.remaining)
            buyer, seller = (order, resting) if order.buy else (resting, order)
            executions.append(self._trade(market, buyer, seller, resting, quantity))
        return executions

    def _prevent(self, market: Market, taker: Order, maker: Order) -> None:
        """Expire one or both of two orders of one account instead of letting them trade."""
        mode = taker.prevention
        match = PreventedMatch(
            id=len(market.prevented),
            symbol=market.instrument.symbol,
            price=maker.price,
            taker_id=taker.id,
            maker_id=maker.id,
            taker_quantity=0 if mode == "EXPIRE_MAKER" else taker.remaining,
            maker_quantity=0 if mode == "EXPIRE_TAKER" else maker.remaining,
            mode=mode,
            time_ms=self.clock.now_ms(),
        )
        market.prevented.append(match)
        # A taker remembers the match even if only its counterpart expires: its answer lists them.
        taker.prevented = [*(taker.prevented or ()), match]
        if mode != "EXPIRE_TAKER":
            maker.prevented = [match]
            self._end(market, maker, Status.EXPIRED_IN_MATCH, "")
        if mode != "EXPIRE_MAKER":
            self._end(market, taker, Status.EXPIRED_IN_MATCH, "")

    @staticmethod
    def _fillable(market: Market, order: Order, limit: int) -> bool:
        wanted = order.quantity
        for resting in market.book.side(not order.buy).walk():
            if order.prevention != "NONE" and resting.account is order.account:
                if order.prevention == "EXPIRE_MAKER":
                    continue
                break
            beyond = resting.price > limit if order.buy else resting.price < limit
            if beyond or wanted <= 0:
                break
            wanted -= resting.remaining
        return wanted <= 0

    def _trade(self, market: Market, buyer: Order, seller: Order, resting: Order, quantity: int) -> Execution:
        """Execute one match: move both sides' money, take fees, record and report."""
        price = resting.price
        quote = scale.times(price, quantity)
        buyer_is_maker = resting is buyer
        for order in (buyer, seller):
            order.filled += quantity
            order.quote_filled += quote
            if order.filled == order.quantity:
                order.status = Status.FILLED
            elif order.open:
                order.status = Status.PARTIALLY_FILLED
        if buyer.account is not None:
            self._pay(buyer, market.instrument.quote, quote)
            buyer.account.add(market.instrument.base, quantity)
        if seller.account is not None:
            self._pay(seller, market.instrument.base, quantity)
            seller.account.add(market.instrument.quote, quote)
        deal = Deal(price, quantity, quote, buyer_is_maker)
        execution = self._execution(market, buyer, seller, deal)
        for order in (buyer, seller):
            self._book_execution(order, execution)
        if buyer.account is not None or seller.account is not None:
            self._record.trade(execution)
        market.book.touch(resting.buy, price)
        if resting.resting and resting.filled == resting.quantity:
            self._unrest(market, resting)
        self._publish(market, execution)
        if self.listener is not None:
            # The taker hears first, then the maker, as the tape shows it.
            for order in (seller, buyer) if buyer_is_maker else (buyer, seller):
                if order.account is not None:
                    self.listener.reported(order, "TRADE", execution, "")
        return execution

    def _execution(self, market: Market, buyer: Order, seller: Order, deal: Deal) -> Execution:
        """Number a deal and take both sides' fees."""
        market.last_trade_id += 1
        buyer_fee = self._fee(buyer, deal)
        self._take_fee(buyer.account, buyer_fee)
        seller_fee = self._fee(seller, deal)
        self._take_fee(seller.account, seller_fee)
        return Execution(
            id=market.last_trade_id,
            symbol=market.instrument.symbol,
            price=deal.price,
            quantity=deal.quantity,
            quote=deal.quote,
            time_ms=self.clock.now_ms(),
            buyer=buyer,
            seller=seller,
            buyer_is_maker=deal.buyer_is_maker,
            buyer_fee=buyer_fee[0],
            buyer_fee_asset=buyer_fee[1],
            seller_fee=seller_fee[0],
            seller_fee_asset=seller_fee[1],
            buyer_terms=buyer_fee[2:],
            seller_terms=seller_fee[2:],
        )

    def _fee(self, order: Order, deal: Deal) -> tuple[int, str, int, int]:
        """One side's fee, decided per fill: a third asset while there is enough, else what was received.

        With the rate and, for a third asset, the price by which it was computed.
        """
        account, instrument = order.account, order.instrument
        received, amount = (instrument.base, deal.quantity) if order.buy else (instrument.quote, deal.quote)
        if account is None:
            return 0, received, 0, 0
        maker = deal.buyer_is_maker is order.buy
        rate = account.maker_rate if maker else account.taker_rate
        if account.fee_asset is not None and rate > 0:
            price = self.last_price(account.fee_asset, instrument.quote)
            if price:
                value = scale.share(scale.share(deal.quote, rate), THIRD_ASSET_DISCOUNT)
                fee = value * scale.ONE // price
                if 0 < fee <= account.free_of(account.fee_asset):
                    return fee, account.fee_asset, rate, price
        return scale.share(amount, rate), received, rate, 0

    def _take_fee(self, account: Account | None, fee: tuple[int, str, int, int]) -> None:
        if account is not None:
            account.add(fee[1], -fee[0])
            self._moved.setdefault(account, set()).add(fee[1])

    def _pay(self, order: Order, asset: str, amount: int) -> None:
        """Take what an order gives away: from its lock if it has one, else from free."""
        account = order.account
        if account is None:
            return
        if order.locked:
            kept = scale.times_up(order.price, order.remaining) if order.buy else order.remaining
            account.unlock(asset, order.locked - kept)
            order.locked = kept
        account.add(asset, -amount)
        self._moved.setdefault(account, set()).update((order.instrument.base, order.instrument.quote))

    def _book_execution(self, order: Order, execution: Execution) -> None:
        order.updated_ms = execution.time_ms
        account = order.account
        if account is None:
            return
        account.executions.setdefault(execution.symbol, []).append((execution, order))
        if order.status is Status.FILLED:
            account.open_orders.pop((execution.symbol, order.id), None)

    def _settle_rest(self, market: Market, order: Order) -> None:
        """Rest what is left on the book, or expire it."""
        if not order.open:
            return
        if order.type == "MARKET" or order.time_in_force in {"IOC", "FOK"}:
            self._end(market, order, Status.EXPIRED, "")
            return
        order.resting = True
        market.book.side(order.buy).add(order)
        market.book.touch(order.buy, order.price)

    def _unrest(self, market: Market, order: Order) -> None:
        order.resting = False
        market.book.side(order.buy).remove(order)

    def _end(self, market: Market, order: Order, status: Status, cancel_id: str) -> None:
        """Close what is left of an order and give its lock back."""
        if order.resting:
            self._unrest(market, order)
            market.book.touch(order.buy, order.price)
        order.status = status
        account = order.account
        if account is None:
            return
        order.updated_ms = self.clock.now_ms()
        asset = order.instrument.quote if order.buy else order.instrument.base
        account.unlock(asset, order.locked)
        order.locked = 0
        account.open_orders.pop((order.instrument.symbol, order.id), None)
        self._moved.setdefault(account, set()).add(asset)
        self._record.end(order.instrument.symbol, order.id, status.value)
        if self.listener is not None:
            kind = "TRADE_PREVENTION" if status is Status.EXPIRED_IN_MATCH else status.value
            self.listener.reported(order, kind, None, cancel_id)

    @staticmethod
    def _outside_order(market: Market, buy: bool) -> Order:
        return Order(0, None, market.instrument, "", buy, "LIMIT", "GTC", 0, 0, 0, 0, 0)

    def _publish(self, market: Market, execution: Execution) -> None:
        market.last_price = execution.price
        market.candles.trade(execution)
        market.trades.append(execution)
        if self.listener is not None:
            self.listener.traded(execution)

    def _flush(self, market: Market) -> None:
        """Tell the streams, once per operation, whose balances moved and that the book changed."""
        if self.listener is not None:
            now = self.clock.now_ms()
            for account, assets in self._moved.items():
                account.updated_ms = now
                self.listener.moved(account, assets, now)
            self.listener.book_changed(market.instrument.symbol)
        self._moved.clear()


def _turnover(instrument: "Instrument", instruments: "dict[str, Instrument]") -> int:
    """What the made-up past shows as traded in a minute, in quote."""
    in_usdt = instruments.get(instrument.quote + "USDT")
    if in_usdt is None:
        return _PAST_TURNOVER_USDT
    return _PAST_TURNOVER_USDT * scale.ONE // in_usdt.start_price
