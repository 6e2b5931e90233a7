"""Proves the table itself: where codes are found in each exchange's answers, and that it only allows."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.exchange.outcome_table import RULES, Verdict, judge, raw_code

ANSWERS = [
    ("bybit", 200, {"retCode": 170141, "retMsg": "Duplicate clientOrderId"}, Verdict.DUPLICATE, "170141"),
    ("bybit", 200, {"retCode": 110072, "retMsg": "OrderLinkedID is duplicate"}, Verdict.DUPLICATE, "110072"),
    ("bybit", 200, {"retCode": 170131, "retMsg": "Balance insufficient"}, Verdict.REFUSED, "170131"),
    ("bybit", 200, {"retCode": 10000, "retMsg": "Server Timeout"}, Verdict.UNKNOWN, "10000"),
    (
        "okx",
        200,
        {"code": "1", "data": [{"sCode": "51016", "sMsg": "duplicated"}]},
        Verdict.DUPLICATE,
        "51016",
    ),
    ("okx", 200, {"code": "1", "data": [{"sCode": "51008", "sMsg": "balance"}]}, Verdict.REFUSED, "51008"),
    ("okx", 200, {"code": "50004", "msg": "Endpoint request timeout"}, Verdict.UNKNOWN, "50004"),
    ("kucoin", 200, {"code": "126044", "msg": "duplicate"}, Verdict.DUPLICATE, "126044"),
    ("kraken", 200, {"error": ["EOrder:Insufficient funds"]}, Verdict.REFUSED, "EOrder:Insufficient funds"),
    ("kraken", 200, {"error": ["EService:Timeout"]}, Verdict.UNKNOWN, "EService:Timeout"),
    (
        "coinbase",
        200,
        {"success": False, "error_response": {"error": "INSUFFICIENT_FUND", "message": "m"}},
        Verdict.REFUSED,
        "INSUFFICIENT_FUND",
    ),
    ("gate", 400, {"label": "BALANCE_NOT_ENOUGH", "message": "m"}, Verdict.REFUSED, "BALANCE_NOT_ENOUGH"),
    ("gate", 500, {"label": "SERVER_ERROR", "message": "m"}, Verdict.UNKNOWN, "SERVER_ERROR"),
    ("binance", 400, {"code": -2013, "msg": "Order does not exist."}, Verdict.NOT_FOUND, "-2013"),
    ("binance", 400, {"code": -4116, "msg": "ClientOrderId is duplicated."}, Verdict.DUPLICATE, "-4116"),
    ("nobody", 400, {"code": -1013, "msg": "Filter failure"}, Verdict.UNKNOWN, "400"),
]


@pytest.mark.parametrize(("exchange", "status", "body", "verdict", "code"), ANSWERS)
def test_answers(exchange: str, status: int, body: object, verdict: Verdict, code: str) -> None:
    """Each exchange's own code is found where it writes it, and judged as the table says."""
    answer = judge(exchange, status, json.dumps(body))
    assert (verdict, code) == (answer.verdict, answer.code)


@given(
    st.sampled_from(sorted(RULES)),
    st.integers(500, 599),
    st.sampled_from([rule.code for rules in RULES.values() for rule in rules]),
)
def test_no_server_error_proves_anything(exchange: str, status: int, code: str | None) -> None:
    """With a 5xx no code of any exchange is definitive."""
    body = json.dumps({"code": code, "retCode": code, "label": code, "error": code})
    assert Verdict.UNKNOWN == judge(exchange, status, body).verdict


@given(st.sampled_from(sorted(RULES)), st.text(), st.integers(200, 428))
def test_no_garbage_proves_anything(exchange: str, body: str, status: int) -> None:
    """Bytes that are no answer are never definitive, and never raise."""
    if status == 418:  # Binance's ban is a refusal whatever its body says
        status = 400
    assert Verdict.UNKNOWN == judge(exchange, status, body).verdict


@settings(max_examples=40)
@given(
    st.sampled_from(sorted(RULES)),
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["code", "msg", "data", "error", "error_response", "label", "sCode"]), inner
            )
        ),
    ),
)
def test_any_json_is_read(exchange: str, data: object) -> None:
    """Any JSON gives a code and a message, at worst empty ones."""
    code, message = raw_code(exchange, json.dumps(data))
    assert isinstance(code, str)
    assert isinstance(message, str)


def test_silence_proves_nothing() -> None:
    """No answer is unknown."""
    assert Verdict.UNKNOWN == judge("binance", None, None).verdict
