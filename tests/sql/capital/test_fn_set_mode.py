"""fn_set_mode: an operator stops or resumes a tenant, an account or a profile, with a reason."""

from decimal import Decimal
from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World


async def test_each_level_has_its_own_mode(world: World) -> None:
    """Tenant, account and profile are set one by one; each call is a fact and stands in the audit."""
    one = world.one
    for level, thing in (("tenant", None), ("account", one.account), ("profile", one.profile)):
        answer = await world.call("fn_set_mode", one.id, level, thing, "reducing", OPERATOR, f"test {level}")
        assert ("active", "reducing") == (answer["before"], answer["mode"])
    assert "reducing" == (await world.call("fn_get_tenant", one.id))["mode"]
    assert "test account" == (await world.call("fn_list_accounts", one.id))[0]["mode_reason"]
    assert "test profile" == (await world.capital())["mode_reason"]
    assert 3 == len(await world.outbox("mode.changed"))
    assert "active" == (await world.capital(world.other))["mode"]


async def test_a_profile_below_zero_cannot_resume(world: World) -> None:
    """While available is negative the profile may be reducing, never active."""
    one = world.one
    await world.allocate("10")
    args = ("TRADING_PNL", "AVAILABLE", Decimal(15), None, None, "loss", OPERATOR, "lost")
    await world.call("fn_adjust", one.id, one.profile, *args)
    resume = (one.id, "profile", one.profile, "active", OPERATOR, "again")
    detail = await world.leaves_nothing(lambda: world.refused("HF412", "fn_set_mode", *resume))
    assert {"available": "-5"} == detail
    await world.call("fn_set_mode", one.id, "profile", one.profile, "reducing", OPERATOR, "careful")
    await world.allocate("5", "more")
    assert "active" == (await world.call("fn_set_mode", *resume))["mode"]


async def test_refusals_leave_nothing(world: World) -> None:
    """Unknown levels, modes and ids, foreign things and claims, no reason and no actor are refused."""
    one, other = world.one, world.other

    async def all_refused() -> None:
        await world.refused("HF422", "fn_set_mode", one.id, "engine", None, "halted", OPERATOR, "x")
        await world.refused("HF422", "fn_set_mode", one.id, "profile", one.profile, "paused", OPERATOR, "x")
        await world.refused("HF422", "fn_set_mode", one.id, "profile", one.profile, "halted", OPERATOR, " ")
        await world.refused("HF422", "fn_set_mode", one.id, "profile", one.profile, "halted", None, "x")
        for level, thing in (("tenant", other.id), ("account", other.account), ("profile", other.profile)):
            await world.refused("HF404", "fn_set_mode", one.id, level, thing, "halted", OPERATOR, "x")
        await world.refused("HF404", "fn_set_mode", uuid4(), "tenant", None, "halted", OPERATOR, "x")
        await world.refused_to_foreign_claim("fn_set_mode", "tenant", None, "halted", OPERATOR, "x")

    await world.leaves_nothing(all_refused)
