"""Verify, as an unprivileged role, finds each way in which a database can differ from sql/."""

from pathlib import Path

import pytest

from engine.deploy.deployment import deploy
from engine.deploy.status import status
from engine.deploy.verification import Drift, verify
from tests.database.servers import Database
from tests.database.trees import MIGRATION, write_tree

BY_HAND = [
    (
        """CREATE OR REPLACE FUNCTION engine.fn_double(p_n int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
           SET search_path = '' AS $$ BEGIN RETURN p_n * 3; END $$""",
        {("changed", "function fn_double(p_n integer)")},
    ),
    ("DROP FUNCTION engine.fn_double", {("missing", "function fn_double(p_n integer)")}),
    (
        """CREATE FUNCTION engine.fn_extra() RETURNS int LANGUAGE sql AS 'SELECT 1';
           REVOKE ALL ON FUNCTION engine.fn_extra() FROM PUBLIC""",
        {("extra", "function fn_extra()")},
    ),
    (
        "GRANT EXECUTE ON FUNCTION engine.fn_double TO PUBLIC",
        {
            ("changed", "function fn_double(p_n integer)"),
            ("public_grant", "function engine.fn_double(integer)"),
        },
    ),
    (
        "GRANT SELECT (n) ON engine.things TO PUBLIC",
        {("changed", "table things"), ("public_grant", "table engine.things")},
    ),
    (
        "GRANT USAGE ON SCHEMA engine TO PUBLIC",
        {("changed", "schema engine"), ("public_grant", "schema engine")},
    ),
    (
        "GRANT UPDATE (n) ON engine.things TO holdfast_engine",
        {("changed", "table things"), ("write_grant", "table engine.things")},
    ),
    (
        "ALTER TABLE engine.things NO FORCE ROW LEVEL SECURITY",
        {("changed", "table things"), ("row_security", "table engine.things")},
    ),
    (
        "ALTER FUNCTION engine.fn_double RESET search_path",
        {
            ("changed", "function fn_double(p_n integer)"),
            ("unsafe_definer", "function engine.fn_double(integer)"),
        },
    ),
    (
        "ALTER FUNCTION engine.fn_double SET search_path = public",
        {
            ("changed", "function fn_double(p_n integer)"),
            ("unsafe_definer", "function engine.fn_double(integer)"),
        },
    ),
    (
        "ALTER TABLE engine.things DISABLE TRIGGER things_kept",
        {("changed", "trigger things.things_kept"), ("trigger_disabled", "trigger things.things_kept")},
    ),
    ("DROP TRIGGER things_kept ON engine.things", {("missing", "trigger things.things_kept")}),
    ("ALTER TABLE engine.things DROP CONSTRAINT n_positive", {("missing", "constraint things.n_positive")}),
    (
        "ALTER POLICY things_tenant ON engine.things USING (true)",
        {("changed", "policy things.things_tenant")},
    ),
    ("DROP INDEX engine.things_by_n", {("missing", "index things_by_n")}),
    (
        "ALTER TABLE engine.things ADD COLUMN more int",
        {("changed", "table things")},
    ),
    (
        "CREATE RULE nothing AS ON INSERT TO engine.things DO INSTEAD NOTHING",
        {("extra", "rule things.nothing")},
    ),
    (
        """CREATE OR REPLACE VIEW engine.thing_numbers WITH (security_invoker = true)
           AS SELECT n FROM engine.things WHERE n > 1""",
        {("changed", "view thing_numbers")},
    ),
]


def named(drifts: list[Drift]) -> set[tuple[str, str]]:
    return {(drift.kind.value, drift.object) for drift in drifts}


async def found_in(database: Database, tree: Path | None) -> set[tuple[str, str]]:
    conn = await database.connect("holdfast_engine")
    return named(await verify(conn, tree))


@pytest.mark.parametrize(
    ("command", "expected"), BY_HAND, ids=[" ".join(command.split())[:48] for command, _ in BY_HAND]
)
async def test_a_change_by_hand_is_found(
    empty_database: Database, tmp_path: Path, command: str, expected: set[tuple[str, str]]
) -> None:
    """A clean deploy shows nothing; after a change by hand exactly that change is named."""
    tree = write_tree(tmp_path)
    await deploy(empty_database.deployer_url, tree)
    assert set() == await found_in(empty_database, tree)
    admin = await empty_database.admin()
    await admin.execute(command)
    assert expected == await found_in(empty_database, tree)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({MIGRATION: "SELECT 2"}, ("edited_migration", MIGRATION)),
        ({MIGRATION: ""}, ("unknown_migration", "20260101000000_things")),
        ({"migrations/20270101000000_next.sql": "SELECT 1"}, None),
        ({"functions/room/fn_double.sql": "SELECT 1"}, ("pending_file", "functions/room/fn_double.sql")),
        ({"functions/room/fn_double.sql": ""}, ("pending_file", "functions/room/fn_double.sql")),
        ({"views/next.sql": "SELECT 1"}, ("pending_file", "views/next.sql")),
    ],
)
async def test_a_change_of_files_is_found(
    empty_database: Database, tmp_path: Path, files: dict[str, str], expected: tuple[str, str] | None
) -> None:
    """Files that were edited, added or taken away after the deploy are named."""
    await deploy(empty_database.deployer_url, write_tree(tmp_path))
    found = await found_in(empty_database, write_tree(tmp_path, files))
    assert {expected or ("pending_migration", "migrations/20270101000000_next.sql")} == found


async def test_a_breach_that_a_deploy_recorded_is_found(empty_database: Database, tmp_path: Path) -> None:
    """Rules come from the catalog: a file that itself opens a table is found without any difference."""
    opening = {
        "policies/things_tenant.sql": """
            CREATE POLICY things_tenant ON engine.things USING (true);
            ALTER TABLE engine.things NO FORCE ROW LEVEL SECURITY;
            GRANT SELECT ON engine.things TO PUBLIC;
            """
    }
    tree = write_tree(tmp_path, opening)
    await deploy(empty_database.deployer_url, tree)
    assert {
        ("row_security", "table engine.things"),
        ("public_grant", "table engine.things"),
    } == await found_in(empty_database, tree)


async def test_the_movable_clock_is_a_drift_of_its_own(any_database: Database) -> None:
    """The real schema with the movable clock differs in exactly that."""
    assert {("test_clock", "function fn_clock()")} == await found_in(any_database, None)


async def test_the_real_schema_equals_its_files(empty_database: Database) -> None:
    """Right after a deploy of the product's sql/ nothing differs."""
    await deploy(empty_database.deployer_url)
    assert set() == await found_in(empty_database, None)


async def test_an_empty_database_is_told_so(empty_database: Database) -> None:
    """Where nothing was deployed there is one drift that says it."""
    admin = await empty_database.admin()
    assert {("not_deployed", "schema engine")} == named(await verify(admin))
    assert (await status(admin)).schema_hash is None


async def test_status_tells_what_stands(any_database: Database) -> None:
    """Version, migrations, hash, size and roles, read as the engine's role."""
    conn = await any_database.connect()
    told = await status(conn)
    assert told.schema_hash == told.schema_hash_wanted
    assert told.test_clock
    assert () == told.migrations_pending
    assert told.size_bytes > 0
    assert "present" == told.roles["holdfast_scheduler"]
    # On 15 an ordinary login may not make a role with BYPASSRLS.
    assert ("not_configured" if told.server_version.startswith("15") else "configured") == told.roles[
        "backup"
    ]
