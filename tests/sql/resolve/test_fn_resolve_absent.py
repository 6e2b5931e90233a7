"""fn_resolve_absent: an intent is released only by two complete reads that count, and only by the holder."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from tests.sql.capital.trading import confirmed, fill_item, in_doubt, one, sending
from tests.sql.capital.world import World
from tests.sql.lifecycle.acts import selling, state_of, token_of
from tests.sql.resolve.looks import GAP_MS, deadline, lease, look, verdicts


async def absent(world: World, intent: UUID, token: int, proof: dict[str, Any]) -> str:
    code: str = (await world.call("fn_resolve_absent", world.one.id, intent, token, proof))["code"]
    return code


async def test_second_read_releases_everything_once(world: World) -> None:
    """The first read that counts is kept, the second ends the intent under a new token; again: a replay."""
    intent = await in_doubt(world)
    token, own = await lease(world), await token_of(world, intent)
    assert "NOT_PROVEN" == await absent(world, intent, token, await look(world, intent, 20))
    assert ("in_doubt", "500.5") == (
        await state_of(world, intent),
        (await world.capital())["reserved_for_orders"],
    )
    assert "OK" == await absent(world, intent, token, await look(world, intent, 23))
    assert ("not_placed", "1000") == (await state_of(world, intent), (await world.capital())["available"])
    assert own < await token_of(world, intent)
    assert ["nothing_shown", "absent"] == await verdicts(world, intent)
    again = await look(world, intent, 30)
    assert "OK" == await world.leaves_nothing(lambda: absent(world, intent, token, again))
    await sending(world, "e2")
    await world.consistent()


async def test_an_exit_gives_its_quantity_back(world: World) -> None:
    """Proven absent, an exit's quantity can be sold again."""
    entry = await confirmed(world)
    fill = {"status": "filled", "filled_quantity": "0.01", "exchange_time": None}
    bought = {"intent_id": str(entry), "exchange_order_id": "e1", **fill, "fills": []}
    await one(world, "fn_persist_entry_lifecycle", bought)
    await one(world, "fn_apply_fill", fill_item(world.one, "e1", "t1", quantity="0.01", fee_quantity="0"))
    item = await selling(world)
    intent, token = UUID(item["intent_id"]), await lease(world)
    await world.database.advance_clock(31)
    await absent(world, intent, token, await look(world, intent, 20))
    assert "OK" == await absent(world, intent, token, await look(world, intent, 23))
    await selling(world, "x2", quantity="0.01")
    await world.consistent()


async def test_what_does_not_count_is_no_second_read(world: World) -> None:
    """Reads before the moment that counts, without the gap, or with a present in between release nothing."""
    intent, token = await in_doubt(world), await lease(world)
    early = await look(world, intent, 5)
    assert "NOT_PROVEN" == await absent(world, intent, token, early)
    assert "NOT_PROVEN" == await absent(world, intent, token, await look(world, intent, 20))
    close = await look(world, intent, 20 + GAP_MS / 1000)  # the first ended 0.1 s after it began
    assert "NOT_PROVEN" == await absent(world, intent, token, close)
    nothing = await look(world, intent, 25, verdict="no_evidence")
    await world.call("fn_record_proof", world.one.id, intent, token, nothing)
    assert "in_doubt" == await state_of(world, intent)
    shown = await look(world, intent, 26, verdict="present")
    await world.call("fn_record_proof", world.one.id, intent, token, shown)
    assert "CONTRADICTED" == await absent(world, intent, token, await look(world, intent, 30))
    assert ("in_doubt", "500.5") == (
        await state_of(world, intent),
        (await world.capital())["reserved_for_orders"],
    )


async def test_no_evidence_is_never_the_first_read(world: World) -> None:
    """A failed look and a complete one are not two complete ones."""
    intent, token = await in_doubt(world), await lease(world)
    failed = await look(world, intent, 20, verdict="no_evidence")
    await world.call("fn_record_proof", world.one.id, intent, token, failed)
    assert "NOT_PROVEN" == await absent(world, intent, token, await look(world, intent, 30))


async def test_tier_c_is_never_absent(world: World) -> None:
    """An exchange that cannot be asked by client order id proves no absence, however often it is read."""
    intent, token = await in_doubt(world), await lease(world)
    await world.admin.execute("UPDATE engine.exchange_accounts SET tier = 'C'")
    for after_s in (100, 200, 300):
        assert "NOT_PROVEN" == await absent(world, intent, token, await look(world, intent, after_s))


async def test_sender_at_work_is_waited_for(world: World) -> None:
    """An intent that is sending is not taken from its owner before its time is over."""
    intent, token = await sending(world), await lease(world)
    for after_s in (20, 30):
        assert "NOT_PROVEN" == await absent(world, intent, token, await look(world, intent, after_s))
    await world.database.advance_clock(31)
    assert "OK" == await absent(world, intent, token, await look(world, intent, 40))


async def test_confirmed_stays_confirmed(world: World) -> None:
    """An order that was confirmed meanwhile, and an intent that waits for an operator, are left alone."""
    intent, token = await confirmed(world), await lease(world)
    assert "ILLEGAL_TRANSITION" == await absent(world, intent, token, await look(world, intent, 20))
    await world.allocate("1000", "more")
    other = await in_doubt(world, "e2")
    await world.call("fn_needs_operator", world.one.id, other, token, "why", None)
    assert "ILLEGAL_TRANSITION" == await absent(world, other, token, await look(world, other, 20))
    assert [] == await verdicts(world, intent)


async def test_only_the_holder_may(world: World) -> None:
    """Another token, an expired lease and a taken-over one are refused, and nothing is left of the call."""
    intent, token = await in_doubt(world), await lease(world, 10_000)
    proof = await look(world, intent, 20)

    async def refused(given: int) -> None:
        await world.refused("HF410", "fn_resolve_absent", world.one.id, intent, given, proof)

    await world.leaves_nothing(lambda: refused(token + 1))
    await world.database.advance_clock(11)
    await world.leaves_nothing(lambda: refused(token))
    newer = await lease(world)
    await world.leaves_nothing(lambda: refused(token))
    assert "NOT_PROVEN" == await absent(world, intent, newer, proof)


async def test_late_sender_releases_nothing(world: World) -> None:
    """After the resolver took over, the sender's refusal is kept as evidence, its confirmation is booked."""
    intent, token = await in_doubt(world), await lease(world)
    own = await token_of(world, intent)
    await absent(world, intent, token, await look(world, intent, 20))
    await absent(world, intent, token, await look(world, intent, 23))
    late = {"intent_id": str(intent), "fencing_token": own, "exchange_code": "-2010", "message": "no"}
    (answer,) = await world.call("fn_reject_entry", world.one.id, [late])
    assert "STALE_TOKEN" == answer["code"]
    fact = {"intent_id": str(intent), "exchange_order_id": "x1", "status": "open", "fills": []}
    (answer,) = await world.call("fn_persist_entry_lifecycle", world.one.id, [fact])
    assert ("OK", True) == (answer["code"], answer["false_absence"])
    assert "halted" == (await world.capital())["mode"]
    await world.consistent()


async def test_refusals_leave_nothing(world: World) -> None:
    """No gap, a moment before the exchange's deadline, missing parts, unknown and foreign intents."""
    intent, token = await in_doubt(world), await lease(world)
    told = await look(world, intent)
    too_soon = (await deadline(world, intent) - timedelta(seconds=1)).isoformat()

    async def all_refused() -> None:
        for bad in (
            {**told, "read_gap_ms": 0},
            {**told, "read_gap_ms": None},
            {**told, "counts_from": too_soon},
            {**told, "counts_from": None},
            {**told, "asked": None},
        ):
            await world.refused("HF422", "fn_resolve_absent", world.one.id, intent, token, bad)
        await world.refused("HF404", "fn_resolve_absent", world.one.id, uuid4(), token, told)
        await world.refused("HF404", "fn_resolve_absent", world.other.id, intent, token, told)
        await world.refused_to_foreign_claim("fn_resolve_absent", intent, token, told)

    await world.leaves_nothing(all_refused)
