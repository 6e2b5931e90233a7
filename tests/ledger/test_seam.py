"""Proves what the one way to the database promises: deadlines, codes, counts, audits and fault points."""

import asyncio
import contextlib
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger import admin, reads
from engine.ledger.seam import Ledger, LedgerOptions
from engine.ledger.translation import Trouble, effect_unknown, passing, translate, trouble_of
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from tests.database.servers import Database


def counted(ledger: Ledger, name: str, **labels: str) -> float:
    return ledger.metrics.registry.get_sample_value(f"holdfast_{name}", labels) or 0.0


async def test_unreachable_server() -> None:
    """A server that is not there is a retryable error, and nothing can have happened."""
    options = LedgerOptions("postgresql://nobody:x@127.0.0.1:1/none", connect_timeout_s=1.0)
    with pytest.raises(HoldfastError) as caught:
        await Ledger.connect(options, Metrics(), Clock())
    assert (ErrorCode.DATABASE_UNAVAILABLE, False) == (caught.value.code, effect_unknown(caught.value))
    assert passing(caught.value)


async def test_own_refusals_have_codes(ledger: Ledger, tenant_id: UUID) -> None:
    """A refusal of a function arrives as its code, with its numbers, and is counted by function."""
    with pytest.raises(HoldfastError) as caught:
        await admin.create_tenant(ledger, tenant_id, "tenant", "test")
    assert ErrorCode.ALREADY_EXISTS is caught.value.code
    assert "tenant" == caught.value.details["name"]
    assert 1 == counted(ledger, "sql_call_errors_total", function="fn_create_tenant", code="ALREADY_EXISTS")
    assert 2 == counted(ledger, "sql_call_duration_seconds_count", function="fn_create_tenant")


async def test_grave_refusals_are_audited(ledger: Ledger, tenant_id: UUID, database: Database) -> None:
    """A grave refusal is counted, and audited in a transaction of its own, though its own rolled back."""
    await ledger._refused("fn_not_placed", tenant_id, "STALE_TOKEN", {"intent_id": "i"})
    admin_connection = await database.admin()
    row = await admin_connection.fetchrow(
        "SELECT action, code, detail FROM engine.audit WHERE code IS NOT NULL"
    )
    assert ("fn_not_placed", "STALE_TOKEN") == (row["action"], row["code"])
    assert 1 == counted(ledger, "refusals_total", code="STALE_TOKEN", function="fn_not_placed")
    assert 1 == counted(ledger, "stale_token_attempts_total", tenant=str(tenant_id), function="fn_not_placed")


async def test_lock_wait_is_busy(ledger: Ledger, database: Database) -> None:
    """A lock that is not got in time is retryable, rolled back for sure, and no answer about capital."""
    blocker = await database.admin()
    async with ledger.transport.pool.acquire() as connection:
        await connection.execute("SET lock_timeout = '50ms'")
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("LOCK TABLE engine.tenants IN ACCESS EXCLUSIVE MODE")
    with pytest.raises(HoldfastError) as caught:
        await admin.create_tenant(ledger, uuid4(), "other", "test")
    await transaction.rollback()
    assert (ErrorCode.BUSY, False) == (caught.value.code, effect_unknown(caught.value))


async def test_deadline(ledger: Ledger, database: Database) -> None:
    """A call past its deadline is given up; whether it had an effect is not known."""
    blocker = await database.admin()
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("LOCK TABLE engine.tenants IN ACCESS EXCLUSIVE MODE")
    with pytest.raises(HoldfastError) as caught:
        await ledger.call("fn_create_tenant", uuid4(), "other", "test", deadline=ledger.deadline(0.05))
    await transaction.rollback()
    assert (ErrorCode.DATABASE_UNAVAILABLE, True) == (caught.value.code, effect_unknown(caught.value))


async def test_killed_session_heals(ledger: Ledger, tenant_id: UUID, database: Database) -> None:
    """A session that the server ends is replaced: the next call works."""
    connection = await database.admin()
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holdfast'"
    )
    answers = []
    for _ in range(3):
        with contextlib.suppress(HoldfastError):
            answers.append(await reads.list_profiles(ledger, tenant_id))
    assert [] == answers[-1]


@pytest.mark.parametrize(
    ("error", "sent", "trouble", "unknown"),
    [
        (asyncpg.ReadOnlySQLTransactionError("read-only"), True, Trouble.READ_ONLY, False),
        (asyncpg.TooManyConnectionsError("too many"), False, Trouble.NO_CONNECTIONS, False),
        (asyncpg.CannotConnectNowError("starting up"), False, Trouble.NOT_STARTED, False),
        (asyncpg.DiskFullError("no space"), True, Trouble.DISK_FULL, False),
        (asyncpg.OutOfMemoryError("out of memory"), True, Trouble.OUT_OF_MEMORY, False),
        (asyncpg.QueryCanceledError("statement timeout"), True, Trouble.NO_ANSWER, False),
        (asyncpg.AdminShutdownError("terminating"), True, Trouble.UNREACHABLE, True),
        (asyncpg.ConnectionDoesNotExistError("closed"), True, Trouble.UNREACHABLE, True),
        (asyncpg.ObjectNotInPrerequisiteStateError("no connections"), False, Trouble.UNREACHABLE, False),
        (TimeoutError(), True, Trouble.NO_ANSWER, True),
        (TimeoutError(), False, Trouble.NO_ANSWER, False),
        (ConnectionRefusedError(), False, Trouble.UNREACHABLE, False),
    ],
)
def test_every_outage_has_its_name(
    error: BaseException,
    sent: bool,
    trouble: Trouble,
    unknown: bool,
) -> None:
    """Each way in which a database is not there is named, and says whether the call may have had effect."""
    told = translate(error, "fn_x", sent=sent)
    assert (ErrorCode.DATABASE_UNAVAILABLE, trouble, unknown) == (
        told.code,
        trouble_of(told),
        effect_unknown(told),
    )
    assert passing(told)


async def test_fault_points(ledger: Ledger, tenant_id: UUID) -> None:
    """A fault before a call leaves nothing; one after it leaves the effect, and says that it is unknown."""
    seen: list[str] = []

    async def fault(point: str, function: str, _args: tuple[Any, ...]) -> None:
        seen.append(f"{point} {function}")
        if len(seen) in {1, 3}:
            raise ConnectionResetError

    ledger.fault = fault
    robot_id = uuid4()
    effects = []
    for _ in range(2):
        with pytest.raises(HoldfastError) as caught:
            await admin.create_robot(ledger, tenant_id, robot_id, "robot", "test")
        effects.append(caught.value.details["effect"])
    assert ["none", "unknown"] == effects
    assert ["before fn_create_robot", "before fn_create_robot", "after fn_create_robot"] == seen
    ledger.fault = None
    assert ["robot"] == [row["name"] for row in await reads.list_robots(ledger, tenant_id)]


async def test_only_requests_of_robots_go_side_by_side(ledger: Ledger, tenant_id: UUID) -> None:
    """Two calls that open intents may be in flight at once; what is booked keeps the order it was told in."""
    gate = asyncio.Event()
    begun: list[str] = []

    async def fault(_point: str, function: str, _args: tuple[Any, ...]) -> None:
        begun.append(function)
        await gate.wait()
        raise ConnectionResetError

    ledger.fault = fault
    requests = ["fn_open_entry", "fn_open_exit"]
    facts = ["fn_persist_entry_lifecycle", "fn_persist_exit_lifecycle", "fn_apply_fill", "fn_finish_order"]
    asked = []
    for _ in range(3):
        asked += [asyncio.create_task(ledger.item(name, tenant_id, {})) for name in (*requests, *facts)]
        for _ in range(5):
            await asyncio.sleep(0)
    assert sorted([*requests, *requests, *facts]) == sorted(begun)
    gate.set()
    for each in await asyncio.gather(*asked, return_exceptions=True):
        assert isinstance(each, HoldfastError)
    ledger.fault = None


async def test_only_functions_of_ours(ledger: Ledger) -> None:
    """Nothing but a function of ours can be named: no statement is ever put together from elsewhere."""
    for name in ("pg_sleep", "fn_x(); DROP TABLE engine.tenants; --", "fn_x.y"):
        with pytest.raises(HoldfastError) as caught:
            await ledger.call(name)
        assert ErrorCode.INTERNAL is caught.value.code


async def test_foreign_claim_is_counted(ledger: Ledger, tenant_id: UUID) -> None:
    """A session that carries another tenant's claim is refused and counted as an attempt."""
    async with ledger.transport.pool.acquire() as connection:  # the pool's only one so far
        await connection.execute(
            "SELECT set_config('request.jwt.claims', $1, false)", f'{{"tenant_id": "{uuid4()}"}}'
        )
    with pytest.raises(HoldfastError) as caught:
        await reads.list_profiles(ledger, tenant_id)
    assert ErrorCode.FORBIDDEN is caught.value.code
    assert 1 == counted(
        ledger, "cross_tenant_access_attempts_total", tenant=str(tenant_id), module="fn_list_profiles"
    )
