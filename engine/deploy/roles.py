"""Makes the cluster's roles, also while deploys of other databases of the cluster do the same."""

import asyncpg

from engine.deploy.connection import Connection
from engine.deploy.sources import SourceFile
from engine.domain.errors import ErrorCode, HoldfastError

OWNER = "holdfast_owner"
SCHEDULER = "holdfast_scheduler"
BACKUP = "holdfast_backup"
_ATTEMPTS = 50


async def ensure_roles(conn: Connection, file: SourceFile) -> None:
    """Run roles.sql in its own transaction until no other deploy of the cluster was in the way.

    Roles are shared by all databases of a cluster, but no lock we may take is: a collision shows as an error.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            async with conn.transaction():
                await conn.execute(file.text)
        except (asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError):
            if attempt == _ATTEMPTS:
                raise
        except asyncpg.InternalServerError as error:
            if attempt == _ATTEMPTS or "concurrently" not in str(error):
                raise
        except asyncpg.InsufficientPrivilegeError as error:
            raise HoldfastError(
                ErrorCode.CONFIGURATION,
                f"The roles are not in order, and this login may not make them so: {error}. "
                "Deploy once with a login that has CREATEROLE, or let an administrator run sql/roles.sql and "
                "`GRANT holdfast_deployer TO <login>`.",
            ) from error
        else:
            return


async def backup_role(conn: Connection) -> str:
    """`configured` if there is a role that pg_dump can use under forced row level security."""
    there = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1 AND rolbypassrls)", BACKUP
    )
    return "configured" if there else "not_configured"
