"""fn_get_request: who asked looks for the answer."""

from uuid import uuid4

from tests.sql.capital.world import OPERATOR, World


async def test_a_request_is_its_tenants_own(world: World) -> None:
    """Another tenant sees nothing, and an unknown id is null."""
    one = world.one
    request = await world.call("fn_request_reconciliation", one.id, one.account, None, False, OPERATOR)
    assert str(request) == (await world.call("fn_get_request", one.id, request))["request_id"]
    assert None is await world.call("fn_get_request", world.other.id, request)
    assert None is await world.call("fn_get_request", one.id, uuid4())
    await world.refused_to_foreign_claim("fn_get_request", request)
