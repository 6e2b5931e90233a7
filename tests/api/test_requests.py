"""Bodies of robots: what is refused, with which field and reason, before anything else is looked at."""

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from engine.api.requests import EntryBody, ExitBody, check_key, request_hash
from engine.domain.errors import ErrorCode, HoldfastError

LIMIT: dict[str, Any] = {
    "profile": "momentum",
    "symbol": "BTC/USDT",
    "type": "limit",
    "quantity": "0.01",
    "limit_price": "50000",
}


def entry(**changes: Any) -> EntryBody:
    return EntryBody.model_validate_json(json.dumps({**LIMIT, **changes}))


@pytest.mark.parametrize(
    "value",
    [
        0.01,
        1,
        True,
        "NaN",
        "Infinity",
        "-1",
        "0",
        "1" + "0" * 40,
        "1e5",
        "0." + "1" * 19,
        "",
        " 1",
        "+1",
        "\u0661",
        [],
        {},
    ],
)
@pytest.mark.parametrize("field", ["quantity", "limit_price"])
def test_number_that_is_no_positive_decimal_string_is_refused(field: str, value: Any) -> None:
    """Floats, NaN, 10^40, negatives, zero, exponents, excess scale: each is an error of the number."""
    with pytest.raises(ValidationError) as caught:
        entry(**{field: value})
    assert [("invalid_number", (field,))] == [(e["type"], e["loc"]) for e in caught.value.errors()]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"colour": "red"}, ("colour",)),
        ({"type": "stop"}, ("type",)),
        ({"symbol": 7}, ("symbol",)),
        ({"profile": ""}, ("profile",)),
        ({"post_only": "true"}, ("post_only",)),
        ({"time_in_force": "DAY"}, ("time_in_force",)),
        ({"expires_after_ms": "5"}, ("expires_after_ms",)),
        ({"expires_after_ms": 0}, ("expires_after_ms",)),
        ({"label": "x" * 65}, ("label",)),
        ({"limit_price": None}, ()),
        ({"type": "market"}, ()),
        ({"type": "market", "limit_price": None, "post_only": True}, ()),
        ({"type": "market", "limit_price": None, "time_in_force": "IOC"}, ()),
        ({"post_only": True, "time_in_force": "IOC"}, ()),
        ({"quantity": "all"}, ("quantity",)),
    ],
)
def test_body_of_another_form_is_refused(changes: dict[str, Any], place: tuple[str, ...]) -> None:
    """Unknown fields, wrong types and contradicting fields are refused, and the field is named."""
    with pytest.raises(ValidationError) as caught:
        entry(**changes)
    assert [place] == [e["loc"] for e in caught.value.errors()]


def test_exit_takes_all() -> None:
    """An exit of everything says so in a word instead of a number."""
    body = ExitBody.model_validate(
        {"profile": "p", "symbol": "BTC/USDT", "type": "market", "quantity": "all"}
    )
    assert "all" == body.quantity


def test_equal_meaning_has_equal_hash() -> None:
    """A repeat that writes the same number in another way is the same request; another number is not."""
    assert Decimal("0.010") == entry(quantity="0.010").quantity
    assert request_hash("entry", entry()) == request_hash("entry", entry(quantity="0.010"))
    assert request_hash("entry", entry()) != request_hash("entry", entry(quantity="0.011"))
    assert request_hash("entry", entry()) != request_hash("exit", entry())


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, ErrorCode.IDEMPOTENCY_KEY_REQUIRED),
        ("", ErrorCode.IDEMPOTENCY_KEY_REQUIRED),
        ("x" * 129, ErrorCode.BAD_REQUEST),
        ("ключ", ErrorCode.BAD_REQUEST),
        ("a\tb", ErrorCode.BAD_REQUEST),
    ],
)
def test_idempotency_key_is_needed_and_plain(key: str | None, code: ErrorCode) -> None:
    """A missing key and an unusable key are told apart."""
    with pytest.raises(HoldfastError) as caught:
        check_key(key)
    assert code == caught.value.code
