"""Proves the watchdog: what is wrong is stopped, counted and named; its gauges fall to zero by themselves."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger import leases
from engine.loops.watchdog import CHECKS, Watchdog
from engine.paper.faults import FaultKind, Match
from engine.runtime.tasks import LoopHealth
from tests.flows.rig import Rig

VERSION = "UPDATE engine.profile_capital SET version = version + $1"


def gauge(rig: Rig, name: str, **labels: str) -> float | None:
    return rig.ledger.metrics.registry.get_sample_value(f"holdfast_{name}", labels)


def loop(name: str, *, ok: bool) -> LoopHealth:
    return LoopHealth(name, ok, ok, datetime.now(UTC), 1.0, 30.0, 1, 0, None)


async def plant(rig: Rig, statement: str, *args: Any) -> None:
    """Change rows as a superuser whom nothing stops."""
    admin = await rig.database.admin()
    await admin.execute("SET session_replication_role = replica")
    await admin.execute(statement, *args)


async def test_violation_halts_counts_names_and_heals(rig: Rig) -> None:
    """A forged figure halts the profile in that look; when it is healed the gauge is zero, the halt stays."""
    watchdog = Watchdog(rig.desk.context)
    assert [] == (await watchdog.look()).violations
    assert [0.0] * len(CHECKS) == [gauge(rig, "invariant_violations", check=check) for check in CHECKS]
    await plant(rig, VERSION, 1)
    found = await watchdog.look()
    assert [("rebuild_equals_stored", str(rig.profile_id))] == [
        (violation["check"], violation["profile_id"]) for violation in found.violations
    ]
    assert 1 == gauge(rig, "invariant_violations", check="rebuild_equals_stored")
    failures = {"tenant": str(rig.tenant_id), "function": "watchdog"}
    assert 1 == gauge(rig, "financial_invariant_failures_total", **failures)
    assert ["halted"] == [row["mode"] for row in found.capital]
    assert "MODE_HALTED" == (await rig.desk.entries.run(rig.entry())).code
    await watchdog.look()
    assert 1 == gauge(rig, "financial_invariant_failures_total", **failures)
    await plant(rig, VERSION, -1)
    assert [] == (await watchdog.look()).violations
    assert 0 == gauge(rig, "invariant_violations", check="rebuild_equals_stored")
    assert "halted" == (await rig.figures())["mode"]


async def test_whole_rebuilds_are_rare_and_find_the_past(rig: Rig) -> None:
    """Between two whole rebuilds only what is new is read; a forged past is found by the next whole one."""
    watchdog = Watchdog(rig.desk.context)
    await watchdog.look()
    assert "OK" == (await rig.desk.entries.run(rig.entry())).code
    assert [] == (await watchdog.look()).violations
    await plant(rig, "UPDATE engine.facts SET version = 0 WHERE version = 1")
    assert [] == (await watchdog.look()).violations
    rig.ledger.clock.advance(600)
    assert ["rebuild_equals_stored"] == [each["check"] for each in (await watchdog.look()).violations]
    await plant(rig, "UPDATE engine.facts SET version = 1 WHERE version = 0")
    assert [] == (await watchdog.look()).violations


async def test_account_whose_holdings_do_not_add_up_takes_no_entries(rig: Rig) -> None:
    """A forged unassigned holding is named with its account, whose entries are refused; exits pass."""
    assert "OK" == (await rig.desk.entries.run(rig.entry())).code
    await plant(rig, "UPDATE engine.unassigned_holdings SET quantity = quantity + 1")
    found = await Watchdog(rig.desk.context).look()
    assert {("unassigned", str(rig.account_id))} == {
        (violation["check"], violation["account_id"]) for violation in found.violations
    }
    assert "MODE_REDUCING" == (await rig.desk.entries.run(rig.entry())).code
    assert "OK" == (await rig.desk.exits.run(rig.exit())).code


async def test_locks_past_their_ttl_are_aged_until_they_are_free(rig: Rig) -> None:
    """An entry lock and a lease that outlive their TTL show their age, and zero when they are gone."""
    watchdog = Watchdog(rig.desk.context)
    rig.paper.fault(FaultKind.DROP_BEFORE, match=Match(method="POST", path="/api/v3/order"))
    assert "IN_DOUBT" == (await rig.desk.entries.run(rig.entry())).code
    taken = await leases.take(rig.observer, rig.tenant_id, rig.account_id, uuid4(), 10_000)
    await watchdog.look()
    assert [0.0, 0.0] == [gauge(rig, "lock_overdue_seconds", kind=kind) for kind in ("entry", "lease")]
    await rig.database.advance_clock(100)
    found = await watchdog.look()
    assert {"entry", "lease"} == {lock["kind"] for lock in found.locks}
    assert 65 < (gauge(rig, "lock_overdue_seconds", kind="entry") or 0) < 90
    assert 85 < (gauge(rig, "lock_overdue_seconds", kind="lease") or 0) < 110
    assert 1 == gauge(rig, "entry_lock_expired")
    await rig.resolve(rig.desk)
    await leases.release(rig.observer, rig.tenant_id, rig.account_id, taken.row.fencing_token)
    assert [] == (await watchdog.look()).locks
    assert [0.0, 0.0] == [gauge(rig, "lock_overdue_seconds", kind=kind) for kind in ("entry", "lease")]
    assert 0 == gauge(rig, "entry_lock_expired")


async def test_silent_loops_are_named_even_without_a_database(rig: Rig) -> None:
    """A loop that is down is named and counted, also by a look that the database does not answer."""
    states = [loop("monitor", ok=True), loop("gates", ok=True)]
    watchdog = Watchdog(rig.desk.context, lambda: states)
    assert [] == (await watchdog.look()).loops
    states[0] = loop("monitor", ok=False)
    rig.plug.down = True
    with pytest.raises(HoldfastError) as caught:
        await watchdog.look()
    assert ErrorCode.DATABASE_UNAVAILABLE is caught.value.code
    assert (["monitor"], 1.0) == (watchdog.findings.loops, gauge(rig, "loops_silent"))
    assert "DATABASE_UNAVAILABLE" in (watchdog.findings.error or "")
    rig.plug.down = False
    states[0] = loop("monitor", ok=True)
    await watchdog.look()
    assert ([], None, 0.0) == (
        watchdog.findings.loops,
        watchdog.findings.error,
        gauge(rig, "loops_silent"),
    )


async def test_every_state_of_trading_is_clean(rig: Rig) -> None:
    """Resting, filled, partly sold, cancelled and doubtful: no state that trading leaves is a violation."""
    watchdog = Watchdog(rig.desk.context)
    resting = await rig.desk.entries.run(rig.entry("0.001", "40000"))
    assert [] == (await watchdog.look()).violations
    assert "OK" == (await rig.desk.entries.run(rig.entry("0.002"))).code
    assert "OK" == (await rig.desk.exits.run(rig.exit("0.001"))).code
    assert [] == (await watchdog.look()).violations
    assert "OK" == (await rig.desk.cancels.run(rig.cancel(resting))).code
    rig.paper.fault(FaultKind.DROP_AFTER, match=Match(method="POST", path="/api/v3/order"))
    assert "IN_DOUBT" == (await rig.desk.entries.run(rig.entry("0.001", "40000"))).code
    assert [] == (await watchdog.look()).violations
    await rig.resolve(rig.desk)
    assert [] == (await watchdog.look()).violations
