"""Other people's clients trade on a paper exchange of its own process; run by `make test-clients` only.

Each client runs in its own environment under .venv-clients/, so these tests are collected only when this
folder is asked for by name.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KEY, SECRET = "paper-key", "paper-secret"


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Leave `make test` alone: it has no client environments."""
    asked = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(HERE) for path in asked) else True


@dataclass(frozen=True, slots=True)
class Paper:
    """A running `holdfast paper`."""

    port: int
    control_port: int
    told: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def control_url(self) -> str:
        return f"http://127.0.0.1:{self.control_port}"

    def control(self, method: str, path: str, given: dict[str, Any] | None = None) -> Any:
        body = None if given is None else json.dumps(given).encode()
        request = Request(self.control_url + path, body, method=method)  # noqa: S310 - our own address
        with urlopen(request, timeout=30) as response:  # noqa: S310 - our own address
            return json.load(response)

    def account(self) -> dict[str, Any]:
        """The oracle's books of the one account, after checking that the exchange agrees with them."""
        shown = self.control("GET", f"/oracle?account={KEY}")
        assert [] == shown["differences"]
        account: dict[str, Any] = shown["accounts"][KEY]
        return account

    def addressed(self, text: str) -> str:
        """A guide's text with this exchange's ports for the usual ones."""
        return text.replace(":18080", f":{self.port}").replace(":18081", f":{self.control_port}")


@pytest.fixture
def paper(tmp_path: Path) -> Iterator[Paper]:
    """Prices take ten steps a second; the account holds enough of everything."""
    yield from running(tmp_path, "--account", f"{KEY}:{SECRET}:USDT=100000,BTC=1,ETH=10,BNB=10")


def running(folder: Path, *arguments: str) -> Iterator[Paper]:
    """Start `holdfast paper` on free ports and stop it at the end; it must end well."""
    told = folder / "paper.log"
    command = [sys.executable, "-m", "engine.cli.paper", "--port", "0", "--control-port", "0"]
    with told.open("wb") as log:
        process = subprocess.Popen(
            [*command, "--step-ms", "100", "--exit-with-parent", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, told.read_text()
    ready = json.loads(line)
    try:
        yield Paper(ready["port"], ready["control_port"], told)
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert 0 == process.returncode, told.read_text()


def python_of(client: str) -> str:
    """The interpreter of a client's environment."""
    found = ROOT / ".venv-clients" / client / "bin" / "python"
    if not found.exists():
        pytest.fail(f"{found} is missing: run `make test-clients`")
    return str(found)


def beliefs(client: str, script: str, paper: Paper, rounds: int) -> dict[str, Any]:
    """Let a client trade and read what it believes afterwards."""
    given = {"url": paper.url, "ws_url": paper.ws_url, "key": KEY, "secret": SECRET, "rounds": rounds}
    done = subprocess.run(
        [python_of(client), str(HERE / script), json.dumps(given)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": os.environ["PATH"]},
    )
    assert 0 == done.returncode, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told
