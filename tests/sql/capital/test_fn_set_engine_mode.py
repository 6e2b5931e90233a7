"""fn_set_engine_mode: the whole engine's mode, with actor and reason."""

from tests.sql.capital.world import OPERATOR, World


async def test_sets_mode_and_reason(world: World) -> None:
    """The settings show the new mode and who set it; the same call again changes nothing."""
    answer = await world.call("fn_set_engine_mode", "halted", "exchange is down", OPERATOR)
    assert ("halted", f"{OPERATOR}: exchange is down") == (answer["mode"], answer["mode_reason"])
    assert answer == await world.call("fn_engine_settings")
    await world.leaves_nothing(
        lambda: world.call("fn_set_engine_mode", "halted", "exchange is down", OPERATOR)
    )


async def test_bad_arguments_are_refused(world: World) -> None:
    """Mode, reason and actor are checked; an engine that was never initialised has no mode."""

    async def all_refused() -> None:
        await world.refused("HF422", "fn_set_engine_mode", "paused", "x", OPERATOR)
        await world.refused("HF422", "fn_set_engine_mode", None, "x", OPERATOR)
        await world.refused("HF422", "fn_set_engine_mode", "active", " ", OPERATOR)
        await world.refused("HF422", "fn_set_engine_mode", "active", "x", None)

    await world.leaves_nothing(all_refused)
    await world.admin.execute("DELETE FROM engine.engine_settings")
    await world.refused("HF404", "fn_set_engine_mode", "active", "x", OPERATOR)
