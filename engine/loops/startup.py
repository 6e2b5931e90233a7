"""The conditions of the database before anything is traded: reachable, equal to sql/, invariants hold."""

import os
from collections.abc import Callable
from uuid import UUID

from engine.deploy.connection import connect
from engine.deploy.deployment import deploy
from engine.deploy.sources import read_tree
from engine.deploy.verification import Drift, DriftKind, verify
from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.ids import tag_from_random
from engine.ledger import admin, leases, watch, work
from engine.ledger.reading import READER_ROLE, TenantReads
from engine.ledger.seam import Ledger
from engine.loops.watchdog import Watchdog

_SHOWN_MAX = 3
_NOBODY = UUID(int=0)


async def reach(url: str, *, pooled: bool = False) -> str:
    """Return the server's version. Raises DATABASE_UNAVAILABLE, or CONFIGURATION for one too old."""
    conn = await connect(url, pooled=pooled)
    try:
        return str(conn.get_settings().server_version)
    finally:
        await conn.close()


async def make_equal(
    url: str,
    *,
    deploys: bool,
    alone: bool,
    test_clock: bool,
    note: Callable[[str], None],
    pooled: bool = False,
) -> str:
    """Deploy sql/ if it must be and this process may, prove that the database equals it, and return its hash.

    A database that equals sql/ is not deployed to again: that would take a second of each start, and a lock
    on every table. `alone`: no other process can be using the database, so its leases are those of the dead.
    Raises DRIFT with the first differences, LEASE_HELD while another process must not be deployed under. The
    movable clock of tests is accepted only with the setting.
    """
    drifts = await _drifts(url, pooled=pooled)
    if deploys and [drift.kind for drift in drifts] != [DriftKind.TEST_CLOCK] * test_clock:
        await deploy(url, test_clock=test_clock, compatible=alone, pooled=pooled)
        drifts = await _drifts(url, pooled=pooled)
    moved = [drift for drift in drifts if drift.kind is DriftKind.TEST_CLOCK]
    if moved and test_clock:
        note("the database's clock is the movable one of tests")
        drifts = [drift for drift in drifts if drift.kind is not DriftKind.TEST_CLOCK]
    if drifts:
        shown = "; ".join(str(drift) for drift in drifts[:_SHOWN_MAX])
        raise HoldfastError(
            ErrorCode.DRIFT, f"{len(drifts)} differences from sql/: {shown}", differences=len(drifts)
        )
    return read_tree().schema_hash(test_clock=bool(moved))


async def equal_by_hash(ledger: Ledger, *, test_clock: bool, note: Callable[[str], None]) -> str:
    """Prove that the database was deployed from this sql/, where its catalog cannot be read; return the hash.

    What somebody changed by hand after the deploy is not seen: `holdfast db verify` sees it, over a port.
    """
    deployed = await watch.schema_hash(ledger)
    tree = read_tree()
    if deployed is None or deployed not in {
        tree.schema_hash(),
        tree.schema_hash(test_clock=True) if test_clock else None,
    }:
        raise HoldfastError(ErrorCode.DRIFT, f"The database was deployed from another sql/: {deployed}")
    note("the schema is compared by its hash: over HTTP its catalog cannot be read")
    if deployed != tree.schema_hash():
        note("the database's clock is the movable one of tests")
    return deployed


async def _drifts(url: str, *, pooled: bool) -> list[Drift]:
    conn = await connect(url, pooled=pooled)
    try:
        return await verify(conn)
    finally:
        await conn.close()


async def free_leases(ledger: Ledger) -> None:
    """Release every lease: for the process that has just started the database, so that nobody else lives."""
    accounts = await work.due_accounts(ledger)
    for tenant_id in sorted({each.tenant_id for each in accounts}):
        for row in await leases.list_leases(ledger, tenant_id):
            if row.holder is not None:
                await leases.release(ledger, tenant_id, row.account_id, row.fencing_token)
                await leases.end_instance(ledger, row.holder)


async def reader_role(ledger: Ledger) -> None:
    """Prove that reads can be made as the tenant. Raises CONFIGURATION with what has to be granted."""
    try:
        await TenantReads(ledger, _NOBODY).call("fn_clock")
    except HoldfastError as error:
        if error.code is not ErrorCode.FORBIDDEN:
            raise
        raise HoldfastError(
            ErrorCode.CONFIGURATION,
            f"This login may not read as a tenant: GRANT {READER_ROLE} TO it (or let it deploy).",
            cause=str(error),
        ) from error


async def installation_tag(ledger: Ledger) -> str:
    """Return the tag of this installation, made with its first start."""
    return await admin.init_engine(ledger, tag_from_random(os.urandom(8)))


async def invariants_hold(watchdog: Watchdog) -> str | None:
    """Return why the ledger cannot be trusted, None if every profile's and account's books are right."""
    findings = await watchdog.look()
    if not findings.violations:
        return None
    found = {
        f"{violation.get('profile_id') or violation['account_id']} ({violation['check']})": None
        for violation in findings.violations
    }
    return f"{len(found)} checks of books failed: {', '.join(list(found)[:_SHOWN_MAX])}"
