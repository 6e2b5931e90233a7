"""Nothing is created or lost, the oracle agrees, and the same seed gives the same fills."""

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.paper import scale
from engine.paper.filters import check_filters
from engine.paper.instruments import PREVENTION_MODES
from engine.paper.orders import Ticket
from engine.paper.refusals import Refusal
from engine.paper.server import PaperExchange
from tests.paper.clients import KEY, OTHER_KEY, options

SYMBOLS = ["BTCUSDT", "ETHUSDT", "ETHBTC", "BNBUSDT"]
TYPES = [("LIMIT", "GTC"), ("LIMIT", "IOC"), ("LIMIT", "FOK"), ("LIMIT_MAKER", "GTC"), ("MARKET", "GTC")]

orders = st.tuples(
    st.just("order"),
    st.sampled_from([KEY, OTHER_KEY]),
    st.sampled_from(SYMBOLS),
    st.sampled_from(TYPES),
    st.booleans(),
    st.integers(-60, 60),  # price away from the last one, in parts of 10,000
    st.integers(1, 4000),  # worth in USDT
    st.booleans(),  # a market order by quote amount
    st.sampled_from(PREVENTION_MODES),
)
actions = st.one_of(
    orders,
    orders,
    st.tuples(st.just("cancel"), st.sampled_from([KEY, OTHER_KEY]), st.integers(0, 50)),
    st.tuples(st.just("step")),
    st.tuples(st.just("fee"), st.sampled_from([KEY, OTHER_KEY]), st.sampled_from([None, "BNB"])),
    st.tuples(st.just("rate"), st.sampled_from([KEY, OTHER_KEY]), st.integers(-30_000, 200_000)),
    st.tuples(st.just("money"), st.sampled_from([KEY, OTHER_KEY]), st.sampled_from(["USDT", "BTC", "BNB"])),
)


def build(seed: int) -> PaperExchange:
    """An exchange without ports, on a clock that stands still."""
    paper = PaperExchange(options(seed=seed))
    paper.clock.freeze(1_800_000_000_000)
    return paper


def act(paper: PaperExchange, number: int, action: tuple[Any, ...]) -> None:
    """Do one random thing; what the exchange refuses is part of the game."""
    matching = paper.matching
    kind, *rest = action
    if kind == "order":
        with suppress(Refusal):
            ticket = ticket_of(paper, number, rest)
            check_filters(matching.markets[ticket.symbol], ticket, paper.clock.now_ms())
            matching.place(matching.accounts[rest[0]], ticket)
    elif kind == "cancel":
        found = list(matching.accounts[rest[0]].open_orders.values())
        if found:
            matching.cancel(found[rest[1] % len(found)])
    elif kind == "step":
        paper.step()
    elif kind == "fee":
        matching.accounts[rest[0]].fee_asset = rest[1]
    elif kind == "rate":
        matching.accounts[rest[0]].maker_rate = matching.accounts[rest[0]].taker_rate = rest[1]
    else:
        with suppress(Refusal):
            paper.deposit(rest[0], rest[1], scale.ONE if number % 2 else -scale.ONE // 3)


def ticket_of(paper: PaperExchange, number: int, terms: list[Any]) -> Ticket:
    _, symbol, (order_type, time_in_force), buy, away, worth, by_quote, prevention = terms
    market = paper.matching.markets[symbol]
    unit = paper.matching.last_price(market.instrument.quote, "USDT") or scale.ONE
    notional = worth * scale.ONE * scale.ONE // unit
    price = market.instrument.on_tick(market.last_price * (10_000 + away) // 10_000)
    quantity = market.instrument.on_lot(notional * scale.ONE // market.last_price)
    at_market = order_type == "MARKET"
    return Ticket(
        symbol=symbol,
        buy=buy,
        type=order_type,
        time_in_force=time_in_force,
        price=0 if at_market else price,
        quantity=0 if at_market and by_quote else quantity,
        quote_quantity=notional if at_market and by_quote else 0,
        client_order_id=f"id-{number}",
        prevention=prevention,
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100), st.lists(actions, min_size=5, max_size=60))
def test_books_agree_after_anything(seed: int, sequence: list[tuple[Any, ...]]) -> None:
    """After random orders, cancels, steps, fee changes and deposits the oracle equals the exchange."""
    paper = build(seed)
    for number, action in enumerate(sequence):
        act(paper, number, action)
        assert [] == paper.oracle.differences(paper.matching)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100), st.lists(actions, min_size=20, max_size=60))
def test_same_seed_same_fills(seed: int, sequence: list[tuple[Any, ...]]) -> None:
    """Two exchanges with the same seed, given the same requests and steps, do exactly the same."""
    first, second = build(seed), build(seed)
    for number, action in enumerate(sequence):
        act(first, number, action)
        act(second, number, action)
    assert first.oracle.shown(first.matching) == second.oracle.shown(second.matching)
    assert first.record.facts == second.record.facts


def test_another_seed_another_market() -> None:
    """Prices come from the seed."""
    first, second = build(1), build(2)
    first.step(3)
    second.step(3)
    assert (
        first.matching.markets["BTCUSDT"].book.bids.best()
        != second.matching.markets["BTCUSDT"].book.bids.best()
    )


def test_the_market_moves_and_fills_orders_near_the_price() -> None:
    """Orders near the price are filled as it moves, some in parts; one far away rests untouched."""
    paper = build(7)
    account = paper.matching.accounts[KEY]
    states = set()
    for number in range(40):
        price = paper.matching.markets["BTCUSDT"].book.bids.best()
        assert price is not None
        ticket = Ticket("BTCUSDT", True, "LIMIT", "GTC", price, scale.ONE // 50, 0, f"near-{number}")
        order, _ = paper.matching.place(account, ticket)
        paper.step()
        states.add(order.status.value)
        if order.open:
            paper.matching.cancel(order)
    far, _ = paper.matching.place(
        account, Ticket("BTCUSDT", True, "LIMIT", "GTC", 100 * scale.ONE, scale.ONE, 0, "far")
    )
    paper.step(200)
    assert {"NEW", "PARTIALLY_FILLED", "FILLED"} == states
    assert "NEW" == far.status.value
    assert [] == paper.oracle.differences(paper.matching)
