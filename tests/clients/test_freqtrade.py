"""A live freqtrade bot trades on the paper exchange; its own database equals the oracle."""

import copy
import json
import os
import shlex
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.clients.comparison import balance_differences, order_differences
from tests.clients.conftest import HERE, Paper, python_of
from tests.clients.guide import block

TRADES = 8
HELD_S = 3
# Start-up, with the import of ccxt's exchanges, is most of it.
PATIENCE_S = 150
_STATUS = {"closed": "FILLED", "canceled": "CANCELED", "expired": "EXPIRED", "open": "NEW"}


def test_live_bot(paper: Paper, tmp_path: Path) -> None:
    """With the guide's configuration and fixed signals: orders, fees, profit and balances all agree."""
    home = prepare(paper, tmp_path)
    trade(home)
    account = paper.account()
    told = read(home)
    assert [] == [order["order_id"] for order in told["orders"] if order["ft_is_open"]]
    assert [] == [trade["id"] for trade in told["trades"] if trade["is_open"]]
    assert len(told["trades"]) >= TRADES
    assert [] == freqtrade_differences(account, told)
    plant_and_find(account, told)


def prepare(paper: Paper, folder: Path) -> Path:
    """Lay out what a user would: the guide's configuration and a strategy; beside it only the test's pace."""
    home = folder / "bot"
    strategies = home / "user_data" / "strategies"
    strategies.mkdir(parents=True)
    (strategies / "counting_strategy.py").write_bytes((HERE / "counting_strategy.py").read_bytes())
    (home / "config.json").write_text(paper.addressed(block("json", "freqtrade")))
    # Enough for orders to be filled in parts, and soon enough taken back to be canceled with a part filled.
    pace = {
        "stake_amount": 8000,
        "internals": {"process_throttle_secs": 1},
        "unfilledtimeout": {"entry": 4, "exit": 4, "unit": "seconds"},
    }
    (home / "pace.json").write_text(json.dumps(pace))
    return home


def trade(home: Path) -> None:
    """Run the bot until its strategy says that it is done."""
    told = shlex.split(
        block("console", "freqtrade").removeprefix("$ ").replace("YourStrategy", "CountingStrategy")
    )
    command = [str(Path(python_of("freqtrade")).with_name(told[0])), *told[1:]]
    files = ["--config", "pace.json", "--userdir", "user_data"]
    counted = {"COUNTING_TRADES": str(TRADES), "COUNTING_HELD_S": str(HELD_S), "PATH": os.environ["PATH"]}
    log = home / "bot.log"
    with log.open("wb") as out:
        bot = subprocess.Popen(
            [*command, *files, "--db-url", "sqlite:///trades.sqlite"],
            cwd=home,
            env=counted,
            stdout=out,
            stderr=out,
        )
    deadline = time.monotonic() + PATIENCE_S
    while not (home / "user_data" / "balances.json").exists():
        try:
            bot.wait(0.5)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                continue
            bot.kill()
        bot.wait()
        pytest.fail(f"the bot did not finish:\n{log.read_text()[-6000:]}")
    bot.send_signal(signal.SIGINT)
    bot.wait(30)


def read(home: Path) -> dict[str, Any]:
    """Give what the bot believes: its database, and the balances it told."""
    connection = sqlite3.connect(home / "trades.sqlite")
    connection.row_factory = sqlite3.Row
    told: dict[str, Any] = {
        table: [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY id")]  # noqa: S608 - fixed
        for table in ("trades", "orders")
    }
    connection.close()
    told["balances"] = json.loads((home / "user_data" / "balances.json").read_text())
    return told


def freqtrade_differences(account: dict[str, Any], told: dict[str, Any]) -> list[str]:
    """Everything in which the bot's database differs from the oracle's account.

    The bot forgets a trade whose entry was canceled without a fill, so such orders may be missing.
    """
    known = {place(order) for order in told["orders"]}
    true = {(order["symbol"], order["orderId"]): order for order in account["orders"]}
    kept = [
        order
        for where, order in true.items()
        if where in known
        or order["side"] == "SELL"
        or Decimal(order["executedQty"])
        or order["status"] != "CANCELED"
    ]
    balances = {
        asset: {"free": rounded(free), "locked": rounded(used)}
        for asset, (free, used) in told["balances"].items()
    }
    found = [
        *order_differences({**account, "orders": kept}, [as_order(order, true) for order in told["orders"]]),
        *balance_differences(account, balances),
    ]
    for one in told["trades"]:
        found += trade_differences(one, [o for o in told["orders"] if o["ft_trade_id"] == one["id"]], true)
    return found


def place(order: dict[str, Any]) -> tuple[str, int]:
    return order["ft_pair"].replace("/", ""), int(order["order_id"])


def as_order(order: dict[str, Any], true: dict[tuple[str, int], dict[str, Any]]) -> dict[str, Any]:
    """Read one row as an order; ccxt gave the bot no client order id, so that is not compared."""
    symbol, order_id = place(order)
    return {
        "symbol": symbol,
        "orderId": order_id,
        "clientOrderId": true.get((symbol, order_id), {}).get("clientOrderId"),
        "side": order["side"].upper(),
        "type": order["order_type"].upper(),
        "status": _STATUS.get(order["status"], order["status"]),
        "origQty": rounded(order["amount"]),
        "executedQty": rounded(order["filled"]),
        "cummulativeQuoteQty": rounded(order["cost"]),
    }


def rounded(value: float) -> str:
    """Bring one of the bot's floats back to the exchange's eight decimals."""
    return f"{value:.8f}"


@dataclass(frozen=True, slots=True)
class Filled:
    """What the oracle says an order moved: base, quote, and its fees in quote."""

    quantity: Decimal
    notional: Decimal
    fees: Decimal


def trade_differences(
    one: dict[str, Any], orders: list[dict[str, Any]], true: dict[tuple[str, int], dict[str, Any]]
) -> list[str]:
    """Compare amount, fees and profit of one round trip with the fills of its orders.

    Where an exit was canceled with a part filled, the bot books that part's profit and goes on with the rest:
    amount and close rate are then those of the last exit, the fee costs always those of the first order.
    The bot works with floats and fee *rates*, the exchange cuts each fee to eight decimals; a fee is eight
    dollars here, so a hundredth of a cent of tolerance hides none.
    """
    sides: dict[str, list[Filled]] = {"BUY": [], "SELL": []}
    for order in orders:
        shown = true.get(place(order))
        if shown is not None and shown["fills"]:
            sides[shown["side"]].append(filled(shown))
    entries, exits = sides["BUY"], sides["SELL"]
    if not entries or not exits:
        return [f"trade {one['id']}: the oracle knows no entry or no exit of it"]
    bought, sold = total(entries), total(exits)
    expected = {
        "amount": exits[-1].quantity,
        "fee_open_cost": entries[0].fees,
        "fee_close_cost": exits[0].fees,
        "realized_profit": sold.notional - sold.fees - bought.notional - bought.fees,
        "open_rate": bought.notional / bought.quantity,
        "close_rate": exits[-1].notional / exits[-1].quantity,
    }
    found = [
        f"trade {one['id']} {name}: the bot believes {one[name]}, it is {value}"
        for name, value in expected.items()
        if abs(Decimal(str(one[name])) - value) > tolerance(name)
    ]
    if bought.quantity != sold.quantity:
        found.append(f"trade {one['id']}: bought {bought.quantity}, sold {sold.quantity}")
    return found


def filled(order: dict[str, Any]) -> Filled:
    """Add up an order's fills; a fee in base is worth what the base cost in that fill."""
    numbers = [
        {name: Decimal(fill[name]) for name in ("price", "qty", "quoteQty", "commission")}
        for fill in order["fills"]
    ]
    return total(
        Filled(
            fill["qty"],
            fill["quoteQty"],
            fill["commission"] * (fill["price"] if order["side"] == "BUY" else 1),
        )
        for fill in numbers
    )


def total(parts: Iterable[Filled]) -> Filled:
    columns = zip(*((part.quantity, part.notional, part.fees) for part in parts), strict=True)
    return Filled(*(sum(column, Decimal(0)) for column in columns))


def tolerance(name: str) -> Decimal:
    """An amount is exact; rates are rounded to the instrument's tick."""
    if name == "amount":
        return Decimal("1e-9")
    return Decimal("0.01") if name.endswith("_rate") else Decimal("0.0001")


def plant_and_find(account: dict[str, Any], told: dict[str, Any]) -> None:
    """Spoil the bot's beliefs in one place at a time: the comparison must see each."""
    for table, column, wrong in (
        ("orders", "filled", 0.0),
        ("orders", "cost", 1.0),
        ("orders", "status", "open"),
        ("trades", "realized_profit", 0.0),
        ("trades", "fee_close_cost", 0.0),
        ("trades", "amount", 1.0),
    ):
        spoiled = copy.deepcopy(told)
        spoiled[table][-1][column] = wrong
        assert freqtrade_differences(account, spoiled), (table, column)
    for table in ("orders", "balances"):
        spoiled = copy.deepcopy(told)
        spoiled[table].pop(-1 if table == "orders" else "USDT")
        assert freqtrade_differences(account, spoiled), table
