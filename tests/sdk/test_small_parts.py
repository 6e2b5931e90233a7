"""The SDK's small parts: numbers, waits, errors by ccxt's names."""

from decimal import Decimal
from typing import Any

import pytest

from engine.client import ccxt_errors
from engine.client.errors import NumberError
from engine.client.numbers import to_text
from engine.client.pace import Pace
from engine.client.robot import Robot
from engine.domain.errors import EXPLANATIONS, ErrorCode
from engine.exchange import lean


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("0.010", "0.01"),
        (Decimal("1E+3"), "1000"),
        (7, "7"),
        ("1.10", "1.1"),
        (Decimal("1e-18"), "0." + "0" * 17 + "1"),
    ],
)
def test_one_number_has_one_text(given: Any, sent: str) -> None:
    """However a number is written, the same text goes out: two texts would be two orders under one key."""
    assert sent == to_text(given, "quantity")


@pytest.mark.parametrize(
    "wrong", [0.1, True, None, "", "1e3", "-1", "0", 0, Decimal("NaN"), "1" * 21, "0." + "1" * 19, "\u0661"]
)
def test_what_is_no_number_is_refused(wrong: Any) -> None:
    """Floats, zero, signs, exponents in text, NaN and too many digits are refused."""
    with pytest.raises(NumberError, match="quantity"):
        to_text(wrong, "quantity")


def test_waits_grow_to_a_bound_and_obey_retry_after() -> None:
    """Waits double to the longest one, chance takes up to half, and Retry-After is never undercut."""
    steady = Pace(first_s=0.1, most_s=1.0, chance=lambda: 0.0)
    assert [0.1, 0.2, 0.4, 0.8, 1.0, 1.0] == [steady.wait_s(n) for n in range(6)]
    assert 0.5 == Pace(first_s=0.1, most_s=1.0, chance=lambda: 1.0).wait_s(9)
    assert 1.0 == steady.wait_s(100_000)
    assert [3.0, 3.1] == [
        Pace(first_s=0.1, chance=lambda chance=chance: chance).wait_s(0, 3.0) for chance in (0.0, 1.0)
    ]


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "ftp://x", "http://"])
def test_an_address_that_is_none_is_said_at_once(url: str, tmp_path: Any) -> None:
    """A wrong address is a mistake of the author, not an outage to wait for."""
    with pytest.raises(ValueError, match="address"):
        Robot(url, "hf_key", journal=tmp_path / "journal")


def test_the_error_tree_is_ccxt_s() -> None:
    """Each name exists in ccxt below the same parent, and what is raised is caught by ccxt's own class."""
    ccxt = lean.load()
    for name, parent in ccxt_errors.PARENTS.items():
        theirs = getattr(ccxt, name)
        assert issubclass(ccxt_errors.ccxt_error(name), theirs)
        if parent is not None:
            assert issubclass(theirs, getattr(ccxt, parent))
            assert issubclass(ccxt_errors.ccxt_error(name), ccxt_errors.ccxt_error(parent))


def test_without_ccxt_the_tree_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A robot that never loads ccxt gets classes of the same names, and ccxt is not loaded for it."""
    monkeypatch.delitem(ccxt_errors.sys.modules, "ccxt.base.errors", raising=False)
    error = ccxt_errors.error_of("INSUFFICIENT_CAPITAL", "120 of 500")
    assert ["InsufficientFunds", "ExchangeError", "BaseError", "Exception"] == [
        each.__name__ for each in type(error).__mro__[:4]
    ]
    assert "ccxt.base.errors" not in ccxt_errors.sys.modules


def test_every_code_has_a_class() -> None:
    """A retryable code never tells a robot to give up, and no code is left without a class."""
    for code in ErrorCode:
        error = ccxt_errors.error_of(code, "", retryable=EXPLANATIONS[code].retryable)
        assert code == error.code  # type: ignore[attr-defined]
        if EXPLANATIONS[code].retryable:
            assert isinstance(error, ccxt_errors.ccxt_error("NetworkError"))
    named = {code for code in ccxt_errors.BY_CODE if code not in ccxt_errors.OWN_CODES}
    assert set() == named - set(ErrorCode)
