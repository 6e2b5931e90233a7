"""fn_put_spec: specs are versions, never changed."""

import asyncio

from tests.sql.capital.world import OPERATOR, World, call


async def test_the_next_version_stands_beside_the_first(world: World) -> None:
    """The profile shows the new version; the old row is as it was; the same call again changes nothing."""
    one = world.one
    args = (one.id, one.profile, 1, {"max_slippage": "0.02"}, "hash2", OPERATOR)
    assert 2 == await world.call("fn_put_spec", *args)
    assert 2 == await world.leaves_nothing(lambda: world.call("fn_put_spec", *args))
    (shown,) = await world.call("fn_list_profiles", one.id)
    assert (2, {"max_slippage": "0.02"}, "hash2") == (
        shown["spec_version"],
        shown["spec"],
        shown["spec_hash"],
    )
    versions = await world.admin.fetch(
        "SELECT version, spec::text FROM engine.profile_specs WHERE profile_id = $1 ORDER BY version",
        one.profile,
    )
    assert [(1, "{}"), (2, '{"max_slippage": "0.02"}')] == [tuple(row) for row in versions]


async def test_refusals_leave_nothing(world: World) -> None:
    """Another expected version, a bad spec, a foreign profile and a foreign claim are refused."""
    one = world.one

    async def all_refused() -> None:
        detail = await world.refused("HF409", "fn_put_spec", one.id, one.profile, 7, {}, "h", OPERATOR)
        assert {"expected": 7, "current": 1} == detail
        await world.refused("HF409", "fn_put_spec", one.id, one.profile, None, {}, "h", OPERATOR)
        await world.refused("HF422", "fn_put_spec", one.id, one.profile, 1, {"x": 1}, "h", OPERATOR)
        await world.refused("HF422", "fn_put_spec", one.id, one.profile, 1, {}, "h", None)
        await world.refused("HF404", "fn_put_spec", one.id, world.other.profile, 1, {}, "h", OPERATOR)
        await world.refused_to_foreign_claim("fn_put_spec", one.profile, 1, {}, "h", OPERATOR)

    await world.leaves_nothing(all_refused)


async def test_of_two_writers_one_wins(world: World) -> None:
    """Two different specs for the same next version: one is stored, the other is told which is current."""
    one = world.one
    conns = [await world.database.connect() for _ in range(2)]
    answers = await asyncio.gather(
        *(
            call(conn, "fn_put_spec", one.id, one.profile, 1, {"quote_max_age_ms": ms}, f"h{ms}", OPERATOR)
            for conn, ms in zip(conns, (1, 2), strict=True)
        ),
        return_exceptions=True,
    )
    assert [2] == [answer for answer in answers if not isinstance(answer, BaseException)]
    assert ["HF409"] == [getattr(a, "sqlstate", None) for a in answers if isinstance(a, BaseException)]
