"""A deploy to a project: by a login that is no superuser, among the roles and schemas that are there."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from engine.deploy.connection import connect
from engine.deploy.deployment import deploy
from engine.deploy.sources import default_sql_dir, read_tree
from engine.deploy.verification import verify
from engine.ledger.seam import Ledger
from tests.database.servers import Database
from tests.sql.capital.trading import confirmed
from tests.sql.capital.world import Tenant, World, call
from tests.supabase.double import Double, user_token
from tests.supabase.scene import Scene
from tests.supabase.test_rpc_project import client_of

VIEWS = ("profiles", "capital", "positions", "orders", "fills", "trades", "events")
_FUNCTIONS = "SELECT p.proname, p.proconfig FROM pg_proc p WHERE p.pronamespace = 'engine'::regnamespace"


async def test_a_projects_own_postgres_deploys(any_project: Database) -> None:
    """The deploying login is no superuser and bypasses row security; what it left equals sql/, and stays."""
    conn = await connect(any_project.deployer_url)
    try:
        rights = await conn.fetchrow(
            "SELECT rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = session_user"
        )
        assert (False, True, True) == tuple(rights)
        assert ["test_clock"] == [drift.kind for drift in await verify(conn)]
    finally:
        await conn.close()
    again = await deploy(any_project.deployer_url, test_clock=True)
    # before 16 only a superuser may make a role that bypasses row security
    backup = "not_configured" if again.server_version.startswith("15") else "configured"
    assert (False, backup, "configured", "recorded") == (
        again.changed,
        again.backup,
        again.rpc,
        again.supabase,
    )


async def test_the_projects_history_has_our_migrations(any_project: Database) -> None:
    """Version, name and text of each, as its CLI writes its own; the project's own rows stay."""
    admin = await any_project.admin()
    rows = await admin.fetch(
        "SELECT version, name, statements FROM supabase_migrations.schema_migrations ORDER BY version"
    )
    files = read_tree().migrations
    assert [(file.name[:14], file.name[15:], [file.text]) for file in files] == [tuple(row) for row in rows]
    await admin.execute(
        "INSERT INTO supabase_migrations.schema_migrations (version, name) VALUES ('20270101000000', 'mine')"
    )
    await deploy(any_project.deployer_url, test_clock=True)
    assert len(files) + 1 == await admin.fetchval(
        "SELECT count(*) FROM supabase_migrations.schema_migrations"
    )


async def test_what_is_changed_by_hand_is_seen_and_taken_back(project: Database) -> None:
    """A right for anon, another body and a stranger's view show as drift, and the next deploy ends them."""
    admin = await project.admin()
    await admin.execute(
        "GRANT SELECT ON holdfast_api.capital TO anon; CREATE VIEW holdfast_api.mine AS SELECT 1 AS x;"
        " ALTER FUNCTION holdfast_api.engine_read(uuid, text, jsonb) RESET search_path"
    )
    conn = await connect(project.deployer_url)
    try:
        seen = {(str(drift.kind), drift.object) for drift in await verify(conn)}
        assert {
            ("changed", "exposed view capital"),
            ("extra", "exposed view mine"),
            ("changed", "exposed function engine_read(p_tenant_id uuid, p_function text, p_arguments jsonb)"),
            ("test_clock", "function fn_clock()"),
        } == seen
        await deploy(project.deployer_url, test_clock=True)
        assert ["test_clock"] == [drift.kind for drift in await verify(conn)]
    finally:
        await conn.close()


async def test_another_deploy_changes_no_grant_of_the_project(any_project: Database) -> None:
    """Nothing of ours for anon; authenticated reads the views and what is behind them, and calls nothing."""
    admin = await any_project.admin()
    for role, schemas in (("anon", set()), ("authenticated", {"engine", "holdfast_api"})):
        rows = await admin.fetch(
            "SELECT n.nspname FROM pg_namespace n WHERE n.nspname IN ('engine', 'holdfast_api')"
            " AND has_schema_privilege($1::text, n.oid, 'USAGE')",
            role,
        )
        assert schemas == {row["nspname"] for row in rows}
        written = await admin.fetch(
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace IN ('engine'::regnamespace,"
            " 'holdfast_api'::regnamespace) AND c.relkind IN ('r', 'p', 'v')"
            " AND has_table_privilege($1::text, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')",
            role,
        )
        assert [] == written
        called = await admin.fetch(
            "SELECT p.proname FROM pg_proc p WHERE p.pronamespace IN ('engine'::regnamespace,"
            " 'holdfast_api'::regnamespace) AND has_function_privilege($1::text, p.oid, 'EXECUTE')",
            role,
        )
        reading = {"claimed_tenant", "tenant_of_claims", "tenant_in_claims"} if schemas else set()
        assert reading == {row["proname"] for row in called}
    secret = await admin.fetch(
        "SELECT p.proname FROM pg_proc p WHERE p.pronamespace IN ('engine'::regnamespace,"
        " 'holdfast_api'::regnamespace) AND has_function_privilege('service_role', p.oid, 'EXECUTE')"
    )
    assert {"engine_call", "engine_read"} == {row["proname"] for row in secret}


async def test_users_read_their_own_tenant_by_row_security(any_project: Database) -> None:
    """As authenticated with the claims of Supabase Auth: the own rows of each view, none of another's."""
    conn, admin = await any_project.connect(), await any_project.admin()
    await call(conn, "fn_init_engine", "habc")
    one, other = Tenant("one"), Tenant("other")
    for tenant in (one, other):
        await tenant.create(conn)
    world = World(any_project, conn, admin, one, other)
    await world.allocate("1000")
    await confirmed(world)
    subject = str(uuid4())
    shown: dict[str, int] = {}
    for tenant, claims in (
        (one, {"tenant_id": str(one.id)}),
        (one, {"app_metadata": {"tenant_id": str(one.id)}}),
        (other, {"app_metadata": {"tenant_id": str(other.id)}}),
    ):
        for view in VIEWS:
            rows = await read_as(admin, view, {"sub": subject, "role": "authenticated", **claims})
            assert {tenant.id} >= {row["tenant_id"] for row in rows}, view
            if tenant is one:
                shown[view] = len(rows)
    assert (1, 1, 1) == (shown["profiles"], shown["capital"], shown["orders"])
    for claims in ({}, {"user_metadata": {"tenant_id": str(one.id)}}):
        for view in VIEWS:
            with pytest.raises(asyncpg.PostgresError) as caught:
                await read_as(admin, view, {"sub": subject, "role": "authenticated", **claims})
            assert "HF401" == caught.value.sqlstate, view
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await read_as(admin, "capital", {"role": "anon"})


async def test_a_dashboard_reads_over_http(rpc: Ledger, double: Double) -> None:
    """A signed-in user's client gets its own tenant's capital, with numbers as text; another's token none."""
    scene, other = await Scene(rpc).build(), await Scene(rpc).build("7")
    await scene.bought()
    for tenant, allocated in ((scene.tenant, "1000"), (other.tenant, "7")):
        token = user_token(str(uuid4()), app_metadata={"tenant_id": str(tenant)})
        async with client_of(double, f"Bearer {token}") as client:
            (row,) = (await client.table("capital").select("*").execute()).data
        assert (str(tenant), allocated) == (row["tenant_id"], row["allocated"])


async def test_every_function_has_a_search_path_there(any_project: Database, database: Database) -> None:
    """A project's advisors want one on each; elsewhere the hottest have none, because they are inlined."""
    fixed = await (await any_project.admin()).fetch(_FUNCTIONS)
    without = [row["proname"] for row in fixed if not has_path(row["proconfig"])]
    assert [] == without
    plain = await (await database.admin()).fetch(_FUNCTIONS)
    assert "entered_tenant" in {row["proname"] for row in plain if not has_path(row["proconfig"])}


async def test_every_exposed_view_asks_its_reader(any_project: Database) -> None:
    """The views run with their reader's rights, and give each number as text."""
    admin = await any_project.admin()
    views = await admin.fetch(
        "SELECT c.relname, c.reloptions FROM pg_class c WHERE c.relnamespace = 'holdfast_api'::regnamespace"
    )
    assert set(VIEWS) == {row["relname"] for row in views}
    assert {("security_invoker=true",)} == {tuple(row["reloptions"]) for row in views}
    numeric = await admin.fetch(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'holdfast_api' AND data_type IN ('numeric', 'double precision', 'real')"
    )
    assert [] == numeric


def test_file_and_view_have_one_name() -> None:
    """Each file of sql/api says what it is for, makes one object of its name, and takes PUBLIC's rights."""
    for path in sorted((default_sql_dir() / "api").glob("*.sql")):
        text = Path(path).read_text(encoding="utf-8")
        assert text.startswith("-- "), path
        assert text.count(f"holdfast_api.{path.stem}") >= 3, path
        assert "FROM PUBLIC" in text, path


def has_path(config: list[str] | None) -> bool:
    return any(each.startswith("search_path=") for each in config or [])


async def read_as(admin: Any, view: str, claims: dict[str, Any]) -> list[Any]:
    """Rows of a view as PostgREST reads them for a token with these claims."""
    async with admin.transaction(readonly=True):
        await admin.execute(
            "SELECT set_config('role', $1, true), set_config('request.jwt.claims', $2, true)",
            claims["role"],
            json.dumps(claims),
        )
        rows: list[Any] = await admin.fetch(f"SELECT tenant_id FROM holdfast_api.{view}")  # noqa: S608 - ours
        return rows
