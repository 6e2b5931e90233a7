"""Proves that a tenant's reads are walled by role and claims, and leave nothing of them behind."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger import admin, reads
from engine.ledger.reading import TenantReads, begin_as
from engine.ledger.seam import Ledger
from engine.loops import startup
from tests.database.servers import Database


async def session_of(ledger: Ledger) -> tuple[str, str, str]:
    """Role, claims and tenant as the next borrower of the only connection finds them."""
    async with ledger.transport.pool.acquire() as connection:
        row = await connection.fetchrow(
            "SELECT current_user::text, coalesce(current_setting('request.jwt.claims', true), ''),"
            " coalesce(current_setting('holdfast.tenant_id', true), '')"
        )
    return tuple(row)


async def test_reads_as_the_reader(ledger: Ledger, tenant_id: UUID, database: Database) -> None:
    """A read works where the engine's own role may not call the function: it is made as the reader."""
    conn = await database.admin()
    await conn.execute("REVOKE EXECUTE ON FUNCTION engine.fn_list_robots FROM holdfast_engine")
    await admin.create_robot(ledger, tenant_id, uuid4(), "robot", "test")
    shown = await reads.list_robots(TenantReads(ledger, tenant_id), tenant_id)
    assert ["robot"] == [row["name"] for row in shown]
    with pytest.raises(HoldfastError) as caught:
        await reads.list_robots(ledger, tenant_id)
    assert ErrorCode.FORBIDDEN is caught.value.code


async def test_a_slip_in_a_route_shows_nothing(ledger: Ledger, tenant_id: UUID) -> None:
    """Another tenant's id in the arguments is refused, because the claims are the caller's."""
    with pytest.raises(HoldfastError) as caught:
        await reads.list_robots(TenantReads(ledger, uuid4()), tenant_id)
    assert ErrorCode.FORBIDDEN is caught.value.code


async def test_reading_changes_nothing(ledger: Ledger, tenant_id: UUID) -> None:
    """A function that writes cannot be called as a tenant: not granted, and in a read-only transaction."""
    with pytest.raises(HoldfastError) as caught:
        await TenantReads(ledger, tenant_id).call(
            "fn_set_mode", tenant_id, "tenant", None, "halted", "test", "no"
        )
    assert ErrorCode.FORBIDDEN is caught.value.code


async def test_nothing_is_left_in_the_session(ledger: Ledger, tenant_id: UUID) -> None:
    """After a read, a refused read and a failed one the session has its own role, and no claims."""
    plain = await session_of(ledger)
    assert ("", "") == plain[1:]
    tenant = TenantReads(ledger, tenant_id)
    await reads.list_robots(tenant, tenant_id)
    assert plain == await session_of(ledger)
    for function, argument in (("fn_get_order", uuid4()), ("fn_list_robots", None)):
        with pytest.raises(HoldfastError):
            await tenant.call(function, tenant_id if argument else uuid4(), *([argument] if argument else []))
        assert plain == await session_of(ledger)


async def test_cancelled_read_gives_no_session_away(
    ledger: Ledger, tenant_id: UUID, database: Database
) -> None:
    """A read cancelled in the middle ends its session: nobody gets one with this tenant's claims."""
    plain = await session_of(ledger)
    blocker = await database.admin()
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("LOCK TABLE engine.robots IN ACCESS EXCLUSIVE MODE")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):  # cancels it while it waits for the table
            await reads.list_robots(TenantReads(ledger, tenant_id), tenant_id)
    await transaction.rollback()
    assert plain == await session_of(ledger)


async def test_the_start_tells_a_login_that_cannot_read(ledger: Ledger, database: Database) -> None:
    """A login that may not become the reader is told at the start what to grant, not at the first read."""
    await startup.reader_role(ledger)
    conn = await database.admin()
    async with ledger.transport.pool.acquire() as connection:
        login = await connection.fetchval("SELECT session_user::text")
    await conn.execute(f'REVOKE holdfast_reader FROM "{login}"')
    try:
        with pytest.raises(HoldfastError, match="GRANT holdfast_reader TO") as caught:
            await startup.reader_role(ledger)
        assert ErrorCode.CONFIGURATION is caught.value.code
    finally:
        await conn.execute(f'GRANT holdfast_reader TO "{login}"')


@pytest.mark.parametrize("given", ["x' OR 1=1", "'; RESET ROLE; --", "", None, 7])
def test_claims_are_made_of_an_id_alone(given: Any) -> None:
    """What is no UUID never becomes part of a statement."""
    with pytest.raises((ValueError, AttributeError)):
        begin_as(given)
