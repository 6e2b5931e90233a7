"""The conditions of the database before anything is traded: reachable, equal to sql/, invariants hold."""

import os
from collections.abc import Callable

from engine.deploy.connection import connect
from engine.deploy.deployment import deploy
from engine.deploy.verification import DriftKind, verify
from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.ids import tag_from_random
from engine.ledger import admin
from engine.ledger.seam import Ledger
from engine.loops.watchdog import Watchdog

_SHOWN_MAX = 3


async def reach(url: str) -> str:
    """Return the server's version. Raises DATABASE_UNAVAILABLE, or CONFIGURATION for one too old."""
    conn = await connect(url)
    try:
        return str(conn.get_settings().server_version)
    finally:
        await conn.close()


async def make_equal(url: str, *, deploys: bool, test_clock: bool, note: Callable[[str], None]) -> None:
    """Deploy sql/ if this process may, and prove that the database equals it.

    Raises DRIFT with the first differences. The movable clock of tests is accepted only with the setting.
    """
    if deploys:
        await deploy(url, test_clock=test_clock)
    conn = await connect(url)
    try:
        drifts = await verify(conn)
    finally:
        await conn.close()
    moved = [drift for drift in drifts if drift.kind is DriftKind.TEST_CLOCK]
    if moved and test_clock:
        note("the database's clock is the movable one of tests")
        drifts = [drift for drift in drifts if drift.kind is not DriftKind.TEST_CLOCK]
    if drifts:
        shown = "; ".join(str(drift) for drift in drifts[:_SHOWN_MAX])
        raise HoldfastError(
            ErrorCode.DRIFT, f"{len(drifts)} differences from sql/: {shown}", differences=len(drifts)
        )


async def installation_tag(ledger: Ledger) -> str:
    """Return the tag of this installation, made with its first start."""
    return await admin.init_engine(ledger, tag_from_random(os.urandom(8)))


async def invariants_hold(watchdog: Watchdog) -> str | None:
    """Return why the ledger cannot be trusted, None if every profile's journal gives its stored figures."""
    findings = await watchdog.look()
    if not findings.violations:
        return None
    named = ", ".join(violation["profile_id"] for violation in findings.violations[:_SHOWN_MAX])
    return f"{len(findings.violations)} profiles do not equal their journal: {named}"
