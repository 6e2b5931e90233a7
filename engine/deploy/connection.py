"""Opens the database for deploy, verify and status, and says in words why it cannot."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg

from engine.domain.errors import ErrorCode, HoldfastError

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

_CONNECT_TIMEOUT_S = 15.0
_SERVER_VERSION_MIN = 15


async def connect(url: str, *, pooled: bool = False) -> Connection:
    """A connection; DATABASE_UNAVAILABLE names host and reason.

    `pooled`: through a transaction pooler, which takes no setting of a session. Whoever reads or changes the
    schema does it in one transaction, and sets there what it needs.
    """
    try:
        # Texts that the catalog gives (views, constraints) depend on search_path: it is the same for all.
        session = {} if pooled else {"search_path": ""}
        conn: Connection = await asyncpg.connect(
            url,
            timeout=_CONNECT_TIMEOUT_S,
            statement_cache_size=0,
            server_settings={"application_name": "holdfast-db", **session},
        )
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        where = urlsplit(url)
        reason = str(error) or type(error).__name__
        raise HoldfastError(
            ErrorCode.DATABASE_UNAVAILABLE,
            f"No connection to the database {where.path.lstrip('/')!r} at {where.hostname}: {reason}",
        ) from None
    if conn.get_server_version().major < _SERVER_VERSION_MIN:
        version = conn.get_settings().server_version
        await conn.close()
        raise HoldfastError(
            ErrorCode.CONFIGURATION,
            f"PostgreSQL {_SERVER_VERSION_MIN} or newer is needed, this is {version}.",
        )
    return conn
