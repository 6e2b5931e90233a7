"""Proves that docs/exchanges.md names every tier and every code that the code relies on."""

import re
from pathlib import Path

import pytest

from engine.exchange.outcome_table import RULES
from engine.exchange.tiers import EXCHANGES

PAGE = (Path(__file__).parents[2] / "docs" / "exchanges.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("exchange", sorted(EXCHANGES))
def test_tiers_are_told(exchange: str) -> None:
    """Each exchange stands in the tier table with its tier."""
    rows = [row for row in PAGE.splitlines() if re.match(rf"\|[^|]*\b{exchange}\b", row)]
    assert any(f"| {EXCHANGES[exchange].tier.value} |" in row for row in rows)


@pytest.mark.parametrize("exchange", sorted(RULES))
def test_codes_are_told(exchange: str) -> None:
    """Each code of the allow-list stands in its exchange's row; -1100 to -1121 as a range."""
    (row,) = [
        row for row in PAGE.splitlines() if re.match(rf"\|[^|]*\b{exchange}\b", row) and row.count("|") == 6
    ]
    ranged = {str(-code) for code in range(1100, 1122)}
    missing = {rule.code for rule in RULES[exchange] if rule.code and rule.code not in row} - ranged
    assert set() == missing
