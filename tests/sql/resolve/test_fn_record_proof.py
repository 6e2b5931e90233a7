"""fn_record_proof: what was asked and answered about an intent is kept whole, and changes nothing else."""

from uuid import uuid4

import asyncpg
import pytest

from tests.sql.capital.trading import in_doubt
from tests.sql.capital.world import World
from tests.sql.resolve.looks import look, verdicts


async def test_a_look_is_kept_whole_and_shown(world: World) -> None:
    """Questions and answers stand in the order's timeline; intent, capital and lock are as before."""
    intent = await in_doubt(world)
    before = await world.call("fn_get_order", world.one.id, intent)
    for verdict in ("no_evidence", "nothing_shown", "present"):
        told = await look(world, intent, verdict=verdict, asked=[{"question": verdict, "answer": {"a": "1"}}])
        assert "OK" == (await world.call("fn_record_proof", world.one.id, intent, 7, told))["code"]
    assert ["no_evidence", "nothing_shown", "present"] == await verdicts(world, intent)
    assert before == await world.call("fn_get_order", world.one.id, intent)
    events = await world.call("fn_order_timeline", world.one.id, intent)
    shown = [event for event in events if event["proof"]]
    assert ["proof.no_evidence", "proof.nothing_shown", "proof.present"] == [each["type"] for each in shown]
    assert ("engine:test", 7, [{"question": "present", "answer": {"a": "1"}}]) == (
        shown[2]["proof"]["actor"],
        shown[2]["proof"]["lease_token"],
        shown[2]["proof"]["asked"],
    )


async def test_a_proof_is_never_changed(world: World) -> None:
    """Not even the owner of the tables can alter or remove what was seen."""
    intent = await in_doubt(world)
    await world.call("fn_record_proof", world.one.id, intent, None, await look(world, intent))
    for statement in ("UPDATE engine.proofs SET actor = 'x'", "DELETE FROM engine.proofs"):
        with pytest.raises(asyncpg.PostgresError) as caught:
            await world.admin.execute(statement)
        assert "HF411" == caught.value.sqlstate


async def test_refusals_leave_nothing(world: World) -> None:
    """Verdicts that end an intent, missing parts, unknown and foreign intents are refused."""
    intent = await in_doubt(world)
    told = await look(world, intent)

    async def all_refused() -> None:
        for verdict in ("absent", "operator", "lost", None):
            bad = {**told, "verdict": verdict}
            await world.refused("HF422", "fn_record_proof", world.one.id, intent, None, bad)
        for part in ("began_at", "ended_at", "asked", "actor"):
            bad = {name: value for name, value in told.items() if name != part}
            await world.refused("HF422", "fn_record_proof", world.one.id, intent, None, bad)
        await world.refused("HF404", "fn_record_proof", world.one.id, uuid4(), None, told)
        await world.refused("HF404", "fn_record_proof", world.other.id, intent, None, told)
        await world.refused_to_foreign_claim("fn_record_proof", intent, None, told)

    await world.leaves_nothing(all_refused)
