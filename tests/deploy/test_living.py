"""Proves that a database is not changed under daemons at work, unless the change is marked compatible."""

import shutil
from pathlib import Path
from uuid import uuid4

import pytest

from engine.deploy.deployment import deploy
from engine.deploy.sources import default_sql_dir
from engine.domain.errors import ErrorCode, HoldfastError
from tests.database.servers import Database
from tests.sql.capital.world import Tenant, call

TTL_MS = 60_000
ADDED = """
CREATE OR REPLACE FUNCTION engine.added() RETURNS integer LANGUAGE sql SET search_path = '' AS $$ SELECT 1 $$;
COMMENT ON FUNCTION engine.added IS 'One.';
REVOKE ALL ON FUNCTION engine.added FROM PUBLIC;
"""


@pytest.fixture
async def held(any_database: Database) -> Database:
    """A database whose only account is somebody's for a minute."""
    conn = await any_database.connect()
    await call(conn, "fn_init_engine", "habc")
    tenant = Tenant("one")
    await tenant.create(conn)
    await call(conn, "fn_take_lease", tenant.id, tenant.account, uuid4(), TTL_MS)
    return any_database


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """sql/ with one more function."""
    tree = tmp_path / "sql"
    shutil.copytree(default_sql_dir(), tree)
    (tree / "functions/added.sql").write_text(ADDED)
    return tree


async def has_added(database: Database) -> bool:
    conn = await database.admin()
    there: bool = await conn.fetchval("SELECT to_regproc('engine.added') IS NOT NULL")
    return there


async def test_a_change_is_refused_while_a_lease_lives(held: Database, changed: Path) -> None:
    """It names LEASE_HELD and leaves everything; the lease's end by the database's clock lets it pass."""
    with pytest.raises(HoldfastError) as refused:
        await deploy(held.deployer_url, changed, test_clock=True)
    assert ErrorCode.LEASE_HELD == refused.value.code
    assert refused.value.details["deployed"] != refused.value.details["wanted"]
    assert not await has_added(held)
    await held.advance_clock(TTL_MS / 1000 + 1)
    assert (await deploy(held.deployer_url, changed, test_clock=True)).changed
    assert await has_added(held)


async def test_a_compatible_change_passes(held: Database, changed: Path) -> None:
    """Whoever says that running daemons can work with it deploys under them; they see another schema hash."""
    conn = await held.connect()
    before = await call(conn, "fn_renew_instance", uuid4(), "n", "h", TTL_MS)
    report = await deploy(held.deployer_url, changed, test_clock=True, compatible=True)
    after = await call(conn, "fn_renew_instance", uuid4(), "n", "h", TTL_MS)
    assert (True, report.schema_hash) == (report.changed, after["schema_hash"])
    assert before["schema_hash"] != after["schema_hash"]


async def test_nothing_to_change_is_no_reason_to_refuse(held: Database) -> None:
    """A second daemon that deploys what stands already finds it so, and takes no table's lock for it."""
    report = await deploy(held.deployer_url, test_clock=True)
    assert (False, ()) == (report.changed, report.migrations_applied)
