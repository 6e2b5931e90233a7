"""fn_create_profile: a slice of capital on one account, empty at first."""

from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World


async def test_makes_an_empty_profile_with_its_first_spec(world: World) -> None:
    """The profile has version 1 of its spec and seven balances of zero."""
    one, profile = world.one, uuid4()
    spec = {
        "symbols": ["BTC/USDT"],
        "max_order_notional": "500",
        "max_slippage": "0.01",
        "quote_max_age_ms": 2000,
    }
    args = (one.id, profile, one.account, "second", "USDT", spec, "hash", OPERATOR)
    assert profile == await world.call("fn_create_profile", *args)
    listed = {row["name"]: row for row in await world.call("fn_list_profiles", one.id)}["second"]
    assert (spec, 1, "USDT", "active") == (
        listed["spec"],
        listed["spec_version"],
        listed["quote_asset"],
        listed["mode"],
    )
    rebuilt = await world.call("fn_rebuild_capital", one.id, profile)
    assert rebuilt["equal"]
    assert {"0"} == set(rebuilt["stored"].values())
    assert 7 == len(rebuilt["stored"])


async def test_refusals_leave_nothing(world: World) -> None:
    """An id or name that exists, a foreign account, a bad name, asset or spec are refused."""
    one = world.one

    def args(
        profile: object = None, name: str = "fine", quote: str = "USDT", spec: object = None
    ) -> list[object]:
        return [one.id, profile or uuid4(), one.account, name, quote, spec or {}, "hash", OPERATOR]

    async def all_refused() -> None:
        await world.refused("HF415", "fn_create_profile", *args(profile=one.profile))
        await world.refused("HF415", "fn_create_profile", *args(name="profile"))
        await world.refused("HF422", "fn_create_profile", *args(name="no name"))
        await world.refused("HF422", "fn_create_profile", *args(quote=""))
        for key, value in (
            ("unknown", 1),
            ("symbols", "BTC/USDT"),
            ("symbols", [1]),
            ("max_order_notional", 5),
            ("max_order_notional", "NaN"),
            ("max_slippage", "-0.1"),
            ("quote_max_age_ms", "2000"),
            ("quote_max_age_ms", 0),
        ):
            detail = await world.refused("HF422", "fn_create_profile", *args(spec={key: value}))
            assert {"argument": "spec", "key": key} == detail
        await world.refused("HF422", "fn_create_profile", *args(spec=["text"]))
        foreign = args()
        foreign[2] = world.other.account
        await world.refused("HF404", "fn_create_profile", *foreign)
        await world.refused_to_foreign_claim("fn_create_profile", *args()[1:])

    await world.leaves_nothing(all_refused)
