"""fn_settle: an operator ends an intent whose outcome nobody can prove."""

import json
from uuid import uuid4

from tests.sql.capital.trading import in_doubt, sending
from tests.sql.capital.world import OPERATOR, World


async def test_not_placed_releases_everything(world: World) -> None:
    """The intent ends, its capital and lock are free; the same call again changes nothing."""
    await world.allocate("1000")
    intent = await in_doubt(world)
    before = await world.call("fn_get_order", world.one.id, intent)
    args = (world.one.id, intent, "not_placed", None, "s1", OPERATOR, "checked by hand")
    answer = await world.call("fn_settle", *args)
    assert ("OK", False, "not_placed", "checked by hand") == (
        answer["code"],
        answer["replay"],
        answer["order"]["state"],
        answer["order"]["reason"],
    )
    assert before["fencing_token"] < answer["order"]["fencing_token"]
    assert "1000" == (await world.capital())["available"]
    await sending(world, "e2")
    again = await world.leaves_nothing(lambda: world.call("fn_settle", *args))
    assert again["replay"]
    (told,) = await world.outbox("adjustment.settled")
    assert ("not_placed", "in_doubt", OPERATOR, "checked by hand") == tuple(
        told[name] for name in ("outcome", "before", "actor", "reason")
    )
    events = await world.call("fn_order_timeline", world.one.id, intent)
    assert [OPERATOR] == [each["event"]["actor"] for each in events if each["type"] == "entry.not_placed"]
    (proof,) = [event["proof"] for event in events if event["proof"]]
    assert ("operator", OPERATOR) == (proof["verdict"], proof["actor"])
    await world.consistent()


async def test_sending_is_settled_once_its_time_is_over(world: World) -> None:
    """A sender at work cannot be overruled; what it left behind can be ended by an operator's word."""
    await world.allocate("1000")
    intent = await sending(world)
    args = (world.one.id, intent, "not_placed", None, "s1", OPERATOR, "its machine is gone")
    await world.refused("HF409", "fn_settle", *args)
    await world.database.advance_clock(31)
    assert "not_placed" == (await world.call("fn_settle", *args))["order"]["state"]
    assert "1000" == (await world.capital())["available"]
    await world.consistent()


async def test_placed_does_what_a_confirmation_does(world: World) -> None:
    """The order is there under the exchange's id, its reservation stays; who said so is audited."""
    await world.allocate("1000")
    intent = await in_doubt(world)
    args = (world.one.id, intent, "placed", "x77", "s1", OPERATOR, "seen in the web page")
    answer = await world.call("fn_settle", *args)
    assert ("confirmed", "open", "x77") == (
        answer["order"]["state"],
        answer["order"]["order"]["status"],
        answer["order"]["exchange_order_id"],
    )
    assert "500.5" == (await world.capital())["reserved_for_orders"]
    row = await world.admin.fetchrow("SELECT actor, code, detail FROM engine.audit WHERE action = 'settle'")
    assert (OPERATOR, "OK", "x77") == (
        row["actor"],
        row["code"],
        json.loads(row["detail"])["exchange_order_id"],
    )
    assert (await world.leaves_nothing(lambda: world.call("fn_settle", *args)))["replay"]
    other = ("placed", "x78", "s1", OPERATOR, "again")
    await world.refused("HF414", "fn_settle", world.one.id, intent, *other)
    await world.consistent()


async def test_refusals_leave_nothing(world: World) -> None:
    """Intents nobody doubts, bad outcomes, missing keys, foreign things and claims are refused."""
    await world.allocate("1000")
    intent = await sending(world)
    one = world.one
    fine = ("not_placed", None, "s1", OPERATOR, "why")

    async def all_refused() -> None:
        await world.refused("HF409", "fn_settle", one.id, intent, *fine)
        for outcome, order in (
            ("placed", None),
            ("placed", " "),
            ("not_placed", "x1"),
            ("lost", None),
            (None, None),
        ):
            await world.refused("HF422", "fn_settle", one.id, intent, outcome, order, "s1", OPERATOR, "why")
        await world.refused("HF422", "fn_settle", one.id, intent, "not_placed", None, "s1", None, "why")
        await world.refused("HF422", "fn_settle", one.id, intent, "not_placed", None, "s1", OPERATOR, "")
        await world.refused("HF413", "fn_settle", one.id, intent, "not_placed", None, None, OPERATOR, "why")
        await world.refused("HF404", "fn_settle", one.id, uuid4(), *fine)
        await world.refused("HF404", "fn_settle", world.other.id, intent, *fine)
        await world.refused_to_foreign_claim("fn_settle", intent, *fine)

    await world.leaves_nothing(all_refused)
