"""Runs one SQL file, or takes on one role, inside the transaction of a deploy."""

import asyncpg

from engine.deploy.connection import Connection
from engine.deploy.sources import SourceFile
from engine.domain.errors import ErrorCode, HoldfastError


async def act_as(conn: Connection, role: str | None) -> None:
    """Act as `role`, or as the login again, until the transaction ends."""
    await conn.execute(f'SET LOCAL ROLE "{role}"' if role else "RESET ROLE")


async def run_file(conn: Connection, file: SourceFile) -> None:
    """All statements of a file; CONFIGURATION names file, line and reason."""
    try:
        await conn.execute(file.text)
    except asyncpg.LockNotAvailableError:
        raise  # no fault of the file
    except asyncpg.PostgresError as error:
        position = getattr(error, "position", None)
        line = file.text[: int(position)].count("\n") + 1 if position else None
        where = f"{file.path}:{line}" if line else file.path
        raise HoldfastError(
            ErrorCode.CONFIGURATION, f"{where}: {error} (SQLSTATE {error.sqlstate})"
        ) from error
