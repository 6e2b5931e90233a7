"""fn_unlock_reconciliation: a lock is given back by its own token only."""

from uuid import uuid4

from tests.sql.capital.world import World
from tests.sql.reconcile.passes import Passes


async def test_given_back_once(world: World, passes: Passes) -> None:
    """With its token the lock is free; a second time, or with another token, nothing changes."""
    one = world.one
    lock = await world.call("fn_lock_reconciliation", one.id, one.profile, uuid4(), passes.token, 60_000)
    token = lock["fencing_token"]
    for given, code in ((token + 1, "STALE_TOKEN"), (token, "OK"), (token, "STALE_TOKEN")):
        answer = await world.call("fn_unlock_reconciliation", one.id, one.profile, given)
        assert {"code": code} == answer
    other = await world.call("fn_lock_reconciliation", one.id, one.profile, uuid4(), passes.token, 60_000)
    assert "OK" == other["code"]
    await world.refused_to_foreign_claim("fn_unlock_reconciliation", one.profile, token)
