"""The first statements of each function: which tenant it enters, what passes as an array of items."""

import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.sql.capital.world import World

ITEMS = "SELECT engine.check_items($1::text::jsonb)"
ARRAY_FUNCTIONS = (
    "fn_open_entry", "fn_persist_entry_lifecycle", "fn_reject_entry", "fn_open_exit",
    "fn_persist_exit_lifecycle", "fn_reject_exit", "fn_apply_fill", "fn_value_fee", "fn_finish_order",
    "fn_mark_in_doubt", "fn_not_placed", "fn_request_cancel",
)  # fmt: skip
SETTING = "SELECT coalesce(current_setting('holdfast.tenant_id', true), '')"


async def entered(conn: "asyncpg.Connection[Any]", tenant: UUID | None, claims: str | None) -> str:
    """The tenant of a transaction with these claims, or the SQLSTATE of the refusal."""
    transaction = conn.transaction()
    await transaction.start()
    try:
        if claims is not None:
            await conn.execute("SELECT set_config('request.jwt.claims', $1, true)", claims)
        answer = await conn.fetchval("SELECT engine.enter_tenant($1)", tenant)
        assert answer == await conn.fetchval(SETTING)
    except asyncpg.PostgresError as refusal:
        return str(refusal.sqlstate)
    finally:
        await transaction.rollback()
    return str(answer)


async def test_the_tenant_is_the_one_that_the_claims_name(world: World) -> None:
    """Without claims any tenant is entered, with claims the one they name; NULL never is."""
    one, other = str(world.one.id), str(world.other.id)
    for path in ("", "public"):
        await world.admin.execute(f"SET search_path = '{path}'")
        for claims in (
            None,
            "",
            json.dumps({"tenant_id": one}),
            json.dumps({"app_metadata": {"tenant_id": one}}),
        ):
            assert one == await entered(world.admin, world.one.id, claims)
            assert "HF401" == await entered(world.admin, None, claims)
        for claims in ("{}", json.dumps({"tenant_id": other}), json.dumps({"role": "service_role"})):
            assert "HF403" == await entered(world.admin, world.one.id, claims)
        both = json.dumps({"tenant_id": one, "app_metadata": {"tenant_id": other}})
        assert "HF403" == await entered(world.admin, world.one.id, both)


@pytest.mark.parametrize(
    "text", [None, "null", "1", '"a"', "true", "{}", '{"a": []}', "[]", json.dumps([{}] * 513)]
)
async def test_what_is_no_array_of_items_is_refused(world: World, text: str | None) -> None:
    """No scalar, no object, nothing, no empty array and none of 513; by each function that takes an array."""
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await world.admin.fetchval(ITEMS, text)
    assert "HF422" == refusal.value.sqlstate
    for function in ARRAY_FUNCTIONS:
        with pytest.raises(asyncpg.PostgresError) as refusal:
            await world.conn.fetchval(f"SELECT engine.{function}($1, $2)", world.one.id, text)
        assert "HF422" == refusal.value.sqlstate, function


async def test_items_are_counted(world: World) -> None:
    """From 1 to 512 of them."""
    for count in (1, 2, 512):
        assert count == await world.admin.fetchval(ITEMS, json.dumps([{}] * count))


async def test_the_plain_case_is_part_of_its_caller(world: World) -> None:
    """Neither is called: the planner puts its expression in its place, whatever the caller's search_path."""
    for path in ("", "public"):
        await world.admin.execute(f"SET search_path = '{path}'")
        plan = await world.admin.fetch(
            "EXPLAIN VERBOSE SELECT engine.enter_tenant(t), engine.check_items(j)"
            " FROM (VALUES ($1::uuid, $2::jsonb), (NULL, NULL)) v (t, j)",
            uuid4(),
            "[1]",
        )
        text = "\n".join(row[0] for row in plan)
        assert ("set_config(" in text, "jsonb_array_length(" in text) == (True, True)
        assert ("engine.enter_tenant" in text, "engine.check_items" in text) == (False, False)
