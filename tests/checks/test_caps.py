"""The size caps, names and headers that keep the layout readable like a map."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
BODY_LINES_MAX = 100
VAGUE_NAMES = {"utils", "util", "common", "helpers", "core", "base", "manager"}
TOP_LEVEL = {
    ".ci", ".gitignore", "Makefile", "README.md", "benchmarks", "docker", "docs", "engine", "pyproject.toml",
    "requirements.lock", "runbooks", "sql", "tests",
}  # fmt: skip


def tracked(*patterns: str) -> list[Path]:
    """Files git tracks, or would with the next `git add`, that match the patterns."""
    out = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [ROOT / line for line in out.splitlines() if (ROOT / line).is_file()]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_file_exceeds_the_cap() -> None:
    """Every Python and SQL file stays below 500 lines."""
    long = {
        relative(path): lines
        for path in tracked("*.py", "*.sql")
        if (lines := len(path.read_text().splitlines())) > FILE_LINES_MAX
    }
    assert {} == long


def test_no_python_function_exceeds_the_cap() -> None:
    """Every Python function stays at or below 70 lines, its docstring included."""
    long = {
        f"{relative(path)}:{node.name}": node.end_lineno - node.lineno + 1
        for path in tracked("*.py")
        for node in functions(path)
        if node.end_lineno is not None and node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX
    }
    assert {} == long


def test_no_sql_body_exceeds_the_cap() -> None:
    """Every function body in sql/ stays at or below 100 lines."""
    body = re.compile(r"AS\s+(\$[a-z_]*\$)(.*?)\1", re.DOTALL | re.IGNORECASE)
    long = {
        relative(path): lines
        for path in tracked("sql/**/*.sql")
        for match in body.finditer(path.read_text())
        if (lines := len(match.group(2).strip().splitlines())) > BODY_LINES_MAX
    }
    assert {} == long


def test_every_module_says_what_it_is_for() -> None:
    """Every module of the engine, the tests and the benchmarks starts with one sentence."""
    silent = [
        relative(path)
        for path in tracked("engine/*.py", "tests/*.py", "benchmarks/*.py")
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert [] == silent


def test_every_test_says_what_it_proves() -> None:
    """Every test function carries a docstring."""
    silent = [
        f"{relative(path)}:{node.name}"
        for path in tracked("tests/*.py")
        for node in functions(path)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert [] == silent


def test_no_vague_names() -> None:
    """No module is named after nothing in particular."""
    assert [] == [relative(path) for path in tracked("*.py") if path.stem in VAGUE_NAMES]


def test_init_files_are_empty() -> None:
    """Packages export nothing; only the command line has its entry point in one."""
    full = [
        relative(path) for path in tracked("engine/**/__init__.py", "engine/__init__.py") if path.read_text()
    ]
    assert full in ([], ["engine/cli/__init__.py"])


def test_top_level_is_the_frame() -> None:
    """Nothing stands at the top that the frame does not name."""
    names = {relative(path).split("/")[0] for path in tracked("*")}
    assert set() == names - TOP_LEVEL


FUNCTION_FILES = [
    path for path in tracked("sql/functions/**/*.sql") if not relative(path).endswith(".test.sql")
]


@pytest.mark.parametrize("path", FUNCTION_FILES, ids=lambda path: path.stem)
def test_function_file_form(path: Path) -> None:
    """A function file holds one object of its name, a header, a COMMENT, a REVOKE and at most one GRANT."""
    text = path.read_text()
    assert text.startswith("-- ")
    created = re.findall(r"CREATE OR REPLACE FUNCTION engine\.(\w+)", text)
    assert [path.stem] == sorted(set(created))
    assert f"COMMENT ON FUNCTION engine.{path.stem}" in text
    assert re.search(rf"REVOKE ALL ON FUNCTION engine\.{path.stem}\b[^;]*FROM PUBLIC", text)
    assert len(re.findall(r"^GRANT ", text, re.MULTILINE)) <= 1
    if path.stem.startswith("fn_") and path.stem != "fn_clock":
        assert "SECURITY DEFINER" in text


def test_every_tenant_function_enters_its_tenant() -> None:
    """A function that takes a tenant compares it with the claims: the owner's policies rely on that."""
    assert [] == [
        relative(path)
        for path in FUNCTION_FILES
        if path.stem.startswith("fn_")
        and "p_tenant_id" in path.read_text()
        and not re.search(r"(PERFORM|IF) engine\.enter_tenant\(p_tenant_id\)", path.read_text())
    ]


def test_sql_reads_time_in_one_place() -> None:
    """Leases, locks and facts use one clock, the database's: no SQL file but fn_clock asks for the time."""
    clock = re.compile(
        r"\b(clock_timestamp|now|statement_timestamp|transaction_timestamp|timeofday)\s*\("
        r"|\b(current_timestamp|current_time|current_date|localtime|localtimestamp)\b"
        r"|'(now|today|tomorrow|yesterday)'",
        re.IGNORECASE,
    )
    asking = {
        relative(path)
        for path in tracked("sql/**/*.sql")
        if clock.search(re.sub(r"--[^\n]*", "", path.read_text()))
    }
    assert {"sql/functions/fn_clock.sql", "sql/test_clock/fn_clock.sql"} == asking


def test_every_sql_function_has_its_own_test_file() -> None:
    """Each fn_* has tests/sql/**/test_<its name>.py."""
    tested = {path.stem.removeprefix("test_") for path in tracked("tests/**/test_fn_*.py")}
    public = {path.stem for path in FUNCTION_FILES if path.stem.startswith("fn_")}
    assert set() == public - tested


def test_nothing_names_a_registry() -> None:
    """No tracked file carries a package registry's address."""
    address = re.compile("|".join(("pypi" + r"\.org", "python" + "hosted", "registry" + r"\.npmjs")))
    assert [] == [
        relative(path)
        for path in tracked("*")
        if path.suffix not in {".png", ".zip"} and address.search(path.read_text(errors="replace"))
    ]
