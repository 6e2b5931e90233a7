"""After other people's clients have traded, the oracle equals what each believes."""

import copy
from typing import Any

import pytest

from tests.clients.comparison import differences
from tests.clients.conftest import KEY, Paper, beliefs

ROUNDS = 12


def test_python_binance(paper: Paper) -> None:
    """Orders of every kind in three markets: answers, queries and user stream equal the oracle.

    What the account's owner then does by hand, and the client does not know, is seen as a difference.
    """
    told = beliefs("python-binance", "trade_python_binance.py", paper, ROUNDS)
    account = paper.account()
    assert ROUNDS * 3 * 4 == len(told["answers"]) == len(account["orders"])
    assert [] == differences(account, told["queried"])
    assert [] == differences(account, told["stream"])
    assert [] == answer_differences(account, told["answers"])
    assert {"FILLED", "CANCELED", "EXPIRED"} == {order["status"] for order in account["orders"]}
    plant_and_find(account, told["queried"])
    by_hand = {"account": KEY, "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
    paper.control("POST", "/order", by_hand)
    found = differences(paper.account(), told["queried"])
    for what in ("order", "fill", "balance USDT"):
        assert [] != [one for one in found if one.startswith(what)], what


def test_binance_sdk_spot(paper: Paper) -> None:
    """The official client, over REST and over the ws-api: the same books in answers, queries and events."""
    told = beliefs("binance-sdk-spot", "trade_binance_sdk.py", paper, ROUNDS)
    account = paper.account()
    assert ROUNDS * 2 * 5 == len(told["answers"]) == len(account["orders"])
    assert [] == differences(account, told["queried"])
    assert [] == differences(account, {**told["queried"], "fills": told["stream"]["fills"]})
    assert [] == answer_differences(account, told["answers"])
    plant_and_find(account, told["queried"])


def answer_differences(account: dict[str, Any], answers: list[dict[str, Any]]) -> list[str]:
    """Compare what placing was answered: the order is known by its ids, and its first fills are true."""
    orders = {(order["symbol"], order["orderId"]): order for order in account["orders"]}
    found = []
    for answer in answers:
        order = orders[answer["symbol"], answer["orderId"]]
        if answer["clientOrderId"] != order["clientOrderId"]:
            found.append(f"{answer['clientOrderId']} is {order['clientOrderId']}")
        true = {fill["tradeId"]: fill for fill in order["fills"]}
        found += [
            f"order {order['orderId']}: fill {fill} is {true.get(fill['tradeId'])}"
            for fill in answer["fills"]
            if any(
                fill[name] != true.get(fill["tradeId"], {}).get(name)
                for name in ("price", "qty", "commission", "commissionAsset")
            )
        ]
    return found


def plant_and_find(account: dict[str, Any], believed: dict[str, Any]) -> None:
    """Spoil the beliefs in one place at a time: the comparison must see each."""
    for spoil in (
        lambda told: told["orders"].pop(),
        lambda told: told["orders"].append({**told["orders"][0], "orderId": 10**9}),
        lambda told: told["orders"][0].update(executedQty="0.12345678"),
        lambda told: told["orders"][-1].update(status="NEW"),
        lambda told: told["fills"].pop(),
        lambda told: told["fills"][0].update(commission="0.00000001"),
        lambda told: told["balances"]["USDT"].update(free="1"),
        lambda told: told["balances"].pop("USDT"),
    ):
        spoiled = copy.deepcopy(believed)
        spoil(spoiled)
        found = differences(account, spoiled)
        if not found:
            pytest.fail("a planted difference went unseen")
