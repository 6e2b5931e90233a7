"""The command `holdfast`: quick, with documented exit codes, and `-o json` everywhere."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.cli import COMMANDS, main
from engine.cli.exits import Exit, exit_code
from engine.deploy.embedded import EmbeddedPostgres, running_url
from engine.domain.errors import EXPLANATIONS, ErrorCode
from tests.database.servers import Database, Server, in_own_loop
from tests.database.trees import write_tree


@pytest.fixture
def empty(server: Server) -> Iterator[Database]:
    made = in_own_loop(server.create_empty())
    yield made
    in_own_loop(server.drop(made))


def call(*words: str, **environment: str) -> Result:
    env = {f"HOLDFAST_{name.upper()}": value for name, value in environment.items()}
    return CliRunner().invoke(main, list(words), env=env)


def test_help_is_quick() -> None:
    """The best of five `holdfast --help`, interpreter's start included, takes under 0.3 seconds."""
    command = [sys.executable, "-c", "from engine.cli import main; main()", "--help"]
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds.append(time.perf_counter() - begun)
        for name in COMMANDS:
            assert f"\n  {name} " in done.stdout
    assert min(seconds) < 0.3


def test_help_loads_nothing_heavy() -> None:
    """No command's module, no database driver, no pydantic and no rich stand behind --help."""
    code = (
        "import sys\nfrom engine.cli import main\nmain(['--help'], standalone_mode=False)\n"
        "heavy = {'asyncpg', 'ccxt', 'fastapi', 'pydantic', 'rich', 'engine.cli.db'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr


@pytest.mark.parametrize("name", list(COMMANDS))
def test_each_command_has_help(name: str) -> None:
    """Every name in the list leads to a command that tells what it does."""
    result = call(name, "--help")
    assert 0 == result.exit_code, result.output
    assert f"Usage: main {name}" in result.output


def test_deploy_verify_status(empty: Database, tmp_path: Path) -> None:
    """A deploy, a clean verify, then a change by hand: exit code 1 and a line that names it."""
    tree = ["--sql-dir", str(write_tree(tmp_path))]
    url = empty.deployer_url
    assert Exit.FAILED == call("db", "verify", *tree, database_url=url).exit_code
    deployed = call("-o", "json", "db", "deploy", *tree, database_url=url)
    assert Exit.OK == deployed.exit_code, deployed.output
    assert json.loads(deployed.stdout)["changed"]
    clean = call("db", "verify", *tree, database_url=url)
    assert (Exit.OK, "The database equals sql/.\n") == (clean.exit_code, clean.stdout)

    in_own_loop(drop_function(empty))
    found = call("db", "verify", *tree, database_url=url)
    assert Exit.FAILED == found.exit_code
    assert "missing: function fn_double(p_n integer): deployed, but gone\n" == found.stdout
    found = call("db", "verify", *tree, "-o", "json", database_url=url)
    assert Exit.FAILED == found.exit_code
    assert [
        {"kind": "missing", "object": "function fn_double(p_n integer)", "detail": "deployed, but gone"}
    ] == json.loads(found.stdout)

    status = call("db", "status", *tree, "--output=json", database_url=url)
    assert ["20260101000000_things"] == json.loads(status.stdout)["migrations_applied"]


async def drop_function(database: Database) -> None:
    admin = await database.admin()
    await admin.execute("DROP FUNCTION engine.fn_double")
    await database.close()


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    """Exit code 3 and the code before the message; JSON when asked for."""
    url = "postgresql://someone:secretword@127.0.0.1:1/nowhere"
    plain = call("db", "status", database_url=url)
    assert Exit.UNREACHABLE == plain.exit_code
    assert plain.stderr.startswith(
        "DATABASE_UNAVAILABLE: No connection to the database 'nowhere' at 127.0.0.1"
    )
    shaped = call("db", "status", "-o", "json", database_url=url)
    assert "DATABASE_UNAVAILABLE" == json.loads(shaped.stderr)["code"]
    assert "secretword" not in plain.output + shaped.output
    settings = tmp_path / "settings.env"
    settings.write_text(f"HOLDFAST_DATABASE_URL={url}\n")
    assert Exit.UNREACHABLE == call("--env-file", str(settings), "db", "status").exit_code


def test_the_embedded_database_of_a_command(server: Server) -> None:
    """Without a URL a command starts the embedded server for itself, or uses the one that runs."""
    del server  # asked for only to be sure that a second server beside it works
    with tempfile.TemporaryDirectory(prefix="holdfast-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        data_dir = str(folder / "data")
        result = call("db", "deploy", data_dir=data_dir)
        assert Exit.OK == result.exit_code, result.output
        assert running_url(Path(data_dir)) is None
        with EmbeddedPostgres(Path(data_dir)):
            assert Exit.OK == call("db", "verify", data_dir=data_dir).exit_code
            assert running_url(Path(data_dir)) is not None


def test_a_command_waits_for_a_database_that_is_starting() -> None:
    """While another process makes and starts the embedded server, a command waits and then uses that one."""
    hold = (
        "import pathlib, sys\nfrom engine.deploy.embedded import EmbeddedPostgres\n"
        "with EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable=False): sys.stdin.read()"
    )
    with tempfile.TemporaryDirectory(prefix="holdfast-test-") as name:
        Path(name).chmod(0o755)
        data_dir = Path(name) / "data"
        with subprocess.Popen([sys.executable, "-c", hold, str(data_dir)], stdin=subprocess.PIPE) as other:
            lock = data_dir / "postgres.lock"
            deadline = time.monotonic() + 10
            while not (lock.exists() and lock.read_text()) and time.monotonic() < deadline:
                pass
            told = call("db", "status", "-o", "json", data_dir=str(data_dir))
            other.communicate()
    assert Exit.OK == told.exit_code, told.output
    assert "holdfast" == json.loads(told.stdout)["database"]


@pytest.mark.parametrize("code", list(ErrorCode))
def test_explain_knows_every_code(code: ErrorCode) -> None:
    """Each code has its sentence, status and advice."""
    result = call("explain", code.value)
    assert Exit.OK == result.exit_code
    assert EXPLANATIONS[code].text in result.stdout
    assert exit_code(code) in set(Exit) - {Exit.OK}


def test_explain_lists_all_and_knows_what_it_does_not_know() -> None:
    """Without an argument all codes; an unknown one has exit code 4."""
    listed = call("explain", "-o", "json")
    assert {code.value for code in ErrorCode} == {row["code"] for row in json.loads(listed.stdout)}
    assert Exit.NOT_FOUND == call("explain", "NOTHING").exit_code
    assert Exit.USAGE == call("explain", "--nothing").exit_code
