"""Every table of the schema, by the catalog: forced row security, policies, and no tenant is an error."""

import json
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.database.servers import Database
from tests.sql.capital.world import Tenant, call

# What belongs to the installation and to no tenant; a new table is either here, with its reason, or walled.
WITHOUT_TENANT = {
    "engine_settings",  # the engine's own row
    "engine_instances",  # processes
    "exchange_account_registry",  # which real account is taken: ids alone, read by functions only
    "schema_migrations",  # deploys
    "schema_objects",
    "test_clock",  # tests only
}
_TABLES = (
    "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced,"
    " EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'"
    " AND NOT a.attisdropped) AS walled"
    " FROM pg_class c WHERE c.relnamespace = 'engine'::regnamespace AND c.relkind IN ('r', 'p')"
)
_POLICIES = (
    "SELECT c.relname, p.polcmd, pg_get_expr(p.polqual, c.oid) AS reads,"
    " pg_get_expr(p.polwithcheck, c.oid) AS writes,"
    " ARRAY(SELECT CASE WHEN r = 0 THEN 'PUBLIC' ELSE r::regrole::text END FROM unnest(p.polroles) r)"
    " AS roles FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
)
_READABLE = (
    "SELECT relname FROM pg_class c WHERE relnamespace = 'engine'::regnamespace"
    " AND relkind IN ('r', 'p', 'v') AND has_any_column_privilege('holdfast_reader', c.oid, 'SELECT')"
    " AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')"
)


async def test_every_table_is_walled(any_database: Database) -> None:
    """A table has a tenant and forced row security, or stands in the list of those that belong to nobody."""
    admin = await any_database.admin()
    tables = {row["relname"]: row for row in await admin.fetch(_TABLES)}
    assert set() == {name for name, row in tables.items() if not row["walled"]} - WITHOUT_TENANT
    assert [] == [name for name, row in tables.items() if row["walled"] and not row["forced"]]
    reads = set(await _readable(admin)) & (WITHOUT_TENANT)
    assert set() == reads


async def test_every_policy_compares_the_tenant(any_database: Database) -> None:
    """Owner and reader see one tenant's rows, the scheduler alone sees over all, and nobody else is named."""
    admin = await any_database.admin()
    walled = {row["relname"] for row in await admin.fetch(_TABLES) if row["walled"]}
    rows = await admin.fetch(_POLICIES)
    roles: dict[str, set[str]] = {name: set() for name in walled}
    for row in rows:
        (role,) = row["roles"]
        roles[row["relname"]].add(role)
        if role == "holdfast_owner":
            assert "(tenant_id = engine.entered_tenant())" == row["reads"] == row["writes"]
        elif role == "holdfast_reader":
            assert b"r" == row["polcmd"]
            assert "(tenant_id = ( SELECT engine.claimed_tenant() AS claimed_tenant))" == row["reads"]
        else:
            assert ("holdfast_scheduler", b"r", "true") == (role, row["polcmd"], row["reads"])
    assert [] == [name for name, named in roles.items() if not {"holdfast_owner", "holdfast_reader"} <= named]


async def test_no_tenant_is_an_error(any_database: Database) -> None:
    """Whoever reads a table or view without naming a tenant gets an error, never an empty answer."""
    conn, other = await any_database.connect(), Tenant("one")
    await call(conn, "fn_init_engine", "habc")
    await other.create(conn)
    reader, owner = (
        await any_database.connect("holdfast_reader"),
        await any_database.connect("holdfast_owner"),
    )
    admin = await any_database.admin()
    for claims in ("", "{}", '{"sub": "x"}', '{"tenant_id": null}'):
        await reader.execute("SELECT set_config('request.jwt.claims', $1, false)", claims)
        for name in await _readable(admin):
            assert "HF401" == await _refusal(reader, name), name
    for row in await admin.fetch(_TABLES):
        if row["walled"]:
            assert (await _refusal(owner, row["relname"])) in {"42704", "22P02", "no rows to check"}


async def test_one_tenant_sees_nothing_of_another(any_database: Database) -> None:
    """With a claim each table shows that tenant's rows alone, and none to a tenant that does not exist."""
    conn, one, other = await any_database.connect(), Tenant("one"), Tenant("other")
    await call(conn, "fn_init_engine", "habc")
    for tenant in (one, other):
        await tenant.create(conn)
    reader, admin = await any_database.connect("holdfast_reader"), await any_database.admin()
    shown = 0
    for tenant, wanted in ((one.id, {one.id}), (other.id, {other.id}), (uuid4(), set())):
        await reader.execute("SELECT set_config('request.jwt.claims', $1, false)", _claims(tenant))
        for name in await _readable(admin):
            found = {row[0] for row in await reader.fetch(f"SELECT tenant_id FROM engine.{name}")}  # noqa: S608
            assert found <= wanted, name
            shown += len(found)
    assert shown > 10


async def test_claims_are_those_of_supabase(any_database: Database) -> None:
    """Under Supabase's own auth functions and its role the same claims lead to the same tenant."""
    conn, one, other = await any_database.connect(), Tenant("one"), Tenant("other")
    await call(conn, "fn_init_engine", "habc")
    for tenant in (one, other):
        await tenant.create(conn)
    admin = await any_database.admin()
    await admin.execute(_SUPABASE)
    subject = uuid4()
    transaction = admin.transaction()
    await transaction.start()
    await admin.execute("CREATE ROLE authenticated NOLOGIN; GRANT holdfast_reader TO authenticated")
    await admin.execute("GRANT USAGE ON SCHEMA auth TO authenticated")
    await admin.execute("SET LOCAL ROLE authenticated")
    for claims in (
        {"sub": str(subject), "role": "authenticated", "tenant_id": str(one.id)},
        {"sub": str(subject), "role": "authenticated", "app_metadata": {"tenant_id": str(one.id)}},
    ):
        await admin.execute("SELECT set_config('request.jwt.claims', $1, true)", json.dumps(claims))
        row = await admin.fetchrow(
            "SELECT auth.uid() = engine.claimed_user(), auth.jwt() = engine.claims(), engine.claimed_tenant()"
        )
        assert (True, True, one.id) == tuple(row)
        assert {one.id} == {row[0] for row in await admin.fetch("SELECT tenant_id FROM engine.profiles")}
    for claims in (
        {"sub": str(subject), "user_metadata": {"tenant_id": str(one.id)}},
        {"sub": str(subject), "tenant_id": str(one.id), "app_metadata": {"tenant_id": str(other.id)}},
    ):
        await admin.execute("SELECT set_config('request.jwt.claims', $1, true)", json.dumps(claims))
        with pytest.raises(asyncpg.PostgresError) as caught:
            async with admin.transaction():
                await admin.fetch("SELECT tenant_id FROM engine.profiles")
        assert caught.value.sqlstate in {"HF401", "HF403"}
    await transaction.rollback()


async def _readable(admin: Any) -> list[str]:
    return [row["relname"] for row in await admin.fetch(_READABLE)]


async def _refusal(conn: Any, table: str) -> str:
    try:
        await conn.fetch(f"SELECT tenant_id FROM engine.{table}")  # noqa: S608 - names of the catalog
    except asyncpg.PostgresError as error:
        return str(error.sqlstate)
    return "no rows to check"


def _claims(tenant: Any) -> str:
    return json.dumps({"tenant_id": str(tenant), "role": "authenticated"})


# As a Supabase project has them.
_SUPABASE = """
CREATE SCHEMA auth;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
  SELECT coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'))::uuid $$;
CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(nullif(current_setting('request.jwt.claim', true), ''),
    nullif(current_setting('request.jwt.claims', true), ''))::jsonb $$;
"""
