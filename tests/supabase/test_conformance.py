"""One suite that every transport passes: the same calls, answers, types and errors."""

from uuid import uuid4

from engine.ledger import admin, reads
from engine.ledger.seam import Ledger


async def test_walk(ledger: Ledger) -> None:
    """A tenant is made and read."""
    tenant = uuid4()
    await admin.create_tenant(ledger, tenant, "t", "test")
    await admin.create_robot(ledger, tenant, uuid4(), "robot", "test")
    assert ["robot"] == [row["name"] for row in await reads.list_robots(ledger, tenant)]
