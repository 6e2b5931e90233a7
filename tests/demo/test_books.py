"""The comparison of two books and the last screen, without a demo."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from engine.cli.demo.books import BookedFill, BookedOrder, Books, compare
from engine.cli.demo.crash import Recovery
from engine.cli.demo.listener import Heard
from engine.cli.demo.readers import books_of_exchange, books_of_ledger
from engine.cli.demo.report import render
from engine.cli.demo.result import Acts, AssetLine, ProfileLine, Result
from engine.cli.demo.stranger import Wall
from engine.cli.demo.tally import Tally

ORDER = BookedOrder("h3f2aaaaaaaaaaaaaa", "buy", "filled", Decimal("0.01"), Decimal("0.01"))
FILL = BookedFill("buy", Decimal(50000), Decimal("0.01"), Decimal("0.00001"), "BTC")
BOOKS = Books({("BTCUSDT", "7"): ORDER}, {("BTCUSDT", "7", "3"): FILL}, {"USDT": Decimal(500)})
PROFILE = ProfileLine(
    "race", "USDT", "active", Decimal(1000), Decimal(0), Decimal(500), Decimal("-0.5"), Decimal("499.5"), ()
)


RECOVERY = Recovery(ready_seconds=1.5, seconds=4.0, unknown=2, proven=2, same_answer=True)
WALL = Wall(("read its order", "follow its feed"), (), counted=2, audited=2)
HEARD = Heard(epoch=1, seq=9, events=7, resumed_after=[5], fills={("BTCUSDT", "7", "3")}, told_after_resume=4)
ACTS = Acts(WALL, RECOVERY, HEARD)


def result(
    ledger: Books = BOOKS,
    exchange: Books = BOOKS,
    profile: ProfileLine = PROFILE,
    acts: Acts = ACTS,
) -> Result:
    tally = Tally()
    tally.entry_seconds += [0.012]
    return Result(
        tally,
        [profile],
        [AssetLine("USDT", Decimal("499.5"), Decimal("0.5"), Decimal(500))],
        Counter(confirmed=1),
        ledger,
        exchange,
        [],
        acts,
        1.0,
    )


def test_equal_books_have_no_difference() -> None:
    """Two books with the same lines are equal, and a missing asset is a zero."""
    assert [] == compare(BOOKS, replace(BOOKS, balances={"USDT": Decimal("500.0"), "BTC": Decimal(0)}))


@pytest.mark.parametrize(
    ("exchange", "text"),
    [
        (
            replace(BOOKS, orders={("BTCUSDT", "7"): replace(ORDER, status="canceled")}),
            "order BTCUSDT 7 status: ledger filled, exchange canceled",
        ),
        (
            replace(BOOKS, fills={("BTCUSDT", "7", "3"): replace(FILL, price=Decimal(50001))}),
            "fill BTCUSDT 7 3 price: ledger 50000, exchange 50001",
        ),
        (
            replace(BOOKS, fills={("BTCUSDT", "7", "3"): replace(FILL, fee_asset="BNB")}),
            "fill BTCUSDT 7 3 fee_asset: ledger BTC, exchange BNB",
        ),
        (
            replace(BOOKS, fills={}),
            "fill BTCUSDT 7 3: ledger buy 0.01 at 50000, fee 0.00001 BTC, exchange has none",
        ),
        (
            replace(BOOKS, balances={"USDT": Decimal("500.00000001")}),
            "balance USDT: ledger 500, exchange 500.00000001",
        ),
    ],
)
def test_each_difference_is_named(exchange: Books, text: str) -> None:
    """One digit, one word or one missing line is found and said, and the demo fails."""
    assert [text] == [str(one) for one in compare(BOOKS, exchange)]
    found = result(exchange=exchange)
    assert [text] == found.problems
    assert text in render(found)
    assert not found.as_json()["ledger_equals_exchange"]


def test_two_orders_of_one_intent_are_a_duplicate() -> None:
    """The same client order id twice at the exchange is counted and fails the demo."""
    twice = replace(BOOKS, orders={**BOOKS.orders, ("BTCUSDT", "8"): ORDER})
    found = result(ledger=twice, exchange=twice)
    assert 1 == found.duplicates
    assert ["1 orders more than intents at the exchange"] == found.problems


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        (
            replace(PROFILE, available=Decimal(499)),
            "profile race: available is 499, not 499.5",
        ),
        (
            replace(PROFILE, realized_pnl=Decimal(-501), available=Decimal(-1)),
            "profile race: available is -1",
        ),
        (
            replace(PROFILE, differences=("fees: stored 1, journal 2",)),
            "profile race: fees: stored 1, journal 2",
        ),
    ],
)
def test_broken_invariant_fails_the_demo(profile: ProfileLine, text: str) -> None:
    """A figure that is not what its parts give, or is below zero, is a violation."""
    found = result(profile=profile)
    assert [text] == found.invariant_violations == found.problems
    assert 1 == found.as_json()["invariant_violations"]


def test_unfinished_and_unexpected_things_fail_the_demo() -> None:
    """An open order, an answer that was not due and an idle demo are problems too."""
    still_open = replace(BOOKS, orders={("BTCUSDT", "7"): replace(ORDER, status="open")}, fills={})
    found = result(ledger=still_open, exchange=still_open)
    found.tally.unexpected["what"] += 2
    found.tally.answered_differently.append("that")
    assert [
        "one key, two answers: that",
        "not expected, 2 times: what",
        "not final: intents {}, 1 open orders",
        "nothing was traded",
    ] == found.problems


def test_a_reading_that_breaks_the_formula_is_kept() -> None:
    """Every capital answer over the API is worked out again."""
    tally = Tally()
    row = {
        "name": "race",
        "allocated": "10",
        "reserved_for_orders": "1",
        "reserved_for_positions": "2",
        "realized_pnl": "0",
        "available": "7",
    }
    tally.read(row)
    assert (1, []) == (tally.readings, tally.broken_readings)
    tally.read({**row, "available": "8"})
    assert 1 == len(tally.broken_readings)


def test_latency_shares_are_those_of_the_sorted_list() -> None:
    """p50 and p99 are readings that happened, in milliseconds."""
    tally = Tally()
    assert tally.entry_ms(0.5) is None
    tally.entry_seconds += [number / 1000 for number in range(100, 0, -1)]
    assert (50.0, 99.0) == (tally.entry_ms(0.5), tally.entry_ms(0.99))


def test_both_sides_are_read_into_one_form() -> None:
    """What the exchange calls by its words and the ledger by ours is the same line."""
    oracle = {
        "accounts": {
            "k": {
                "balances": {"USDT": {"free": "499.0", "locked": "1.0", "total": "500.00000000"}},
                "orders": [
                    {
                        "symbol": "BTCUSDT", "orderId": 7, "clientOrderId": ORDER.client_order_id,
                        "side": "BUY", "status": "FILLED",
                        "origQty": "0.01000000", "executedQty": "0.01000000",
                        "fills": [
                            {"tradeId": 3, "price": "50000.00000000", "qty": "0.01000000",
                             "commission": "0.00001000", "commissionAsset": "BTC"},
                        ],
                    }
                ],
            }
        }
    }  # fmt: skip
    ids = {"symbol": "BTC/USDT", "exchange_order_id": "7", "side": "buy"}
    order = {"status": "filled", "quantity": "0.01", "booked_quantity": "0.01"}
    ledger = books_of_ledger(
        [{**ids, "client_order_id": ORDER.client_order_id, "order": order}, {**ids, "order": None}],
        [{**ids, "exchange_trade_id": "3", "price": "50000", "quantity": "0.01", "fee_quantity": "0.00001",
          "fee_asset": "BTC"}],
        [{"asset": "USDT", "expected_exchange_balance": "500"}],
    )  # fmt: skip
    assert BOOKS == ledger == books_of_exchange(oracle, "k")


def test_screen_fits_and_can_show_every_line() -> None:
    """The last screen stays below 60 lines of 110 characters; --lines adds each order and fill."""
    lines = render(result()).splitlines()
    assert len(lines) < 60
    assert max(len(line) for line in lines) <= 110
    assert lines[-1].startswith("All of it holds")
    assert any(
        "attempts by another tenant's robot, by id: 2 refused, 2 counted, 2 audited" in x for x in lines
    )
    assert any("7  events to a client that the kill cut off: no gap, no duplicate" in x for x in lines)
    every = render(result(), every_line=True)
    assert "order BTCUSDT 7: buy 0.01, filled, filled 0.01 | buy 0.01, filled, filled 0.01  =" in every


@pytest.mark.parametrize(
    ("recovery", "problem"),
    [
        (replace(RECOVERY, unknown=0, proven=0), "it proved nothing"),
        (replace(RECOVERY, same_answer=False), "did not get its order"),
    ],
)
def test_crash_that_shows_nothing_fails_the_demo(recovery: Recovery, problem: str) -> None:
    """A crash without an intent in doubt, or a robot without its order afterwards, is a problem."""
    (found,) = result(acts=replace(ACTS, recovery=recovery)).problems
    assert problem in found


@pytest.mark.parametrize(
    ("wall", "problem"),
    [
        (replace(WALL, leaks=("read its order: 200",)), "was not refused: read its order: 200"),
        (replace(WALL, counted=1), "of 2 attempts by another tenant's robot 1 were counted, 2 audited"),
        (replace(WALL, audited=0), "of 2 attempts by another tenant's robot 2 were counted, 0 audited"),
        (Wall((), (), 0, 0), "of 0 attempts"),
    ],
)
def test_wall_that_does_not_stand_fails_the_demo(wall: Wall, problem: str) -> None:
    """An answer to a stranger, an attempt not counted or not audited, or none at all is a problem."""
    (found,) = result(acts=replace(ACTS, wall=wall)).problems
    assert problem in found


@pytest.mark.parametrize(
    ("heard", "problem"),
    [
        (replace(HEARD, holes=2), "2 events missing in between"),
        (replace(HEARD, behind=3), "3 at the end"),
        (replace(HEARD, repeated=1), "1 told twice"),
        (replace(HEARD, resyncs=["slow"]), "could not be resumed: slow"),
        (replace(HEARD, resumed_after=[]), "not resumed over the kill"),
        (replace(HEARD, told_after_resume=0), "not resumed over the kill"),
        (replace(HEARD, fills=set()), "did not tell of 1 fills"),
    ],
)
def test_feed_that_does_not_go_on_fails_the_demo(heard: Heard, problem: str) -> None:
    """A missing or repeated event, a feed that was not resumed, or a fill it did not tell is a problem."""
    (found,) = result(acts=replace(ACTS, heard=heard)).problems
    assert problem in found


def test_client_of_the_feed_counts_what_is_missing_and_what_comes_twice() -> None:
    """Its place moves with each new event; a jump counts the seqs between, an old seq counts as repeated."""
    heard = Heard()
    heard.take({"kind": "snapshot", "epoch": 1, "seq": 4})
    for seq in (5, 6, 6, 9):
        heard.take({"kind": "event", "seq": seq, "type": "mode.changed"})
    assert (9, 3, 2, 1) == (heard.seq, heard.events, heard.holes, heard.repeated)
    data = {"symbol": "BTC/USDT", "exchange_order_id": "7", "exchange_trade_id": "3"}
    heard.resumed_after.append(9)
    heard.take({"kind": "event", "seq": 10, "type": "fill", "data": data})
    assert ({("BTCUSDT", "7", "3")}, 1) == (heard.fills, heard.told_after_resume)
    heard.take({"kind": "resync_required", "reason": "slow"})
    assert (["slow"], 0) == (heard.resyncs, heard.epoch)
