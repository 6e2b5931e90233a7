"""Proves the life of an exit: it sells what the profile holds, once, and the books agree."""

import asyncio
from decimal import Decimal

from engine.domain.errors import Outcome
from engine.paper.faults import FaultKind, Match
from tests.flows.rig import Rig

ORDER = Match(method="POST", path="/api/v3/order")


async def test_exit_all_sells_what_lots_can_sell(rig: Rig) -> None:
    """An exit of all sells the position down to less than a lot; the rest is dust; the pnl is realized."""
    assert "OK" == (await rig.desk.entries.run(rig.entry("0.001"))).code
    answer = await rig.desk.exits.run(rig.exit())
    assert ("OK", Outcome.PLACED) == (answer.code, answer.outcome), answer
    assert answer.intent is not None
    assert ("exit", "0.00099", "filled") == (
        answer.intent["kind"],
        answer.intent["quantity"],
        answer.intent["order"] and answer.intent["order"]["status"],
    )
    figures = await rig.figures()
    assert "0" == figures["reserved_for_orders"]
    assert Decimal(figures["realized_pnl"]) < 0  # the spread and two fees
    await rig.check_books()


async def test_limit_exit_reserves_the_position(rig: Rig) -> None:
    """A resting exit sets its quantity aside: the same base cannot be sold twice."""
    await rig.desk.entries.run(rig.entry("0.002"))
    resting = await rig.desk.exits.run(rig.exit("0.0015", "60000"))
    assert ("OK", "open") == (
        resting.code,
        resting.intent and resting.intent["order"] and resting.intent["order"]["status"],
    )
    denied = await rig.desk.exits.run(rig.exit("0.001"))
    assert ("INSUFFICIENT_POSITION", "0.00049") == (denied.code, denied.details["sellable"])
    assert "OK" == (await rig.desk.exits.run(rig.exit())).code
    await rig.check_books()


async def test_two_exits_of_all_at_once(rig: Rig) -> None:
    """Two robots that sell all at the same time sell it once."""
    await rig.desk.entries.run(rig.entry("0.001"))
    answers = await asyncio.gather(*(rig.desk.exits.run(rig.exit()) for _ in range(2)))
    assert ["OK", "INSUFFICIENT_POSITION"] == [answer.code for answer in answers]
    await rig.check_books()


async def test_refused_exit_gives_the_quantity_back(rig: Rig) -> None:
    """A definitive refusal of the exchange frees the position for the next exit."""
    await rig.desk.entries.run(rig.entry("0.001"))
    refused = await rig.desk.exits.run(rig.exit("0.0005", "50000", post_only=True))
    assert ("REJECTED", Outcome.NOT_PLACED) == (refused.code, refused.outcome)
    assert "OK" == (await rig.desk.exits.run(rig.exit())).code
    await rig.check_books()


async def test_exit_in_doubt_keeps_the_quantity(rig: Rig) -> None:
    """An exit of unknown outcome keeps its quantity reserved: nothing is sold twice."""
    await rig.desk.entries.run(rig.entry("0.001"))
    rig.paper.fault(FaultKind.DROP_AFTER, match=ORDER)
    answer = await rig.desk.exits.run(rig.exit(key="k"))
    assert ("IN_DOUBT", Outcome.UNKNOWN) == (answer.code, answer.outcome)
    assert "INSUFFICIENT_POSITION" == (await rig.desk.exits.run(rig.exit())).code
    assert "IN_DOUBT" == (await rig.desk.exits.run(rig.exit(key="k"))).code
    assert 2 == len(rig.exchange_orders())


async def test_exit_not_sent(rig: Rig) -> None:
    """An exit that never left is not placed, and its quantity is free again."""
    await rig.desk.entries.run(rig.entry("0.001"))
    rig.plug.when, rig.plug.what = "before submit", rig.plug.lose
    assert "NOT_PLACED" == (await rig.desk.exits.run(rig.exit())).code
    assert "OK" == (await rig.desk.exits.run(rig.exit())).code
    await rig.check_books()


async def test_exit_without_position_is_denied(rig: Rig) -> None:
    """There is nothing to sell: denied with the numbers, stored with the key, nothing sent."""
    answer = await rig.desk.exits.run(rig.exit("0.001", key="k"))
    assert ("INSUFFICIENT_POSITION", "0") == (answer.code, answer.details["sellable"])
    assert (await rig.desk.exits.run(rig.exit("0.001", key="k"))).replay
    assert {} == rig.exchange_orders()
