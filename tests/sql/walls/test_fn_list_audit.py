"""fn_list_audit: what was done and refused in a tenant, for operators."""

import asyncpg
import pytest

from tests.sql.capital.world import World


async def test_lists_newest_first_and_by_code(world: World) -> None:
    """Rows come newest first, by code, by actor, page by page, and of the named tenant only."""
    one = world.one
    for number in range(3):
        detail = {"id": str(number)}
        await world.call("fn_record_refusal", one.id, f"robot:{number}", "GET /x", "CROSS_TENANT", detail)
    rows = await world.call("fn_list_audit", one.id, {"code": "CROSS_TENANT"})
    assert ["2", "1", "0"] == [row["detail"]["id"] for row in rows]
    (row,) = await world.call("fn_list_audit", one.id, {"actor": "robot:1"})
    assert ("GET /x", "CROSS_TENANT") == (row["action"], row["code"])
    page = await world.call("fn_list_audit", one.id, {"limit": "1", "before": rows[0]["audit_id"]})
    assert ["1"] == [row["detail"]["id"] for row in page]
    assert [] == await world.call("fn_list_audit", world.other.id, {"code": "CROSS_TENANT"})


async def test_refusals(world: World) -> None:
    """A bad limit, a bad place to go on from and a foreign claim are refused; a reader may not ask at all."""
    for filters in ({"limit": "many"}, {"before": "x"}, []):
        await world.refused("HF422", "fn_list_audit", world.one.id, filters)
    await world.refused_to_foreign_claim("fn_list_audit")
    reader = await world.database.connect("holdfast_reader")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.fetchval("SELECT engine.fn_list_audit($1)", world.one.id)
