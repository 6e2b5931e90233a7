"""fn_get_modes: every mode that has a say, and the strictest for each profile."""

from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World


async def test_the_strictest_level_counts(world: World) -> None:
    """Halted stands above reducing whatever the level; of equals the widest level is named."""
    one = world.one

    async def effective() -> tuple[str, str | None, str | None]:
        (profile,) = (await world.call("fn_get_modes", one.id))["profiles"]
        shown = profile["effective"]
        return shown["mode"], shown["level"], shown["reason"]

    assert ("active", None, None) == await effective()
    await world.call("fn_set_mode", one.id, "tenant", None, "reducing", OPERATOR, "t")
    assert ("reducing", "tenant", "t") == await effective()
    await world.call("fn_set_mode", one.id, "profile", one.profile, "halted", OPERATOR, "p")
    assert ("halted", "profile", "p") == await effective()
    await world.call("fn_set_engine_mode", "halted", "e", OPERATOR)
    assert ("halted", "engine") == (await effective())[:2]
    shown = await world.call("fn_get_modes", one.id)
    assert ("halted", "reducing", ["active"]) == (
        shown["engine"]["mode"],
        shown["tenant"]["mode"],
        [account["mode"] for account in shown["accounts"]],
    )


async def test_refusals(world: World) -> None:
    """An unknown tenant is not found; a foreign claim is refused."""
    await world.refused("HF404", "fn_get_modes", uuid4())
    await world.refused_to_foreign_claim("fn_get_modes")
