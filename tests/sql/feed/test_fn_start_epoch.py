"""fn_start_epoch: after a restored backup every reader must begin anew."""

from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World


async def test_epoch_rises_and_numbers_go_on(world: World) -> None:
    """The epoch is the next one, last_seq stays, the audit says who and why; a second call begins another."""
    last = (await world.call("fn_sequence_feed", world.one.id, 10_000))["last_seq"]
    begun = await world.call("fn_start_epoch", world.one.id, OPERATOR, "restored")
    assert {"epoch": 2, "last_seq": last} == begun
    page = await world.call("fn_read_feed", world.one.id, 0, 10, None)
    assert 2 == page["epoch"]
    audit = await world.admin.fetchrow("SELECT actor, detail FROM engine.audit WHERE action = 'start_epoch'")
    assert (OPERATOR, True) == (audit["actor"], "restored" in audit["detail"])
    assert 3 == (await world.call("fn_start_epoch", world.one.id, OPERATOR, "again"))["epoch"]


async def test_reason_actor_and_tenant_are_required(world: World) -> None:
    """Without a reason or an actor, or for a tenant that is not there, nothing changes."""
    for args, state in (
        ((world.one.id, OPERATOR, " "), "HF422"),
        ((world.one.id, None, "x"), "HF422"),
        ((uuid4(), OPERATOR, "x"), "HF404"),
    ):
        await world.leaves_nothing(
            lambda args=args, state=state: world.refused(state, "fn_start_epoch", *args)
        )


async def test_foreign_claim_is_refused(world: World) -> None:
    """Claims of another tenant begin no epoch."""
    await world.refused_to_foreign_claim("fn_start_epoch", OPERATOR, "x")
