"""The command line's surface: fast help, light imports, JSON anywhere, exit codes, no database."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import click
import pytest

from engine.cli import main
from tests.cli.commands import CommandLine

HELP_S_MAX = 0.3
NOUNS = ("tenants", "robots", "accounts", "profiles", "orders", "capital", "demo")
RUN = "from engine.cli import main; main(prog_name='holdfast')"


def _commands(command: click.Command, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        return [words]
    context = click.Context(command)
    found = [words]
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        found += _commands(below, (*words, name))
    return found


@pytest.mark.parametrize("noun", NOUNS)
def test_help_is_fast(noun: str) -> None:
    """`--help` of each command, in a process of its own, costs hardly any CPU time: best of five.

    Time by the clock is the same on an idle machine; on a busy one it would measure the others.
    """
    assert any(_cpu_seconds(noun) < HELP_S_MAX for _ in range(5))


def test_every_command_has_help(cli: CommandLine) -> None:
    """Each command and group explains itself, and its first line is a sentence."""
    for words in _commands(main):
        ran = cli(*words, "--help")
        assert 0 == ran.code, words
        assert "Usage: holdfast" in ran.out


def test_help_loads_neither_ccxt_nor_the_database_driver() -> None:
    """What `--help` of the operator's commands does not need is not imported."""
    program = f"""
import sys
from click.testing import CliRunner
from engine.cli import main
for noun in {NOUNS!r}:
    assert CliRunner().invoke(main, [noun, "--help"]).exit_code == 0
heavy = ("ccxt", "asyncpg", "aiohttp", "fastapi", "pydantic", "rich")
loaded = [name for name in heavy if name in sys.modules]
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


def test_commands_on_the_database_do_not_load_ccxt(cli: CommandLine) -> None:
    """Only `accounts create` and `capital --live` speak to an exchange; the others never import ccxt."""
    program = f"""
import sys
from click.testing import CliRunner
from engine.cli import main
for words in (["tenants", "create", "acme"], ["robots", "create", "acme", "ada"],
              ["accounts", "list", "acme"], ["profiles", "list", "acme"], ["orders", "list", "acme"],
              ["capital"]):
    result = CliRunner(env={cli.environment!r}).invoke(main, words)
    assert result.exit_code == 0, result.output
assert "ccxt" not in sys.modules and "ccxt.async_support" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


@pytest.mark.parametrize(
    "words",
    [
        ("-o", "json", "tenants", "list"),
        ("tenants", "-o", "json", "list"),
        ("tenants", "list", "--output=json"),
    ],
)
def test_json_may_be_asked_for_anywhere(cli: CommandLine, words: tuple[str, ...]) -> None:
    """`-o json` works before, between and after the words of a command."""
    assert [] == cli(*words).json


@pytest.mark.parametrize(
    "words",
    [
        ("tenants", "create"),
        ("tenants", "creat", "acme"),
        ("profiles", "allocate", "acme", "alpha", "1"),
        ("profiles", "set-mode", "acme", "alpha", "paused", "--reason", "x"),
        ("orders", "list", "acme", "--state", "lost"),
        ("orders", "list", "acme", "--limit", "0"),
        ("demo", "--seconds", "0"),
        ("demo", "--replay", "/does/not/exist"),
    ],
)
def test_wrong_usage_is_exit_code_2(cli: CommandLine, words: tuple[str, ...]) -> None:
    """A missing, unknown or impossible word is told with the usage and exit code 2."""
    ran = cli(*words)
    assert 2 == ran.code
    assert "Usage: holdfast" in ran.err


def test_unreachable_database_is_exit_code_3(tmp_path: Path) -> None:
    """A server that does not answer is named, without the password."""
    url = "postgresql://someone:hidden@127.0.0.1:9/nothing"
    away = CommandLine({"HOLDFAST_DATABASE_URL": url, "HOLDFAST_DATA_DIR": str(tmp_path)})
    ran = away("tenants", "list", "-o", "json")
    assert (3, "DATABASE_UNAVAILABLE") == (ran.code, ran.problem["code"])
    assert "hidden" not in ran.err


def test_real_process_gives_json_and_exit_code(cli: CommandLine) -> None:
    """The installed entry point behaves as the tests in this process say."""
    command = [sys.executable, "-c", RUN, "tenants", "show", "nobody", "-o", "json"]
    ran = subprocess.run(
        command, env=cli.environment, capture_output=True, text=True, check=False, timeout=30
    )
    assert (4, "") == (ran.returncode, ran.stdout)
    assert "NOT_FOUND" == json.loads(ran.stderr)["code"]


def _cpu_seconds(noun: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-c", RUN, noun, "--help"], check=True, stdout=subprocess.DEVNULL, timeout=30
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
