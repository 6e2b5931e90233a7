"""A deploy makes exactly what sql/ says, all of it or nothing, as often as one likes."""

import asyncio
from pathlib import Path

import pytest

from engine.deploy.deployment import deploy
from engine.domain.errors import ErrorCode, HoldfastError
from tests.database.servers import Database
from tests.database.trees import MIGRATION, write_tree

DOUBLE = "functions/room/fn_double.sql"


async def test_a_second_deploy_changes_nothing(empty_database: Database, tmp_path: Path) -> None:
    """Deployed twice, the schema hash is the same, no migration runs again and nothing is changed."""
    tree = write_tree(tmp_path)
    first = await deploy(empty_database.deployer_url, tree)
    second = await deploy(empty_database.deployer_url, tree)
    assert ("20260101000000_things",) == first.migrations_applied
    assert first.changed
    assert () == second.migrations_applied
    assert not second.changed
    assert first.schema_hash == second.schema_hash


async def test_the_real_schema_deploys_twice(empty_database: Database) -> None:
    """The product's own sql/ can be deployed, and deployed again without a change."""
    await deploy(empty_database.deployer_url)
    again = await deploy(empty_database.deployer_url)
    assert not again.changed


async def test_owners(empty_database: Database, tmp_path: Path) -> None:
    """Everything belongs to holdfast_owner, but the cross-tenant look-ups to holdfast_scheduler."""
    await deploy(empty_database.deployer_url, write_tree(tmp_path))
    conn = await empty_database.connect()
    rows = await conn.fetch(
        "SELECT proname::text, proowner::regrole::text FROM pg_proc "
        "WHERE pronamespace = 'engine'::regnamespace"
    )
    assert {
        "fn_double": "holdfast_owner",
        "keep_things": "holdfast_owner",
        "fn_due_things": "holdfast_scheduler",
    } == {row[0]: row[1] for row in rows}
    owners = await conn.fetch(
        "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'engine'::regnamespace"
    )
    assert ["holdfast_owner"] == [row[0] for row in owners]
    may_create = await conn.fetchval("SELECT has_schema_privilege('holdfast_scheduler', 'engine', 'CREATE')")
    assert not may_create


async def test_public_never_keeps_execute(empty_database: Database, tmp_path: Path) -> None:
    """A function file without REVOKE, and a grant made by hand, do not survive a deploy."""
    tree = write_tree(tmp_path)
    await deploy(empty_database.deployer_url, tree)
    admin = await empty_database.admin()
    await admin.execute("GRANT EXECUTE ON FUNCTION engine.fn_double(int) TO PUBLIC, holdfast_reader")
    await deploy(empty_database.deployer_url, tree)
    rows = await admin.fetch(
        "SELECT proname::text, grantee::regrole::text FROM pg_proc, aclexplode(coalesce(proacl, "
        "acldefault('f', proowner))) WHERE pronamespace = 'engine'::regnamespace AND grantee <> proowner"
    )
    assert {("fn_double", "holdfast_engine"), ("fn_due_things", "holdfast_engine")} == {
        tuple(row) for row in rows
    }


async def test_orphans_are_swept(empty_database: Database, tmp_path: Path) -> None:
    """What no file defines any more is removed: function, trigger, policy and view."""
    await deploy(empty_database.deployer_url, write_tree(tmp_path))
    gone = dict.fromkeys(
        (DOUBLE, "triggers/things_kept.sql", "policies/things_tenant.sql", "views/thing_numbers.sql"), ""
    )
    report = await deploy(empty_database.deployer_url, write_tree(tmp_path, gone))
    assert (
        "functions: engine.fn_double(integer)",
        "triggers: things_kept",
        "policies: things_tenant",
        "views: thing_numbers",
    ) == report.swept
    conn = await empty_database.connect()
    left = await conn.fetchval(
        "SELECT (SELECT count(*) FROM pg_trigger WHERE tgname = 'things_kept') + (SELECT count(*) FROM "
        "pg_policies WHERE policyname = 'things_tenant') + (SELECT count(*) FROM pg_views WHERE viewname = "
        "'thing_numbers') + (SELECT count(*) FROM pg_proc WHERE proname = 'fn_double')"
    )
    assert 0 == left


@pytest.mark.parametrize(
    ("parameters", "result", "arguments"),
    [
        ("p_n int", "text", "p_n integer"),  # CREATE OR REPLACE refuses another result
        ("p_other int", "int", "p_other integer"),  # and another name of a parameter
        ("p_n bigint", "int", "p_n bigint"),  # another type makes a second function
    ],
)
async def test_a_changed_signature_replaces_the_old_one(
    empty_database: Database, tmp_path: Path, parameters: str, result: str, arguments: str
) -> None:
    """After a change of signature exactly the new function is there; its file names it without types."""
    await deploy(empty_database.deployer_url, write_tree(tmp_path))
    text = (
        f"CREATE OR REPLACE FUNCTION engine.fn_double({parameters}) RETURNS {result} "
        "LANGUAGE sql AS $$ SELECT NULL $$; COMMENT ON FUNCTION engine.fn_double IS 'twice';"
    )
    await deploy(empty_database.deployer_url, write_tree(tmp_path, {DOUBLE: text}))
    conn = await empty_database.connect()
    rows = await conn.fetch("SELECT pg_get_function_arguments(oid) FROM pg_proc WHERE proname = 'fn_double'")
    assert [arguments] == [row[0] for row in rows]


async def test_an_overload_made_by_hand_is_swept(empty_database: Database, tmp_path: Path) -> None:
    """Only the file's signature stays, whichever of the two was there first."""
    tree = write_tree(tmp_path)
    await deploy(empty_database.deployer_url, tree)
    admin = await empty_database.admin()
    await admin.execute(
        "CREATE FUNCTION engine.fn_double(p_n text) RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "ALTER FUNCTION engine.fn_double(text) OWNER TO holdfast_owner"
    )
    await deploy(empty_database.deployer_url, tree)
    rows = await admin.fetch("SELECT oid::regprocedure::text FROM pg_proc WHERE proname = 'fn_double'")
    assert ["engine.fn_double(integer)"] == [row[0] for row in rows]


async def test_an_unchanged_function_keeps_its_identity(empty_database: Database, tmp_path: Path) -> None:
    """Sessions with cached plans survive a deploy: a new body does not make a new object."""
    await deploy(empty_database.deployer_url, write_tree(tmp_path))
    conn = await empty_database.connect()
    query = "SELECT oid FROM pg_proc WHERE proname = 'fn_double'"
    before = await conn.fetchval(query)
    text = (tmp_path / DOUBLE).read_text().replace("* 2", "+ p_n")
    await deploy(empty_database.deployer_url, write_tree(tmp_path, {DOUBLE: text}))
    assert before == await conn.fetchval(query)
    assert 14 == await conn.fetchval("SELECT engine.fn_double(7)")


async def test_an_edited_migration_is_refused(empty_database: Database, tmp_path: Path) -> None:
    """What was applied stands; a deploy with another text in its place changes nothing."""
    tree = write_tree(tmp_path)
    await deploy(empty_database.deployer_url, tree)
    (tree / MIGRATION).write_text((tree / MIGRATION).read_text() + "\n-- later thought\n")
    with pytest.raises(HoldfastError, match="was edited after it was applied") as caught:
        await deploy(empty_database.deployer_url, tree)
    assert ErrorCode.DRIFT == caught.value.code


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        (
            "migrations/20260102000000_wrong.sql",
            "CREATE TABLE engine.more ();\nSELEKT 1;",
            r"wrong\.sql:2: .*42601",
        ),
        (
            "functions/fn_other.sql",
            "CREATE FUNCTION engine.fn_name() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "fn_",
        ),
        ("policies/other.sql", "SELECT 1", r"policies/other\.sql does not make 'other'"),
        ("migrations/2026_short.sql", "SELECT 1", "14 digits"),
        ("functions/second/fn_double.sql", "SELECT 1", "have one name"),
    ],
)
async def test_a_wrong_file_is_named_and_nothing_is_left(
    empty_database: Database, tmp_path: Path, path: str, text: str, message: str
) -> None:
    """One transaction: a file that fails leaves the database as it was before."""
    with pytest.raises(HoldfastError, match=message) as caught:
        await deploy(empty_database.deployer_url, write_tree(tmp_path, {path: text}))
    assert ErrorCode.CONFIGURATION == caught.value.code
    admin = await empty_database.admin()
    assert not await admin.fetchval("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'engine')")


async def test_a_later_migration_is_applied_alone(empty_database: Database, tmp_path: Path) -> None:
    """The next deploy runs what is new, and refuses what is older than what it has."""
    await deploy(empty_database.deployer_url, write_tree(tmp_path))
    later = {"migrations/20260201000000_more.sql": "CREATE TABLE engine.more (n int);"}
    report = await deploy(empty_database.deployer_url, write_tree(tmp_path, later))
    assert ("20260201000000_more",) == report.migrations_applied
    between = {"migrations/20260115000000_late.sql": "CREATE TABLE engine.late (n int);"}
    with pytest.raises(HoldfastError, match="older than the last applied"):
        await deploy(empty_database.deployer_url, write_tree(tmp_path, between))


async def test_deploys_of_one_database_queue(empty_database: Database, tmp_path: Path) -> None:
    """Of four deploys at once one does the work, and the others find it done."""
    tree = write_tree(tmp_path)
    reports = await asyncio.gather(*(deploy(empty_database.deployer_url, tree) for _ in range(4)))
    assert 1 == sum(report.changed for report in reports)
    assert 1 == len({report.schema_hash for report in reports})


async def test_a_deploy_without_test_clock_takes_it_away(database: Database) -> None:
    """The movable clock leaves nothing behind when the real one is deployed."""
    await deploy(database.deployer_url)
    conn = await database.connect()
    assert await conn.fetchval("SELECT to_regclass('engine.test_clock') IS NULL")
    assert await conn.fetchval("SELECT engine.fn_clock() - clock_timestamp() < interval '1 second'")


async def test_only_tables_with_rows_are_analyzed(empty_database: Database, tmp_path: Path) -> None:
    """The planner learns of the rows there are, and never that a table is empty for good."""
    await deploy(empty_database.deployer_url, write_tree(tmp_path))
    conn = await empty_database.connect()
    figures = dict(
        await conn.fetch(
            "SELECT relname, reltuples FROM pg_class "
            "WHERE relnamespace = 'engine'::regnamespace AND relname IN ('things', 'schema_migrations')"
        )
    )
    assert {"things": -1, "schema_migrations": 1} == figures


async def test_a_server_that_is_not_there_is_named() -> None:
    """The message has host and database, and never the password."""
    with pytest.raises(HoldfastError, match=r"'holdfast' at 127\.0\.0\.1") as caught:
        await deploy("postgresql://someone:secretword@127.0.0.1:1/holdfast")
    assert ErrorCode.DATABASE_UNAVAILABLE == caught.value.code
    assert "secretword" not in str(caught.value)
