"""The whole demo as a user runs it: it holds, it notices what does not, and it leaves nothing."""

import hashlib
import hmac
import json
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from engine.cli.demo.cast import API_KEY, API_SECRET
from engine.cli.demo.stage import sweep
from tests.demo.processes import (
    DEADLINE_S,
    exchange_port,
    family,
    living,
    running_demo,
    stage_folder,
    until,
    wait_for_line,
)

PROMISED = {
    "intents",
    "orders",
    "fills",
    "denied",
    "duplicates",
    "invariant_violations",
    "ledger_equals_exchange",
    "entry_ms_p50",
    "seconds",
    "recovered_seconds",
    "unknown",
    "proven",
    "feed_events",
    "foreign_refused",
}


def test_short_demo_on_recorded_trades_holds_and_leaves_nothing(tmp_path: Path) -> None:
    """A replay traded, a stranger refused, a daemon killed, a feed that goes on: all holds, nothing left."""
    figures, recorded = tmp_path / "demo.json", tmp_path / "BTCUSDT-trades.csv"
    recorded.write_text("".join(_recorded(8_000)))
    with running_demo(DEMO_SECONDS="2", DEMO_JSON=str(figures), DEMO_REPLAY=str(recorded)) as process:
        wait_for_line(process, "daemon")
        processes = family(process.pid)
        folder = stage_folder(processes)
        out, err = process.communicate(timeout=DEADLINE_S)
    assert (0, "") == (process.returncode, err)
    assert "All of it holds" in out
    found = json.loads(figures.read_text())
    assert PROMISED <= found.keys()
    assert (0, 0, True) == (
        found["duplicates"],
        found["invariant_violations"],
        found["ledger_equals_exchange"],
    )
    assert found["intent_states"]["confirmed"] == found["orders"] == found["exchange_orders"] > 0
    assert found["intents"] >= found["orders"]  # a post-only order may be rejected by the exchange
    assert found["fills"] == found["exchange_fills"] > 0
    assert {"INSUFFICIENT_CAPITAL", "INVALID_PRICE"} <= found["denials"].keys()
    assert found["sent_twice"] >= 2
    assert 2 == found["unknown"] == found["proven"]  # the lost answer, and the order that lost its daemon
    tried = found["foreign_attempts"]
    assert (5, 5, 5, 5) == (tried, *(found[f"foreign_{what}"] for what in ("refused", "counted", "audited")))
    assert "5 refused, 5 counted, 5 audited" in out
    assert (0, 0) == (found["feed_missing"], found["feed_repeated"])
    assert 1 <= found["feed_resumed"]
    assert 0 < found["feed_events_after_resume"] < found["feed_events"]
    assert "no gap, no duplicate" in out
    assert [] == found["problems"]
    assert [] == living(processes)
    assert not folder.exists()


def test_order_that_the_ledger_cannot_know_fails_the_demo(tmp_path: Path) -> None:
    """A trade by hand on the same account makes the books differ: exit code 1, and the lines are named."""
    figures = tmp_path / "demo.json"
    with running_demo(DEMO_SECONDS="1", DEMO_JSON=str(figures)) as process:
        wait_for_line(process, "daemon")
        order_id = _buy_by_hand(exchange_port(stage_folder(family(process.pid))))
        out, err = process.communicate(timeout=DEADLINE_S)
    assert (1, "") == (process.returncode, err)
    assert "This does not hold" in out
    assert f"order BTCUSDT {order_id}: ledger has none, exchange buy 0.001, filled" in out
    found = json.loads(figures.read_text())
    assert not found["ledger_equals_exchange"]
    assert [f"order BTCUSDT {order_id}"] == [
        text.split(":")[0] for text in found["problems"] if text.startswith("order")
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_stopped_demo_leaves_nothing(number: signal.Signals) -> None:
    """Ctrl-C, a polite and a brutal end: every process is gone, and so is the folder."""
    with running_demo(DEMO_SECONDS="30") as process:
        wait_for_line(process, "daemon" if number is signal.SIGINT else "database")
        processes = family(process.pid)
        folder = stage_folder(processes)
        process.send_signal(number)
        _, err = process.communicate(timeout=DEADLINE_S)
        if number is not signal.SIGKILL:
            assert 130 == process.returncode
            assert "Everything was stopped" in err
            assert "Traceback" not in err
        until(lambda: not living(processes), "every process of the demo ends")
        until(lambda: not folder.exists(), "the demo's folder goes")


def test_folder_of_a_demo_that_died_with_its_janitor_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next demo removes a folder that nobody holds, and no other."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead, strange = tmp_path / "holdfast-demo-dead", tmp_path / "holdfast-demo-strange"
    held = tmp_path / "holdfast-demo-held"
    for folder in (dead, strange, held):
        folder.mkdir()
    (dead / "stage.lock").touch()
    holder = ["flock", str(held / "stage.lock"), "sh", "-c", "echo held; read _"]
    with subprocess.Popen(holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"held\n" == process.stdout.readline()
        sweep()
        process.communicate(b"\n")
    assert {strange, held} == set(tmp_path.iterdir())


def _recorded(count: int) -> list[str]:
    """Trades in Binance's public layout: id, price, quantity, quote, time, buyer is maker, best match."""
    lines = []
    for number in range(count):
        price = 50_000 + (number * 37) % 400 / 100
        moment = 1_700_000_000_000 + number * 10
        lines.append(f"{number},{price:.2f},0.05000000,2500.0,{moment},{bool(number % 2)},True\n")
    return lines


def _buy_by_hand(port: int) -> int:
    """Buy 0.001 BTC with the demo's own key, past Holdfast."""
    query = urlencode(
        {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "MARKET",
            "quantity": "0.001",
            "timestamp": int(time.time() * 1000),
        }
    )
    signature = hmac.new(API_SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
    request = Request(
        f"http://127.0.0.1:{port}/api/v3/order?{query}&signature={signature}",
        method="POST",
        headers={"X-MBX-APIKEY": API_KEY},
    )
    with urlopen(request, timeout=10) as response:  # noqa: S310
        return int(json.load(response)["orderId"])
