"""What the paper trading guide and `holdfast paper` tell strangers works when it is copied."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.conftest import KEY, ROOT, Paper, python_of, running
from tests.clients.guide import GUIDE, block, blocks

# Heading of the section, and whose interpreter runs its code.
PYTHON = {"python-binance": "python-binance", "ccxt": None, "binance-sdk-spot": "binance-sdk-spot"}


@pytest.mark.parametrize("heading", PYTHON)
def test_python_blocks(heading: str, paper: Paper, tmp_path: Path) -> None:
    """Each client's code trades as it stands, and all of it is in the oracle."""
    client = PYTHON[heading]
    python = sys.executable if client is None else python_of(client)
    for number, code in enumerate(blocks("python", heading)):
        before = len(paper.account()["orders"])
        script = tmp_path / f"{number}.py"
        script.write_text(paper.addressed(code))
        done = subprocess.run(
            [python, str(script)],
            check=False,
            capture_output=True,
            text=True,
            timeout=90,
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},
        )
        assert 0 == done.returncode, done.stderr
        assert done.stdout
        orders = paper.account()["orders"][before:]
        assert "FILLED" in {order["status"] for order in orders}
        assert {"FILLED", "CANCELED"} >= {order["status"] for order in orders}


def test_every_python_block_is_run() -> None:
    """No section with code is left out above."""
    everything = re.findall(r"^```python$", GUIDE.read_text(), re.MULTILINE)
    assert len(everything) == sum(len(blocks("python", heading)) for heading in PYTHON)


def test_start(tmp_path: Path) -> None:
    """The line that starts the exchange gives the account that every example trades with."""
    install, start = commands("Start it")
    assert ["make", "install"] == install
    assert 0 == subprocess.run([*install, "--dry-run"], cwd=ROOT, check=False, capture_output=True).returncode
    assert [".venv/bin/holdfast", "paper"] == start[:2]
    for paper in running(tmp_path, *start[2:]):
        assert {"BTC", "USDT"} == set(paper.account()["balances"])


def test_recorded_prices(tmp_path: Path) -> None:
    """The replay's line plays a file of that name, sixty recorded seconds in one, and then stands still."""
    (start,) = commands("Recorded prices")
    name = start[start.index("--replay") + 1]
    tape = tmp_path / name.replace(".zip", ".csv")
    tape.write_text(
        "".join(f"{n},{61000 + n}.00,0.5,0,{1709251200000 + n * 15_000},True,True\n" for n in range(40))
    )
    given = [str(tape) if word == name else word for word in start[2:]]
    for paper in running(tmp_path, *given):
        seen: list[float] = []
        for _ in range(200):
            market = paper.control("POST", "/step", {"steps": 1})["BTCUSDT"]
            seen.append(float(market["last"]))
        # 200 steps of a tenth of a second, sixty times as fast, are twice as long as the tape.
        assert sorted(seen) == seen
        assert 61000 <= seen[0] <= 61039 == seen[-1]


def test_begin_again(paper: Paper) -> None:
    """Both lines give the money back."""
    paper.control("POST", "/deposit", {"account": KEY, "asset": "USDT", "amount": "77"})
    for words, free in zip(commands("Begin again"), ("100000.00000000", "500.00000000"), strict=True):
        assert [".venv/bin/holdfast", "paper", "reset"] == words[:3]
        command = [
            sys.executable,
            "-m",
            "engine.cli.paper",
            *words[2:],
            "--control-port",
            str(paper.control_port),
        ]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)
        assert 0 == done.returncode, done.stderr
        assert free == paper.account()["balances"]["USDT"]["free"]


def test_oracle_is_there(paper: Paper) -> None:
    """The addresses that the guide asks with curl answer."""
    oracle, requests = (
        paper.addressed(words[-1]).removeprefix(paper.control_url)
        for words in commands("What really happened")
    )
    assert paper.control("GET", oracle)["consistent"]
    assert [] == paper.control("GET", requests)["requests"]


def test_hints_equal_the_guide(paper: Paper) -> None:
    """`holdfast paper` prints the settings that the guide shows and the tests run."""
    told = paper.told.read_text()
    shown = json.loads(re.search(r'"ccxt_config": (\{.*\})$', told, re.MULTILINE)[1])  # type: ignore[index]
    assert json.loads(paper.addressed(block("json", "freqtrade")))["exchange"]["ccxt_config"] == shown
    examples = paper.addressed("".join(blocks("python", "python-binance")))
    lines = re.findall(r"^  (\w*Client\.\w+_URL = .*)$", told, re.MULTILINE)
    assert [] == [line for line in lines if line not in examples]
    assert 3 == len(lines)


def commands(heading: str) -> list[list[str]]:
    """The words of each command line below a heading."""
    text = block("console", heading)
    return [shlex.split(line.removeprefix("$ ")) for line in text.splitlines()]
