"""fn_record_refusal: what was refused is kept although its own transaction rolled back."""

import json

from tests.sql.capital.world import OPERATOR, World


async def test_appends_one_audit_row(world: World) -> None:
    """Actor, action, code and detail are stored for this tenant."""
    args = (world.one.id, "robot:x", "fn_open_entry", "FORBIDDEN", {"id": "7"})
    await world.call("fn_record_refusal", *args)
    row = await world.admin.fetchrow(
        "SELECT tenant_id, actor, action, code, detail FROM engine.audit ORDER BY audit_id DESC LIMIT 1"
    )
    assert args[:4] == tuple(row)[:4]
    assert {"id": "7"} == json.loads(row["detail"])


async def test_refusals_leave_nothing(world: World) -> None:
    """Without actor or action there is nothing to keep; a foreign claim is refused."""

    async def all_refused() -> None:
        await world.refused("HF422", "fn_record_refusal", world.one.id, None, "x", "FORBIDDEN", {})
        await world.refused("HF422", "fn_record_refusal", world.one.id, OPERATOR, "", "FORBIDDEN", {})
        await world.refused_to_foreign_claim("fn_record_refusal", OPERATOR, "x", "FORBIDDEN", {})

    await world.leaves_nothing(all_refused)
