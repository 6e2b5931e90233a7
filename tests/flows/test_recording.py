"""Proves what happens to facts and releases when the database or another owner gets in between."""

import asyncio
from uuid import UUID

from engine.domain.errors import Outcome
from engine.ledger import capital, intents
from engine.ledger.capital import By
from engine.ledger.intents import Ending
from tests.flows.rig import Rig, until


async def test_database_away_while_recording(rig: Rig) -> None:
    """Placed but not recorded in time is answered so; the fact is kept until the database is back."""
    rig.plug.when = "after submit"
    rig.plug.what = lambda: setattr(rig.plug, "down", True)
    answer = await rig.desk.entries.run(rig.entry())
    assert ("OK", Outcome.PLACED, False) == (answer.code, answer.outcome, answer.recorded)
    assert answer.intent is not None
    placed = {answer.intent["client_order_id"]: [answer.details["exchange_order_id"]]}
    assert placed == rig.exchange_orders()
    assert "sending" == (await rig.only_intent())["state"]
    assert 1 == rig.desk.recorder.pending
    rig.plug.down = False
    await until(lambda: rig.desk.recorder.pending == 0)
    assert "confirmed" == (await rig.only_intent())["state"]
    await rig.check_books()


async def test_refusal_not_recorded_in_time(rig: Rig) -> None:
    """A refusal of the exchange is told although it is not recorded; its capital is released afterwards."""
    rig.plug.when = "before submit"
    rig.plug.what = lambda: setattr(rig.plug, "down", True)
    answer = await rig.desk.entries.run(rig.entry("0.001", "50100", post_only=True))
    assert ("REJECTED", Outcome.NOT_PLACED, False) == (answer.code, answer.outcome, answer.recorded)
    assert "1000" != (await rig.figures())["available"]
    rig.plug.down = False
    await until(lambda: rig.desk.recorder.pending == 0)
    assert "1000" == (await rig.figures())["available"]


async def test_database_away_before_opening(rig: Rig) -> None:
    """Without a database nothing is opened and nothing is sent; the same key works when it is back."""
    await rig.desk.context.accounts.profile(rig.tenant_id, "first")
    rig.plug.down = True
    answer = await rig.desk.entries.run(rig.entry(key="k"))
    assert ("DATABASE_UNAVAILABLE", Outcome.NOT_PLACED) == (answer.code, answer.outcome)
    assert "before submit" not in rig.plug.crossings
    rig.plug.down = False
    assert "OK" == (await rig.desk.entries.run(rig.entry(key="k"))).code


async def test_opening_never_confirmed_is_disowned(rig: Rig) -> None:
    """An intent whose opening we were never told of is not sent, and ended as soon as it can be seen."""
    rig.plug.when, rig.plug.what, rig.plug.times = "after fn_open_entry", rig.plug.lose, 1_000
    answer = await rig.desk.entries.run(rig.entry(key="k"))
    assert ("DATABASE_UNAVAILABLE", Outcome.NOT_PLACED) == (answer.code, answer.outcome)
    rig.plug.when = None
    await until(lambda: "after fn_not_placed" in rig.plug.crossings)
    await until(lambda: rig.desk.recorder.pending == 0)
    assert "not_placed" == (await rig.only_intent())["state"]
    assert "1000" == (await rig.figures())["available"]
    assert {} == rig.exchange_orders()
    assert "NOT_PLACED" == (await rig.desk.entries.run(rig.entry(key="k"))).code


async def test_stale_owner_releases_nothing(rig: Rig) -> None:
    """An owner whose intent was ended by another is refused, counted and audited; what is recorded counts."""
    gate = asyncio.Event()
    rig.plug.when, rig.plug.what = "before fn_reject_entry", gate.wait
    entering = asyncio.create_task(rig.desk.entries.run(rig.entry("0.001", "50100", post_only=True)))
    await until(lambda: "before fn_reject_entry" in rig.plug.crossings)
    view = await rig.only_intent()
    intent_id, tenant_id = UUID(view["id"]), rig.tenant_id
    doubt = Ending(intent_id, view["fencing_token"], "taken over")
    assert (await intents.mark_in_doubt(rig.observer, tenant_id, doubt)).done
    by = By("operator:test", "the exchange says no", "settle")
    settled = await capital.settle(rig.observer, tenant_id, intent_id, "not_placed", None, by=by)
    assert "OK" == settled["code"]
    gate.set()
    answer = await entering
    assert ("NOT_PLACED", Outcome.NOT_PLACED) == (answer.code, answer.outcome)
    assert "not_placed" == (await rig.only_intent())["state"]
    assert "1000" == (await rig.figures())["available"]
    counted = rig.ledger.metrics.registry.get_sample_value(
        "holdfast_stale_token_attempts_total", {"tenant": str(tenant_id), "function": "fn_reject_entry"}
    )
    assert 1 == counted
    admin = await rig.database.admin()
    codes = await admin.fetch("SELECT code FROM engine.audit WHERE code IS NOT NULL")
    assert "STALE_TOKEN" in [row["code"] for row in codes]


async def test_false_absence_halts_the_profile(rig: Rig) -> None:
    """An order that shows up after it was held for absent is booked, the profile halts, and it is counted."""
    gate = asyncio.Event()
    rig.plug.when, rig.plug.what = "after submit", gate.wait
    entering = asyncio.create_task(rig.desk.entries.run(rig.entry()))
    await until(lambda: "after submit" in rig.plug.crossings)
    view = await rig.only_intent()
    wrong = Ending(UUID(view["id"]), view["fencing_token"], "wrongly held for absent")
    assert (await intents.not_placed(rig.observer, rig.tenant_id, wrong)).done
    gate.set()
    answer = await entering
    assert ("OK", Outcome.PLACED) == (answer.code, answer.outcome)
    assert "confirmed" == (await rig.only_intent())["state"]
    assert "halted" == (await rig.figures())["mode"]
    assert 1 == rig.ledger.metrics.registry.get_sample_value("holdfast_false_absence_total")
    assert "MODE_HALTED" == (await rig.desk.entries.run(rig.entry())).code
    assert "OK" == (await rig.desk.exits.run(rig.exit())).code
    await rig.check_books()
