"""fn_rewrap_credentials: the same credentials under another master key, put in their place once."""

from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World

OLD, NEW = b"secret", b"rewrapped"  # the old one is what the world registered


async def test_replaces_what_it_was_made_from(world: World) -> None:
    """It is written and audited once; a repeat, and one made from other bytes, change nothing."""
    one = world.one
    args = (one.id, one.account, OLD, NEW, OPERATOR)
    assert await world.call("fn_rewrap_credentials", *args)
    assert NEW == await world.call("fn_get_account_credentials", one.id, one.account)

    async def again() -> None:
        assert not await world.call("fn_rewrap_credentials", *args)
        assert not await world.call("fn_rewrap_credentials", one.id, one.account, b"other", OLD, OPERATOR)

    await world.leaves_nothing(again)
    audit = await world.admin.fetchval(
        "SELECT detail::text FROM engine.audit WHERE action = 'rewrap_credentials'"
    )
    assert str(one.account) in audit


async def test_refusals_leave_nothing(world: World) -> None:
    """An unknown or foreign account, no bytes, no actor and a foreign claim are refused."""
    one = world.one

    async def all_refused() -> None:
        for account in (uuid4(), world.other.account):
            await world.refused("HF404", "fn_rewrap_credentials", one.id, account, OLD, NEW, OPERATOR)
        for new in (b"", None):
            await world.refused("HF422", "fn_rewrap_credentials", one.id, one.account, OLD, new, OPERATOR)
        await world.refused("HF422", "fn_rewrap_credentials", one.id, one.account, OLD, NEW, None)
        await world.refused_to_foreign_claim("fn_rewrap_credentials", one.account, OLD, NEW, OPERATOR)

    await world.leaves_nothing(all_refused)
