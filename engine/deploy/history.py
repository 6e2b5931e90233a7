"""Tells a Supabase project's own history of our migrations, so that its CLI meets none it does not know."""

from engine.deploy.connection import Connection
from engine.deploy.execution import act_as
from engine.deploy.sources import SourceFile

_IS_PROJECT = """
SELECT to_regrole('authenticated') IS NOT NULL AND to_regrole('service_role') IS NOT NULL
  AND to_regnamespace('auth') IS NOT NULL
"""
# As the CLI makes them.
_HISTORY = """
CREATE SCHEMA IF NOT EXISTS supabase_migrations;
CREATE TABLE IF NOT EXISTS supabase_migrations.schema_migrations (version text NOT NULL PRIMARY KEY);
ALTER TABLE supabase_migrations.schema_migrations ADD COLUMN IF NOT EXISTS statements text[];
ALTER TABLE supabase_migrations.schema_migrations ADD COLUMN IF NOT EXISTS name text;
"""
_MAY_MAKE = """
SELECT pg_catalog.has_database_privilege(current_database(), 'CREATE')
  AND (to_regnamespace('supabase_migrations') IS NULL
       OR pg_catalog.pg_has_role((SELECT nspowner FROM pg_catalog.pg_namespace
                                  WHERE nspname = 'supabase_migrations'), 'USAGE'))
"""


async def record_history(conn: Connection, migrations: tuple[SourceFile, ...]) -> str:
    """Record each migration with its text: "none" if this is no project, "not_recorded" if it may not be."""
    if not await conn.fetchval(_IS_PROJECT):
        return "none"
    await act_as(conn, None)
    if not await conn.fetchval(_MAY_MAKE):
        return "not_recorded"
    await conn.execute(_HISTORY)
    await conn.executemany(
        "INSERT INTO supabase_migrations.schema_migrations (version, name, statements) VALUES ($1, $2, $3)"
        " ON CONFLICT (version) DO NOTHING",
        [(file.name[:14], file.name[15:], [file.text]) for file in migrations],
    )
    return "recorded"


async def history_state(conn: Connection, migrations: tuple[SourceFile, ...]) -> str:
    """Tell whether all of them stand in a project's history."""
    if not await conn.fetchval(_IS_PROJECT):
        return "none"
    if not await conn.fetchval("SELECT to_regclass('supabase_migrations.schema_migrations') IS NOT NULL"):
        return "not_recorded"
    known = await conn.fetchval(
        "SELECT count(*) FROM supabase_migrations.schema_migrations WHERE version = ANY ($1)",
        [file.name[:14] for file in migrations],
    )
    return "recorded" if known == len(migrations) else "not_recorded"
