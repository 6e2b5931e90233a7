"""fn_unlock_reconciliation: a lock is given back by its own token only."""

from uuid import uuid4

from tests.sql.capital.world import World
from tests.sql.reconcile.passes import Passes

NAME = "fn_unlock_reconciliation"


async def test_given_back_once(world: World, passes: Passes) -> None:
    """With its token the lock is free; a second time, or with another token, nothing changes."""
    one = world.one
    (lock,) = await passes.lock(uuid4(), 60_000)
    token = lock["fencing_token"]
    for given, code in ((token + 1, "STALE_TOKEN"), (token, "OK"), (token, "STALE_TOKEN")):
        locks = [{"profile_id": str(one.profile), "fencing_token": given}]
        assert [{"code": code}] == await world.call(NAME, one.id, locks)
    (other,) = await passes.lock(uuid4(), 60_000)
    assert "OK" == other["code"]
    await world.refused_to_foreign_claim(NAME, locks)


async def test_several_at_once_each_by_its_token(world: World, passes: Passes) -> None:
    """Locks given back together are answered one by one in the order given; a stale one frees nothing."""
    one, holder = world.one, uuid4()
    profiles = [one.profile, await one.add_profile(world.conn, uuid4(), "second")]
    first, second = await passes.lock(holder, 60_000, *profiles)
    locks = [
        {"profile_id": str(profiles[1]), "fencing_token": second["fencing_token"]},
        {"profile_id": str(profiles[0]), "fencing_token": first["fencing_token"] - 1},
    ]
    assert [{"code": "OK"}, {"code": "STALE_TOKEN"}] == await world.call(NAME, one.id, locks)
    codes = [answer["code"] for answer in await passes.lock(uuid4(), 60_000, *profiles)]
    assert ["HELD", "OK"] == codes
    assert [] == await world.call(NAME, one.id, [])
