"""fn_engine_settings: the engine's own settings, for everybody."""

from tests.sql.capital.world import World


async def test_shows_mode_strictness_and_tag(world: World) -> None:
    """The defaults are active and strict; without a row there is nothing to show."""
    expected = {"mode": "active", "mode_reason": None, "strict_idempotency": True, "installation_tag": "habc"}
    assert expected == await world.call("fn_engine_settings")
    await world.admin.execute("DELETE FROM engine.engine_settings")
    assert await world.call("fn_engine_settings") is None
