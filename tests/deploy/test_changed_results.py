"""A deploy over functions of another result type: sessions that have used the old ones use the new ones."""

import shutil
from pathlib import Path

import pytest

from engine.deploy.deployment import deploy
from engine.deploy.sources import default_sql_dir
from engine.deploy.verification import verify
from tests.database.servers import Database
from tests.sql.capital.world import Tenant, call, refused

# The two as they were: without a result.
ENTER_TENANT = """
CREATE OR REPLACE FUNCTION engine.enter_tenant(p_tenant_id uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_catalog.set_config('holdfast.tenant_id', p_tenant_id::text, true);
END $$;
REVOKE ALL ON FUNCTION engine.enter_tenant(uuid) FROM PUBLIC;
"""
CHECK_ITEMS = """
CREATE OR REPLACE FUNCTION engine.check_items(p_items jsonb) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
END $$;
REVOKE ALL ON FUNCTION engine.check_items(jsonb) FROM PUBLIC;
"""


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """sql/ in which neither has a result."""
    tree = tmp_path / "sql"
    shutil.copytree(default_sql_dir(), tree)
    (tree / "functions/internal/enter_tenant.sql").write_text(ENTER_TENANT)
    (tree / "functions/internal/check_items.sql").write_text(CHECK_ITEMS)
    for gone in ("enter_claimed_tenant", "refuse_items"):
        (tree / f"functions/internal/{gone}.sql").unlink()
    return tree


async def test_sessions_go_on_with_the_new_functions(empty_database: Database, older: Path) -> None:
    """What refused nothing before refuses now, in the same session; nothing differs from sql/."""
    await deploy(empty_database.deployer_url, older)
    conn, admin = await empty_database.connect(), await empty_database.admin()
    await call(conn, "fn_init_engine", "habc")
    tenant = Tenant("one")
    await tenant.create(conn)
    missing = [{"intent_id": str(tenant.id), "fencing_token": 1}]
    assert [{"code": "NOT_FOUND"}] == await call(conn, "fn_reject_entry", tenant.id, missing)
    assert await call(conn, "fn_reject_entry", tenant.id, []) is None
    report = await deploy(empty_database.deployer_url)
    assert (True, ()) == (report.changed, report.swept)
    assert [{"code": "NOT_FOUND"}] == await call(conn, "fn_reject_entry", tenant.id, missing)
    await refused(conn, "HF422", "fn_reject_entry", tenant.id, [])
    await refused(conn, "HF401", "fn_reject_entry", None, missing)
    assert [] == await verify(admin)
    assert not (await deploy(empty_database.deployer_url)).changed
