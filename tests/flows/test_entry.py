"""Proves the life of an entry, from a robot's wish to the ledger, on the real parts."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from engine.domain.errors import Outcome
from engine.ledger import reads
from engine.paper.faults import FaultKind, Match
from tests.flows.rig import QUICK, Rig, open_rig, until
from tests.paper.clients import KEY

ORDER = Match(method="POST", path="/api/v3/order")
DEPTH = Match(method="GET", path="/api/v3/depth")


async def test_limit_entry_is_filled_and_booked(rig: Rig) -> None:
    """A marketable limit entry becomes one order, one fill and one position; the books agree."""
    answer = await rig.desk.entries.run(rig.entry("0.001", "50100"))
    assert ("OK", Outcome.PLACED, True) == (answer.code, answer.outcome, answer.recorded), answer
    view = await rig.only_intent()
    assert ("confirmed", "filled") == (view["state"], view["order"] and view["order"]["status"])
    assert answer.intent is not None
    assert set(view) == set(answer.intent)
    same = set(view) - {"created_at", "updated_at", "exchange_deadline", "expires_at", "order"}
    assert {name: view[name] for name in same} == {name: answer.intent[name] for name in same}  # type: ignore[literal-required]
    assert view["order"] is not None
    assert answer.intent["order"] is not None
    same = set(view["order"]) - {"exchange_time", "finished_at"}
    assert set(view["order"]) == set(answer.intent["order"])
    assert {name: view["order"][name] for name in same} == {  # type: ignore[literal-required]
        name: answer.intent["order"][name]  # type: ignore[literal-required]
        for name in same
    }
    figures = await rig.figures()
    assert "0" == figures["reserved_for_orders"]
    assert Decimal("0.001") * 50_010 >= Decimal(figures["reserved_for_positions"])
    await rig.check_books()


async def test_market_entry_goes_out_as_bounded_limit(rig: Rig) -> None:
    """A market entry is a limit IOC at the worst price of a fresh ask: it cannot cost more than reserved."""
    await rig.quote()
    answer = await rig.desk.entries.run(rig.entry("0.001", None))
    assert "OK" == answer.code, answer
    view = await rig.only_intent()
    assert ("market", "IOC", "50510.1") == (view["type"], view["time_in_force"], view["limit_price"])
    rig.exchange_orders()
    (order,) = rig.paper.oracle.orders.values()
    assert ("LIMIT", "IOC", Decimal("50510.1")) == (order.type, order.time_in_force, order.price)
    await rig.check_books()


async def test_resting_entry_holds_its_reservation(rig: Rig) -> None:
    """An order that rests is open in the ledger with everything it may cost set aside, and frees the lock."""
    answer = await rig.desk.entries.run(rig.entry("0.01", "40000", label="mine"))
    assert answer.intent is not None
    assert ("open", "mine") == (
        answer.intent["order"] and answer.intent["order"]["status"],
        answer.intent["label"],
    )
    figures = await rig.figures()
    assert Decimal(figures["reserved_for_orders"]) >= 400
    assert "OK" == (await rig.desk.entries.run(rig.entry("0.001", "40000"))).code
    await rig.check_books()


@pytest.mark.parametrize(("price", "time_in_force"), [("49000", "IOC"), ("50100", "FOK"), (None, "GTC")])
async def test_entry_that_takes_nothing(rig: Rig, price: str | None, time_in_force: str) -> None:
    """An immediate entry that meets nothing to buy is placed and expired, and all its capital is back."""
    await rig.quote()
    ask = 50_010 if price else 51_000  # a market entry's price has moved away from its quote
    rig.paper.outside.pin("BTCUSDT", 50_000 * 10**8, ask * 10**8, 10**8 // 1000)
    answer = await rig.desk.entries.run(rig.entry("0.002", price, time_in_force=time_in_force))
    assert ("OK", Outcome.PLACED) == (answer.code, answer.outcome)
    order = (await rig.only_intent())["order"]
    assert order is not None
    assert ("expired", "0", "0") == (order["status"], order["filled_quantity"], order["booked_quantity"])
    figures = await rig.figures()
    assert ("1000", "0") == (figures["available"], figures["reserved_for_orders"])
    assert [] == await reads.list_positions(rig.observer, rig.tenant_id, rig.profile_id)
    assert "OK" == (await rig.desk.entries.run(rig.entry("0.001", "40000"))).code
    await rig.check_books()


async def test_refusal_of_the_exchange_releases_everything(rig: Rig) -> None:
    """What the exchange refuses for good is rejected with its own code, and all capital is back."""
    answer = await rig.desk.entries.run(rig.entry("0.001", "50100", post_only=True))
    assert ("REJECTED", Outcome.NOT_PLACED, True) == (answer.code, answer.outcome, answer.recorded)
    assert "-2010" == answer.details["exchange_code"]
    assert "rejected" == (await rig.only_intent())["state"]
    assert "1000" == (await rig.figures())["available"]
    assert "OK" == (await rig.desk.entries.run(rig.entry())).code
    await rig.check_books()


async def test_not_sent_releases_everything(rig: Rig) -> None:
    """A connection that is never made is known not to have sent: not placed, retryable with a new key."""
    rig.plug.when, rig.plug.what = "before submit", rig.plug.lose
    answer = await rig.desk.entries.run(rig.entry())
    assert ("NOT_PLACED", Outcome.NOT_PLACED, True) == (answer.code, answer.outcome, answer.retryable)
    assert "not_placed" == (await rig.only_intent())["state"]
    assert "1000" == (await rig.figures())["available"]
    assert {} == rig.exchange_orders()
    assert "OK" == (await rig.desk.entries.run(rig.entry())).code


@pytest.mark.parametrize(
    ("kind", "exists"),
    [
        (FaultKind.DROP_AFTER, True),
        (FaultKind.DROP_BEFORE, False),
        (FaultKind.UNKNOWN_AFTER, True),
        (FaultKind.EMPTY_200_AFTER, True),
    ],
)
async def test_unknown_outcome_keeps_everything(rig: Rig, kind: FaultKind, exists: bool) -> None:
    """An answer that says nothing leaves the intent in doubt, its capital reserved and its lock held."""
    rig.paper.fault(kind, match=ORDER)
    answer = await rig.desk.entries.run(rig.entry())
    assert ("IN_DOUBT", Outcome.UNKNOWN) == (answer.code, answer.outcome)
    assert "resolve_by" in answer.details
    view = await rig.only_intent()
    assert "in_doubt" == view["state"]
    figures = await rig.figures()
    assert view["reserved"] == figures["reserved_for_orders"]
    assert int(exists) == len(rig.exchange_orders())
    locked = await rig.desk.entries.run(rig.entry())
    assert ("ENTRY_LOCKED", view["client_order_id"]) == (locked.code, locked.details["client_order_id"])
    await rig.check_books()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": "1"}, "INSUFFICIENT_CAPITAL"),
        ({"symbol": "NOPE/USDT"}, "UNKNOWN_SYMBOL"),
        ({"quantity": "0.0000000001"}, "INVALID_QUANTITY"),
        ({"price": "50000.001"}, "INVALID_PRICE"),
        ({"quantity": "0.00001"}, "BELOW_MIN_NOTIONAL"),
        ({"profile": "nobody"}, "NOT_FOUND"),
    ],
)
async def test_denials_send_nothing(rig: Rig, changes: dict[str, Any], code: str) -> None:
    """What we refuse has a code and leaves neither an intent nor a call to the exchange."""
    given = {"quantity": "0.001", "price": "50100", **changes}
    answer = await rig.desk.entries.run(rig.entry(given.pop("quantity"), given.pop("price"), **given))
    assert (code, Outcome.NOT_PLACED) == (answer.code, answer.outcome)
    assert [] == await rig.intents()
    assert "before submit" not in rig.plug.crossings
    assert "1000" == (await rig.figures())["available"]


async def test_a_price_that_nobody_kept_is_asked_for(rig: Rig) -> None:
    """The first market entry of a symbol, or one after a quiet while, asks for the ask itself; once."""
    kept = rig.session.quotes._quotes
    for key, asked in (("first", 1), ("at once", 1), ("later", 2)):
        if key == "later":
            kept["BTC/USDT"] = replace(kept["BTC/USDT"], at_ms=kept["BTC/USDT"].at_ms - 3_000)
        answer = await rig.desk.entries.run(rig.entry("0.001", None, key=key))
        assert ("OK", asked) == (answer.code, rig.plug.crossings.count("before best_ask"))


async def test_no_price_no_market_entry(rig: Rig) -> None:
    """Where nothing is known of the price and the exchange does not say it, nothing is opened or sent."""
    rig.paper.fault(FaultKind.HTTP_5XX_BEFORE, match=DEPTH)
    answer = await rig.desk.entries.run(rig.entry("0.001", None))
    assert ("STALE_PRICE", True, None) == (answer.code, answer.retryable, answer.details["age_ms"])
    assert [] == await rig.intents()
    assert "before submit" not in rig.plug.crossings


async def test_old_quote_is_stale(rig: Rig) -> None:
    """A market entry is denied if the ask is older than the spec allows, and no other is to be had."""
    await rig.quote()
    rig.paper.fault(FaultKind.HTTP_5XX_BEFORE, match=DEPTH)
    rig.gateway._exchange_clock._anchor_ms += 3_000  # the exchange's clock goes on, no quote comes
    answer = await rig.desk.entries.run(rig.entry("0.001", None))
    assert ("STALE_PRICE", True) == (answer.code, answer.retryable)
    assert answer.details["age_ms"] >= 3_000


async def test_known_key_of_a_stale_market_entry(rig: Rig) -> None:
    """A market entry that is asked for again keeps its answer, though there is no fresh price any more."""
    await rig.quote()
    first = await rig.desk.entries.run(rig.entry("0.001", None, key="k"))
    rig.paper.fault(FaultKind.HTTP_5XX_BEFORE, match=DEPTH)
    rig.gateway._exchange_clock._anchor_ms += 3_000
    again = await rig.desk.entries.run(rig.entry("0.001", None, key="k"))
    assert ("OK", "OK", True) == (first.code, again.code, again.replay)
    other = await rig.desk.entries.run(rig.entry("0.002", None, key="k"))
    assert "IDEMPOTENCY_KEY_REUSED" == other.code


async def test_foreign_profile_is_not_found(rig: Rig) -> None:
    """Another tenant's profile is not there, by id or by name."""
    command = rig.entry(profile=str(rig.profile_id))
    assert "OK" == (await rig.desk.entries.run(command)).code
    foreign = command.__class__(
        **{
            **{name: getattr(command, name) for name in command.__slots__},
            "tenant_id": uuid4(),
            "idempotency_key": "other",
        }
    )
    assert "NOT_FOUND" == (await rig.desk.entries.run(foreign)).code


async def test_replay_gives_the_first_answer(rig: Rig) -> None:
    """The same key and body answers with the recorded intent; another body is refused; nothing is resent."""
    first = await rig.desk.entries.run(rig.entry(key="k"))
    again = await rig.desk.entries.run(rig.entry(key="k"))
    assert first.intent is not None
    assert again.intent is not None
    assert (True, "OK", first.intent["id"]) == (again.replay, again.code, again.intent["id"])
    other = await rig.desk.entries.run(rig.entry("0.002", key="k"))
    assert "IDEMPOTENCY_KEY_REUSED" == other.code
    assert 1 == len(rig.exchange_orders())


async def test_stored_denial_is_replayed(rig: Rig) -> None:
    """A denial by capital stays the answer of its key, with its numbers."""
    first = await rig.desk.entries.run(rig.entry("0.1", key="k"))
    again = await rig.desk.entries.run(rig.entry("0.1", key="k"))
    assert ("INSUFFICIENT_CAPITAL", False, True) == (again.code, first.replay, again.replay)
    assert dict(first.details) == dict(again.details)


async def test_replay_of_an_unresolved_intent(rig: Rig) -> None:
    """While the first request is in doubt its key answers so, and is not sent a second time."""
    rig.paper.fault(FaultKind.DROP_AFTER, match=ORDER)
    await rig.desk.entries.run(rig.entry(key="k"))
    again = await rig.desk.entries.run(rig.entry(key="k"))
    assert ("IN_DOUBT", Outcome.UNKNOWN, True) == (again.code, again.outcome, again.replay)
    assert 1 == rig.plug.crossings.count("before submit")


async def test_same_key_at_the_same_time(rig: Rig) -> None:
    """Two requests of one key that run together become one order and two equal answers."""
    first, second = await asyncio.gather(*(rig.desk.entries.run(rig.entry(key="k")) for _ in range(2)))
    assert ["OK", "OK"] == [first.code, second.code]
    assert {False, True} == {first.replay, second.replay}
    assert 1 == len(rig.exchange_orders())


async def test_expired_while_waiting(rig: Rig) -> None:
    """An entry whose turn comes too late is dropped unsent, with its own code."""
    gate = asyncio.Event()

    rig.plug.when, rig.plug.what = "before submit", gate.wait
    first = asyncio.create_task(rig.desk.entries.run(rig.entry()))
    await until(lambda: "after fn_open_entry" in rig.plug.crossings)
    late = await rig.desk.entries.run(rig.entry(expires_after_ms=20))
    gate.set()
    assert "INTENT_EXPIRED" == late.code
    assert "OK" == (await first).code
    assert 1 == len(await rig.intents())


async def test_sixteen_robots_race(rig: Rig) -> None:
    """Sixteen entries on one profile and symbol over two processes: one at a time, never over the capital."""
    second = rig.restart()
    desks = [rig.desk, second] * 8
    answers = await asyncio.gather(*(desk.entries.run(rig.entry("0.003", "50100")) for desk in desks))
    codes = [answer.code for answer in answers]
    assert {"OK", "INSUFFICIENT_CAPITAL", "ENTRY_LOCKED"} >= set(codes), codes
    assert 1 <= codes.count("OK") <= 6
    assert codes.count("OK") == len(rig.exchange_orders())
    figures = await rig.figures()
    assert 0 <= Decimal(figures["available"])
    sent = [c for c in rig.plug.crossings if c in {"before submit", "after fn_persist_entry_lifecycle"}]
    assert "before submit" == sent[0]
    await rig.check_books()


async def test_one_process_queues_its_robots(rig: Rig) -> None:
    """In one process nobody is refused for the lock: each waits its turn, in order of arrival."""
    answers = await asyncio.gather(*(rig.desk.entries.run(rig.entry("0.001", "40000")) for _ in range(16)))
    assert ["OK"] * 16 == [answer.code for answer in answers]
    steps = [
        c for c in rig.plug.crossings if c in {"after fn_open_entry", "after fn_persist_entry_lifecycle"}
    ]
    assert ["after fn_open_entry", "after fn_persist_entry_lifecycle"] * 16 == steps
    ids = [answer.intent["id"] for answer in answers if answer.intent is not None]
    assert sorted(ids) == ids
    await rig.check_books()


async def test_full_queue_is_busy(database: Any, paper: Any) -> None:
    """A line that is full refuses at once instead of growing."""
    async with open_rig(database, paper, timings=replace(QUICK, queue_length_max=2)) as rig:
        answers = await asyncio.gather(*(rig.desk.entries.run(rig.entry("0.001", "40000")) for _ in range(5)))
        assert ["OK", "OK", "OK", "BUSY", "BUSY"] == [answer.code for answer in answers]


async def test_third_asset_fee_is_valued(rig: Rig) -> None:
    """A fee in a third asset is booked at the rate of its moment, and the account's books still agree."""
    rig.paper.matching.accounts[KEY].fee_asset = "BNB"
    rig.paper.deposit(KEY, "BNB", 10 * 10**8)
    answer = await rig.desk.entries.run(rig.entry("0.001", "50100"))
    assert "OK" == answer.code
    view = await rig.only_intent()
    assert view["order"] is not None
    assert ["BNB"] == list(view["order"]["fees"])
    assert "filled" == view["order"]["status"]
    (fill,) = await reads.list_fills(rig.observer, rig.tenant_id, {})
    assert fill["fee_value"] is not None


async def test_unvalued_fee_is_valued_later(rig: Rig) -> None:
    """Without a price the fill is booked and flagged, its reservation stays, until a price is there."""
    rig.paper.matching.accounts[KEY].fee_asset = "BNB"
    rig.paper.deposit(KEY, "BNB", 10 * 10**8)
    instruments = rig.session.instruments
    rig.session.instruments = {name: each for name, each in instruments.items() if name != "BNB/USDT"}
    assert "OK" == (await rig.desk.entries.run(rig.entry("0.001", "50100"))).code
    assert 0 == await rig.desk.recorder.value_late(rig.session)
    assert Decimal(0) < Decimal((await rig.figures())["reserved_for_orders"])
    rig.session.instruments = instruments
    fresh = rig.restart()  # the rate that was not found is remembered for a while
    assert 1 == await fresh.recorder.value_late(rig.session)
    assert 0 == await fresh.recorder.value_late(rig.session)
    (fill,) = await reads.list_fills(rig.observer, rig.tenant_id, {})
    assert "candle BNB/USDT" == fill["rate_source"]
    assert "0" == (await rig.figures())["reserved_for_orders"]
