"""fn_register_account: an exchange account belongs to one tenant, and what it held is its baseline."""

from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World, account


async def test_the_baseline_explains_what_is_unassigned(world: World) -> None:
    """Each asset gets its holding and the event that explains it; credentials never appear in lists."""
    one, new = world.one, uuid4()
    balances = {"USDT": "12.5", "ETH": "0.000000000000000001", "BNB": "0"}
    given = account(new, "uid-7", name="second", tier="B")
    assert new == await world.call("fn_register_account", one.id, given, balances, OPERATOR)
    listed = {row["name"]: row for row in await world.call("fn_list_accounts", one.id)}["second"]
    assert balances == listed["unassigned"]
    assert ("B", "binance", "uid-7", False) == (
        listed["tier"],
        listed["exchange"],
        listed["exchange_account_uid"],
        "credentials" in listed,
    )
    events = await world.admin.fetch(
        "SELECT asset, trim_scale(delta)::text AS delta, trim_scale(balance)::text AS balance, cause"
        " FROM engine.unassigned_events WHERE account_id = $1",
        new,
    )
    assert {(asset, value, value, "baseline") for asset, value in balances.items()} == {
        tuple(e) for e in events
    }


async def test_the_same_account_again_is_refused(world: World) -> None:
    """To its own tenant it exists, to another it is taken; neither call leaves a row."""

    async def both_refused() -> None:
        one, other = world.one, world.other
        await world.refused("HF415", "fn_register_account", one.id, account(uuid4(), "one"), {}, OPERATOR)
        await world.refused("HF416", "fn_register_account", other.id, account(uuid4(), "one"), {}, OPERATOR)
        await world.refused("HF415", "fn_register_account", one.id, account(uuid4(), "new"), {}, OPERATOR)
        taken = account(one.account, "new", name="fine")
        await world.refused("HF415", "fn_register_account", one.id, taken, {}, OPERATOR)

    await world.leaves_nothing(both_refused)


async def test_bad_arguments_leave_nothing(world: World) -> None:
    """Tier, credentials, id, names and balances are checked; unknown tenants and foreign claims refused."""
    one = world.one

    async def all_refused() -> None:
        for change in (
            {"tier": "D"},
            {"credentials": "no base64"},
            {"credentials": None},
            {"account_id": "x"},
            {"name": "no name"},
            {"exchange": " "},
            {"exchange_account_uid": None},
            {"urls": []},
        ):
            given = {**account(uuid4(), "new", name="fine"), **change}
            await world.refused("HF422", "fn_register_account", one.id, given, {}, OPERATOR)
        fine = account(uuid4(), "new", name="fine")
        for quantity in ("NaN", "1e5", "0.0000000000000000001", "1" + "0" * 40, None):
            await world.refused("HF422", "fn_register_account", one.id, fine, {"USDT": quantity}, OPERATOR)
        await world.refused("HF422", "fn_register_account", one.id, fine, {}, None)
        await world.refused("HF404", "fn_register_account", uuid4(), fine, {}, OPERATOR)
        await world.refused_to_foreign_claim("fn_register_account", fine, {}, OPERATOR)

    await world.leaves_nothing(all_refused)
