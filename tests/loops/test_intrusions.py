"""Attempts to reach another tenant's things: proven, counted, audited and told."""

from uuid import UUID, uuid4

import pytest

from engine.ledger import admin, walls
from engine.ledger.reading import TenantReads
from engine.ledger.seam import Ledger
from engine.loops.intrusions import Intrusions
from engine.loops.notices import NoticeOptions, Notices
from tests.ledger.conftest import ledger, tenant_id

__all__ = ["ledger", "tenant_id"]
MODULE = "GET /v1/orders/{order_id}"


@pytest.fixture
def intrusions(ledger: Ledger) -> Intrusions:
    made = Intrusions(
        Notices(NoticeOptions("http://127.0.0.1:9/x"), ledger.metrics, ledger.clock),
        ledger.metrics,
        ledger.clock,
    )
    ledger.on_foreign = made.refused
    return made


def value(ledger: Ledger, name: str, tenant: UUID, module: str = MODULE) -> float:
    labels = {"tenant": str(tenant), "module": module}
    return ledger.metrics.registry.get_sample_value(f"holdfast_{name}", labels) or 0.0


async def test_a_foreign_id_is_an_attempt(intrusions: Intrusions, ledger: Ledger, tenant_id: UUID) -> None:
    """It is counted by tenant and route, kept in the audit of who asked, and told; ids of nobody are not."""
    other = uuid4()
    await admin.create_tenant(ledger, other, "other", "test")
    intrusions.suspect(tenant_id, "robot:r", MODULE, [str(other), str(uuid4()), "", "x" * 65, "a\0b"])
    await intrusions.turn(ledger)
    assert 1 == value(ledger, "cross_tenant_access_attempts_total", tenant_id)
    (row,) = await walls.list_audit(ledger, tenant_id, {"code": walls.CROSS_TENANT})
    assert ("robot:r", MODULE, {"id": str(other)}) == (row["actor"], row["action"], row["detail"])
    assert [] == await walls.list_audit(ledger, other, {"code": walls.CROSS_TENANT})
    (letter,) = intrusions._notices._letters
    assert (str(tenant_id), MODULE) == (letter.notice.tenant, letter.notice.module)
    assert str(other) not in letter.body.decode()


async def test_the_rate_falls_by_itself(intrusions: Intrusions, ledger: Ledger, tenant_id: UUID) -> None:
    """Attempts per minute over five minutes, and zero when nothing more came."""
    for _ in range(10):
        intrusions.refused(tenant_id, MODULE)
    assert 2 == value(ledger, "tenant_violation_rate", tenant_id)
    ledger.clock.advance(301)
    await intrusions.turn(ledger)
    assert 0 == value(ledger, "tenant_violation_rate", tenant_id)


async def test_what_the_database_refuses_is_told(
    intrusions: Intrusions,
    ledger: Ledger,
    tenant_id: UUID,
) -> None:
    """A call under a foreign claim is counted and audited by the seam, and told by the guard."""
    with pytest.raises(Exception, match="another tenant"):
        await TenantReads(ledger, uuid4()).call("fn_list_robots", tenant_id)
    assert 1 == value(ledger, "cross_tenant_access_attempts_total", tenant_id, "fn_list_robots")
    assert 0 < value(ledger, "tenant_violation_rate", tenant_id, "fn_list_robots")
    assert 1 == len(intrusions._notices._letters)


async def test_an_outage_loses_no_suspicion(
    intrusions: Intrusions,
    ledger: Ledger,
    tenant_id: UUID,
) -> None:
    """While the database is away what is to be proven waits, and it is bounded and counted."""

    async def away(*_: object) -> None:
        raise ConnectionResetError

    other = uuid4()
    await admin.create_tenant(ledger, other, "other", "test")
    ledger.fault = away
    intrusions.suspect(tenant_id, "robot:r", MODULE, [str(other)])
    await intrusions.turn(ledger)
    ledger.fault = None
    await intrusions.turn(ledger)
    assert 1 == value(ledger, "cross_tenant_access_attempts_total", tenant_id)
    for _ in range(300):
        intrusions.suspect(tenant_id, "robot:r", MODULE, [str(uuid4()) for _ in range(4)])
    unchecked = ledger.metrics.registry.get_sample_value("holdfast_cross_tenant_unchecked_total")
    assert (1_024, 176) == (len(intrusions._waiting), unchecked)
