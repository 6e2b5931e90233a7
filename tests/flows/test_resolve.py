"""Proves that intents in doubt are settled by what the exchange shows, and by nothing else."""

from decimal import Decimal

import pytest

from engine.paper.faults import FaultKind
from tests.flows.proving import BY_ID, CLOSED, OPEN, TRADES, fault, open_court
from tests.flows.rig import CrashError, Rig, until


async def test_answer_lost_is_proven_present(rig: Rig) -> None:
    """An order whose answer was lost is found by its id, booked with its fills, and not sent again."""
    fault(rig, FaultKind.DROP_AFTER)
    answer = await rig.desk.entries.run(rig.entry())
    assert "IN_DOUBT" == answer.code
    court = await open_court(rig)
    assert 1 == (await court.once()).present
    view = await rig.only_intent()
    assert view["order"] is not None
    assert ("confirmed", "filled") == (view["state"], view["order"]["status"])
    assert ["present"] == [proof["verdict"] for proof in await court.proofs()]
    assert 1 == len(rig.exchange_orders())
    await rig.check_books()


async def test_request_lost_is_proven_absent(rig: Rig) -> None:
    """A request that never arrived is released after two complete reads that count, a gap apart."""
    fault(rig, FaultKind.DROP_BEFORE)
    assert "IN_DOUBT" == (await rig.desk.entries.run(rig.entry())).code
    court = await open_court(rig)
    held = (await rig.figures())["reserved_for_orders"]
    early = await court.once()
    assert (1, Decimal(held)) == (early.waiting, Decimal((await rig.figures())["reserved_for_orders"]))
    view = await court.until_settled()
    assert ("not_placed", "proven absent") == (view["state"], view["reason"])
    figures = await rig.figures()
    assert ("1000", "0") == (figures["available"], figures["reserved_for_orders"])
    proofs = await court.proofs()
    assert ["nothing_shown", "absent"] == [proof["verdict"] for proof in proofs][-2:]
    assert {"no_evidence"} == {proof["verdict"] for proof in proofs[:-2]}
    assert "OK" == (await court.desk.entries.run(rig.entry())).code
    await rig.check_books()


async def test_sending_past_its_expiry_is_proven(rig: Rig) -> None:
    """What a process left behind that died after its send is looked at once its time is over, not before."""
    rig.plug.when, rig.plug.what = "after submit", rig.plug.crash
    with pytest.raises(CrashError):
        await rig.desk.entries.run(rig.entry())
    court = await open_court(rig)
    assert 0 == (await court.once()).present
    assert "sending" == (await rig.only_intent())["state"]
    await court.later(31)
    assert 1 == (await court.once()).present
    assert "confirmed" == (await rig.only_intent())["state"]
    await rig.check_books()


async def test_late_apply_is_not_missed(rig: Rig) -> None:
    """An exchange that applies a request within its validity, long after its answer, is waited for."""
    fault(rig, FaultKind.LATE_APPLY, delay_s=4)
    assert "IN_DOUBT" == (await rig.desk.entries.run(rig.entry("0.001", "49000"))).code
    court = await open_court(rig)
    assert 1 == (await court.once()).waiting
    await court.later(4.1)
    await until(lambda: bool(rig.exchange_orders()))
    view = await court.until_settled()
    assert ("confirmed", 1) == (view["state"], len(rig.exchange_orders()))
    await rig.check_books()


async def test_failed_reads_prove_nothing(rig: Rig) -> None:
    """While any one of the four questions fails, nothing is released, however often it is asked."""
    fault(rig, FaultKind.DROP_BEFORE)
    await rig.desk.entries.run(rig.entry())
    court = await open_court(rig)
    await court.later(20)
    for failing in (BY_ID, OPEN, CLOSED, TRADES):
        rig.paper.faults.clear()
        fault(rig, FaultKind.HTTP_5XX_BEFORE, failing, count=None, status=503)
        for _ in range(3):
            found = await court.once()
            assert (1, 0) == (found.unclear, found.absent), failing.path
            await court.later(120)
    assert "in_doubt" == (await rig.only_intent())["state"]
    rig.paper.faults.clear()
    view = await court.until_settled()
    assert "not_placed" == view["state"]
    await rig.check_books()
