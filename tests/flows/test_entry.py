"""Proves the life of an entry, from a robot's wish to the ledger, on the real parts."""

from decimal import Decimal

from engine.domain.errors import Outcome
from tests.flows.rig import Rig


async def test_limit_entry_is_filled_and_booked(rig: Rig) -> None:
    """A marketable limit entry becomes one order, one fill and one position; the books agree."""
    answer = await rig.desk.entries.run(rig.entry("0.001", "50100"))
    assert ("OK", Outcome.PLACED, True) == (answer.code, answer.outcome, answer.recorded), answer
    view = await rig.only_intent()
    assert ("confirmed", "filled") == (view["state"], view["order"] and view["order"]["status"])
    figures = await rig.figures()
    assert Decimal(0) == Decimal(figures["reserved_for_orders"])
    assert Decimal("0.001") * 50_010 >= Decimal(figures["reserved_for_positions"])
    await rig.check_books()
