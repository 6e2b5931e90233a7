"""A spec has the documented form or is refused with the field that is wrong."""

from typing import Any

import jsonschema_rs
import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.specs import RULES, SPEC_SCHEMA, checked_spec, read_spec, tag_of, tags_of

FULL: dict[str, Any] = {
    "symbols": ["BTC/USDT"],
    "max_order_quantity": "1",
    "max_order_notional": "1000.5",
    "max_open_orders": {"profile": 10, "symbol": 2},
    "max_entries_per_minute": 30,
    "price_collar": "0.05",
    "identical_orders": {"count": 3, "within_s": 10},
    "max_daily_loss": "100",
    "slippage_cap": "0.005",
    "quote_max_age_ms": 1000,
    "reconciliation_age_max_s": 120,
    "clock_skew_max_ms": 500,
}
WRONG: list[tuple[str, Any]] = [
    ("symbols", "BTC/USDT"),
    ("symbols", [1]),
    ("symbols", [""]),
    ("max_order_quantity", 1),
    ("max_order_quantity", "-1"),
    ("max_order_notional", "1e3"),
    ("price_collar", "NaN"),
    ("max_daily_loss", "1" * 21),
    ("slippage_cap", "0." + "0" * 19),
    ("max_entries_per_minute", True),
    ("max_entries_per_minute", "5"),
    ("max_open_orders", 5),
    ("max_open_orders", {}),
    ("max_open_orders", {"account": 1}),
    ("max_open_orders", {"profile": 0}),
    ("identical_orders", {"count": 3}),
    ("quote_max_age_ms", 0),
    ("clock_skew_max_ms", 1.5),
    ("anything", "else"),
]


def test_all_rules_together_are_a_spec() -> None:
    """Each rule in its documented form passes; nothing at all is a spec too."""
    assert FULL == checked_spec(FULL)
    assert {} == checked_spec({})
    assert set(RULES) - {"max_slippage"} == set(FULL)


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_the_wrong_field_is_named(field: str, value: Any) -> None:
    """SPEC_INVALID_SCHEMA carries the field, whatever is wrong with it."""
    with pytest.raises(HoldfastError) as caught:
        checked_spec(FULL | {field: value})
    assert (ErrorCode.SPEC_INVALID_SCHEMA, field) == (caught.value.code, caught.value.details["field"])


def test_the_published_schema_says_the_same() -> None:
    """What the OpenAPI document shows of a spec takes and refuses what the check does."""
    schema = jsonschema_rs.validator_for(SPEC_SCHEMA)
    assert schema.is_valid(FULL)
    assert [] == [(field, value) for field, value in WRONG if schema.is_valid({field: value})]


def test_size_is_capped() -> None:
    """512 KiB of canonical JSON is the most."""
    checked_spec({"symbols": ["A" * 60] * 8000})
    with pytest.raises(HoldfastError, match="at most 524288 bytes"):
        read_spec('{"symbols": [' + ",".join(['"' + "A" * 60 + '"'] * 9000) + "]}")


def test_tags_of_a_header() -> None:
    """A list of strong tags, or any; a weak one never matches; what is no tag is refused."""
    assert ["*"] == tags_of(" * ")
    assert ["1-a", "2-b"] == tags_of('"1-a", "2-b"')
    assert [] == tags_of('W/"1-a"')
    assert "3-ff" == tag_of(3, "ff")
    for bad in ("1-a", '"1-a', "", '"a" "b"'):
        with pytest.raises(HoldfastError):
            tags_of(bad)
