"""The view ledger_entries: double entry as a reader sees it, behind row level security."""

from tests.sql.capital.trading import round_trip
from tests.sql.capital.world import World


async def test_debits_equal_credits_and_tenants_are_walled(world: World) -> None:
    """Every event balances; without a tenant's claim nothing is readable, with another's nothing is there."""
    await round_trip(world)
    reader = await world.database.connect("holdfast_reader")
    unbalanced = (
        "SELECT event_id FROM engine.ledger_entries GROUP BY event_id"
        " HAVING sum(CASE type WHEN 'DEBIT' THEN amount ELSE -amount END) <> 0"
    )
    async with reader.transaction():
        await reader.execute("SELECT set_config('holdfast.tenant_id', $1, true)", str(world.one.id))
        assert [] == await reader.fetch(unbalanced)
        assert 10 < await reader.fetchval("SELECT count(*) FROM engine.ledger_entries")
        await reader.execute("SELECT set_config('holdfast.tenant_id', $1, true)", str(world.other.id))
        assert 0 == await reader.fetchval("SELECT count(*) FROM engine.ledger_entries")
