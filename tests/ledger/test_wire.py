"""Proves that no number, moment or JSON value changes on its way to SQL and back."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger import wire

NUMBERS = st.decimals(
    min_value=Decimal("-1e19"), max_value=Decimal("1e19"), places=18, allow_nan=False, allow_infinity=False
)


@given(NUMBERS)
def test_numbers_survive(number: Decimal) -> None:
    """Every number of 20 + 18 digits comes back equal."""
    assert number == wire.number(wire.exact(number, "n"))


@pytest.mark.parametrize("text", ["1e-19", "0.0000000000000000001", "1e20", "NaN", "Infinity"])
def test_excess_is_refused_not_rounded(text: str) -> None:
    """A number that SQL would round or misread is refused before the call, by name."""
    with pytest.raises(HoldfastError) as caught:
        wire.exact(Decimal(text), "quantity")
    assert ErrorCode.INVALID_NUMBER is caught.value.code


def test_json_takes_our_values_only() -> None:
    """Ids, moments and decimals become text; a float is a bug and refused."""
    at = datetime(2026, 1, 2, 3, 4, 5, 600_000, UTC)
    given_ = {"id": UUID(int=1), "at": at, "n": Decimal("1.50"), "list": [None, True, 2]}
    expected = (
        '{"id":"00000000-0000-0000-0000-000000000001","at":"2026-01-02T03:04:05.600000+00:00",'
        '"n":"1.5","list":[null,true,2]}'
    )
    assert expected == wire.dump(given_)
    with pytest.raises(HoldfastError):
        wire.dump({"n": 1.5})


def test_json_numbers_are_never_floats() -> None:
    """A bare number with a fraction in a result is a Decimal."""
    assert {"n": Decimal("0.1"), "i": 3} == wire.load('{"n": 0.1, "i": 3}')


def test_moments_have_a_zone() -> None:
    """A naive moment is refused, an aware one comes back."""
    at = datetime(2026, 1, 2, tzinfo=UTC)
    text = wire.moment(at)
    assert text is not None
    assert at == wire.instant(text)
    with pytest.raises(HoldfastError):
        wire.moment(datetime(2026, 1, 2))  # noqa: DTZ001 - that is the point
