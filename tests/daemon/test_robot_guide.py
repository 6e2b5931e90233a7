"""What docs/guides/write-a-robot.md shows trades on the paper exchange as it is pasted."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.daemon.stage import Stage, Tenant, until

GUIDE = Path(__file__).parents[2] / "docs/guides/write-a-robot.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def author(stage: Stage) -> Tenant:
    """A robot's author with a fresh key and the profile main, and quotes that somebody has asked for."""
    made = stage.tenant()
    order = {
        "kind": "entry",
        "order": {"profile": "main", "symbol": "BTC/USDT", "type": "market", "quantity": "0.001"},
    }
    until(
        "the ask is fresh",
        lambda: stage.call("POST", "/v1/orders/preview", order, key=made.key).body["accepted"],
    )
    return made


def run(stage: Stage, author: Tenant, words: list[str]) -> str:
    """Run a block as a stranger does, with the address and the key in the environment."""
    known = {
        "PATH": os.environ["PATH"],
        "HOLDFAST_URL": f"http://127.0.0.1:{stage.port}",
        "ROBOT_KEY": author.key,
    }
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60, env=known)
    assert 0 == done.returncode, done.stderr
    return done.stdout


def test_curl_session(stage: Stage, author: Tenant) -> None:
    """Limits, an order, the list that shows it, and the cancel of all: each line answers as it says."""
    (session,) = (text for language, text in BLOCKS if language == "bash")
    told = run(stage, author, ["bash", "-eu", "-c", session])
    decoder, answers, rest = json.JSONDecoder(), [], told
    while rest:
        found, end = decoder.raw_decode(rest)
        answers.append(found)
        rest = rest[end:]
    limits, placed, listed, canceled = answers
    assert (True, "placed") == (limits["may_enter"], placed["outcome"])
    assert [placed["id"]] == [row["id"] for row in listed["orders"]]
    assert [(placed["id"], "done")] == [(row["id"], row["cancel"]) for row in canceled["orders"]]


def test_python_robot(stage: Stage, author: Tenant) -> None:
    """It buys, sells all again, and tells its capital, which is what the API tells."""
    (robot,) = (text for language, text in BLOCKS if language == "python")
    told = run(stage, author, [sys.executable, "-c", robot]).split()
    figures = stage.call("GET", "/v1/capital?profile=main", key=author.key).body["capital"][0]
    assert ["placed", "placed", figures["available"]] == told


def test_no_block_is_left_out() -> None:
    """The page has these two blocks and no other."""
    assert ["bash", "python"] == [language for language, _ in BLOCKS]
