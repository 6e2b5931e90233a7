"""fn_request_reconciliation: somebody asks the holder of the lease for a pass."""

from uuid import UUID, uuid4

from tests.sql.capital.world import OPERATOR, World


async def test_a_request_waits_for_its_answer(world: World) -> None:
    """It names who asked and for what, and is on record."""
    one = world.one
    asked = (one.account, one.profile, True, OPERATOR)
    request = await world.call("fn_request_reconciliation", one.id, *asked)
    shown = await world.call("fn_get_request", one.id, request)
    assert (str(request), str(one.account), str(one.profile), True, OPERATOR, None, None) == tuple(
        shown[of]
        for of in ("request_id", "account_id", "profile_id", "dry_run", "actor", "pass_id", "result")
    )
    action = await world.admin.fetchval(
        "SELECT action FROM engine.audit WHERE actor = $1 ORDER BY audit_id DESC", OPERATOR
    )
    assert "request_reconciliation" == action
    assert isinstance(request, UUID)


async def test_refusals_leave_nothing(world: World) -> None:
    """Unknown accounts and profiles, and an actor without a name, are refused."""
    one = world.one

    async def all_refused() -> None:
        name = "fn_request_reconciliation"
        await world.refused("HF404", name, one.id, world.other.account, None, False, OPERATOR)
        await world.refused("HF404", name, one.id, one.account, uuid4(), False, OPERATOR)
        await world.refused("HF422", name, one.id, one.account, None, False, " ")
        await world.refused_to_foreign_claim(name, one.account, None, False, OPERATOR)

    await world.leaves_nothing(all_refused)
