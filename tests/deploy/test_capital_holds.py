"""The CHECK of capital: over an older database, through a dump, and against the engine's role."""

import asyncio
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from engine.deploy.binaries import find_binaries
from engine.deploy.deployment import deploy
from engine.deploy.sources import default_sql_dir
from engine.deploy.verification import verify
from tests.database.servers import Database, Server, installed_15
from tests.sql.capital.world import OPERATOR, call, two_tenants

THIS = "20261130180100"
SIGNATURE = "engine.capital_holds(engine.profile_capital)"
CHECKS = """
SELECT conname FROM pg_constraint
WHERE conrelid = 'engine.profile_capital'::regclass AND contype = 'c' ORDER BY 1"""
OLDER = """
INSERT INTO engine.tenants VALUES (gen_random_uuid(), 'one', 'active', NULL, now());
INSERT INTO engine.exchange_accounts
SELECT tenant_id, tenant_id, 'a', 'binance', '1', 'A', '{}', '', 'active', NULL, now() FROM engine.tenants;
INSERT INTO engine.profiles
SELECT tenant_id, tenant_id, tenant_id, 'p', 'USDT', 1, now() FROM engine.tenants;
INSERT INTO engine.profile_capital (tenant_id, profile_id, allocated, available, reserved_for_orders, fees,
  trading_pnl, dust, reserved_for_positions, updated_at)
SELECT tenant_id, tenant_id, 100, 84, 5, 3, 2, 4, 6, now() FROM engine.tenants;
"""
# The formula is kept and the mode is not, the other way round, and neither.
WRONG = {
    "available = -1, allocated = allocated - available - 1": "active_profile_is_covered",
    "available = available + 1e-18": "available_is_the_formula",
    "mode = 'halted', dust = dust + 1": "available_is_the_formula",
    "available = -1": "active_profile_is_covered",
}


async def refuses_what_is_wrong(admin: "asyncpg.Connection[Any]") -> None:
    """Each wrong row is refused by the name of its rule."""
    for change, rule in WRONG.items():
        with pytest.raises(asyncpg.CheckViolationError) as caught:
            await admin.execute(f"UPDATE engine.profile_capital SET {change}")  # noqa: S608
        error = caught.value
        assert ("engine", "profile_capital", rule) == (
            error.schema_name,
            error.table_name,
            error.constraint_name,
        )


async def takes_what_is_right(admin: "asyncpg.Connection[Any]") -> None:
    """A halted profile may be below zero."""
    await admin.execute(
        "UPDATE engine.profile_capital"
        " SET available = -1, allocated = allocated - available - 1, mode = 'halted'"
    )


async def run(*command: str | Path) -> None:
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert 0 == process.returncode, said.decode()


async def test_an_older_databases_capital_is_held_by_it(empty_database: Database, tmp_path: Path) -> None:
    """Its rows stay, the two old constraints are gone, and the new one refuses what they refused."""
    (tmp_path / "migrations").mkdir()
    for file in (default_sql_dir() / "migrations").glob("*.sql"):
        if file.name < THIS:
            shutil.copy(file, tmp_path / "migrations")
    (tmp_path / "functions").mkdir()
    shutil.copy(default_sql_dir() / "functions" / "fn_clock.sql", tmp_path / "functions")
    await deploy(empty_database.deployer_url, tmp_path)
    admin = await empty_database.admin()
    await admin.execute(OLDER)
    assert ["active_profile_is_covered", "available_is_the_formula"] == [
        row[0] for row in await admin.fetch(CHECKS)
    ]
    await deploy(empty_database.deployer_url)
    assert ["capital_holds"] == [row[0] for row in await admin.fetch(CHECKS)]
    assert Decimal(84) == await admin.fetchval("SELECT available FROM engine.profile_capital")
    await refuses_what_is_wrong(admin)
    await takes_what_is_right(admin)
    assert [] == await verify(admin)


async def test_a_dump_restores_it_before_the_rows(any_server: Server, tmp_path: Path) -> None:
    """The function comes before the constraint, both before the rows; in the copy both are the same."""
    database = await any_server.create()
    tenant, _ = await two_tenants(database)
    conn = await database.connect()
    await call(conn, "fn_allocate", tenant.id, tenant.profile, Decimal(1000), "first", OPERATOR, "start")
    restored = await any_server.create_empty()
    admin = await restored.admin()
    fifteen = admin.get_server_version().major == 15
    tools = installed_15() if fifteen else find_binaries()
    dump = tmp_path / "dump"
    await run(tools / "pg_dump", "-Fc", "-f", dump, "-d", database.admin_url)
    await run(tools / "pg_restore", "--exit-on-error", "-d", restored.admin_url, dump)
    rows = "SELECT count(*), sum(available) FROM engine.profile_capital"
    assert (2, Decimal(1000)) == tuple(await admin.fetchrow(rows) or ())
    assert [] == [drift for drift in await verify(admin) if "capital" in drift.object]
    await refuses_what_is_wrong(admin)
    await takes_what_is_right(admin)
    for made in (database, restored):
        await any_server.drop(made)


async def test_no_search_path_changes_what_is_compared(any_database: Database) -> None:
    """A writer whose search_path has other operators before PostgreSQL's own is refused all the same."""
    await two_tenants(any_database)
    admin = await any_database.admin()
    await admin.execute("""
        CREATE FUNCTION public.always(numeric, numeric) RETURNS boolean LANGUAGE sql AS 'SELECT true';
        CREATE FUNCTION public.nothing(numeric, numeric) RETURNS numeric LANGUAGE sql AS 'SELECT 0::numeric';
        CREATE OPERATOR public.= (FUNCTION = public.always, LEFTARG = numeric, RIGHTARG = numeric);
        CREATE OPERATOR public.>= (FUNCTION = public.always, LEFTARG = numeric, RIGHTARG = numeric);
        CREATE OPERATOR public.- (FUNCTION = public.nothing, LEFTARG = numeric, RIGHTARG = numeric);
        SET search_path = public, pg_catalog""")
    assert await admin.fetchval("SELECT 1::numeric = 2::numeric")
    await refuses_what_is_wrong(admin)


async def test_the_engines_role_cannot_touch_it(any_database: Database) -> None:
    """It may neither call, replace, drop nor change the function, nor drop the constraint."""
    conn = await any_database.connect()
    for statement in (
        "SELECT engine.capital_holds(NULL)",
        f"DROP FUNCTION {SIGNATURE}",
        f"ALTER FUNCTION {SIGNATURE} RENAME TO another",
        f"CREATE OR REPLACE FUNCTION {SIGNATURE} RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "ALTER TABLE engine.profile_capital DROP CONSTRAINT capital_holds",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.execute(statement)
