"""A command line on a database of its own, and a paper exchange for the commands that ask one."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands import CONTROL_OF, PAPER_KEY, PAPER_SECRET, CommandLine
from tests.database.servers import Database


@pytest.fixture
def cli(database: Database, tmp_path: Path) -> CommandLine:
    return CommandLine({"HOLDFAST_DATABASE_URL": database.login_url, "HOLDFAST_DATA_DIR": str(tmp_path)})


@pytest.fixture(scope="module")
def paper() -> Iterator[str]:
    """The address of a paper exchange in a process of its own, prices standing still."""
    command = [sys.executable, "-c", "from engine.cli import main; main()", "paper", "--exit-with-parent"]
    command += ["--port", "0", "--control-port", "0", "--step-ms", "0"]
    command += ["--account", f"{PAPER_KEY}:{PAPER_SECRET}:USDT=10000,BTC=0.5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        origin = f"http://127.0.0.1:{ready['port']}"
        CONTROL_OF[origin] = f"http://127.0.0.1:{ready['control_port']}"
        yield origin
        process.terminate()


@pytest.fixture
def acme(cli: CommandLine, paper: str) -> CommandLine:
    """A tenant `acme` with the account `main`, the profile `alpha` with 1,000 USDT and the robot `ada`."""
    cli.made("tenants", "create", "acme")
    cli.made(
        "accounts", "create", "acme", "main", "--key", PAPER_KEY, "--secret", PAPER_SECRET, "--paper", paper
    )
    cli.made(
        "profiles", "create", "acme", "alpha", "--account", "main", "--quote", "USDT", "--allocate", "1000"
    )
    cli.made("robots", "create", "acme", "ada")
    return cli
