"""fn_get_account_credentials: the encrypted keys, for the engine alone."""

import asyncpg
import pytest

from tests.sql.capital.world import World, call


async def test_gives_what_was_stored(world: World) -> None:
    """The bytes come back as given; foreign accounts do not exist; the operator's role may not ask."""
    one = world.one
    assert b"secret" == await world.call("fn_get_account_credentials", one.id, one.account)
    await world.refused("HF404", "fn_get_account_credentials", one.id, world.other.account)
    await world.refused_to_foreign_claim("fn_get_account_credentials", one.account)
    operator = await world.database.connect("holdfast_operator")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await call(operator, "fn_get_account_credentials", one.id, one.account)
