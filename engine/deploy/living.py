"""Tells whether engine processes work on a database, which must not be changed under them."""

from engine.deploy.connection import Connection
from engine.deploy.execution import act_as

_SCHEDULER = "holdfast_scheduler"  # sees the leases of all tenants


async def live_leases(conn: Connection) -> int:
    """Return how many leases live, by the database's clock; inside a transaction of the deployer's login."""
    if not await conn.fetchval("SELECT to_regclass('engine.account_leases') IS NOT NULL"):
        return 0
    await act_as(conn, _SCHEDULER)
    count: int = await conn.fetchval(
        "SELECT count(*) FROM engine.account_leases WHERE expires_at > engine.fn_clock()"
    )
    await act_as(conn, None)
    return count
