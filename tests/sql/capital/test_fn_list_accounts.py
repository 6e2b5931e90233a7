"""fn_list_accounts: exchange accounts and what of them belongs to no profile."""

from tests.sql.capital.world import World


async def test_lists_without_credentials(world: World) -> None:
    """Holdings are text, credentials never shown, another tenant's account not listed."""
    (shown,) = await world.call("fn_list_accounts", world.one.id)
    assert (str(world.one.account), "main", {"BTC": "1", "USDT": "10000"}) == (
        shown["account_id"],
        shown["name"],
        shown["unassigned"],
    )
    assert "credentials" not in shown
    await world.refused_to_foreign_claim("fn_list_accounts")
