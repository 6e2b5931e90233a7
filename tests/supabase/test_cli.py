"""What Supabase's own command line says of a deployed database; `make advisors` installs it and runs this."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.database.servers import Database

PROGRAM = Path(__file__).parents[2] / ".venv-clients/supabase/node_modules/.bin/supabase"
pytestmark = pytest.mark.supabase_cli


async def run(folder: Path, project: Database, *words: str) -> tuple[int, str]:
    """Run it in a folder of a project's own against the database; gives exit code and all it said."""
    (folder / "supabase/migrations").mkdir(parents=True, exist_ok=True)
    (folder / "supabase/config.toml").write_text('project_id = "tests"\n')
    process = await asyncio.create_subprocess_exec(
        str(PROGRAM),
        *words,
        *("--db-url", f"{project.deployer_url}?sslmode=disable", "--agent", "no", "--yes"),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    return process.returncode or 0, told.decode()


async def test_the_advisors_find_nothing_to_warn_of(any_project: Database, tmp_path: Path) -> None:
    """All advisors, security and performance, have nothing at the level of a warning or above."""
    code, told = await run(tmp_path, any_project, "db", "advisors", "--fail-on", "warn", "--level", "warn")
    assert 0 == code, told


async def test_the_advisors_would_find_something(any_project: Database, tmp_path: Path) -> None:
    """A function without a search_path is told, with an exit code: the silence means something."""
    admin = await any_project.admin()
    await admin.execute("CREATE FUNCTION public.loose() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    code, told = await run(
        tmp_path, any_project, "db", "advisors", "--fail-on", "warn", "--level", "warn", "-o", "json"
    )
    found: list[Any] = json.JSONDecoder().raw_decode(told, told.index("["))[0]
    assert 0 != code
    assert "function_search_path_mutable" in {each["name"] for each in found}


async def test_its_history_accepts_our_migrations(any_project: Database, tmp_path: Path) -> None:
    """They are fetched as files of its naming, and a migration of the project's own is all that is pushed."""
    code, told = await run(tmp_path, any_project, "migration", "fetch")
    assert 0 == code, told
    ours = {path.name for path in (Path(__file__).parents[2] / "sql/migrations").glob("*.sql")}
    assert ours == {path.name for path in (tmp_path / "supabase/migrations").iterdir()}
    (tmp_path / "supabase/migrations/29990101000000_mine.sql").write_text(
        "CREATE TABLE public.mine (id int);\n"
    )
    code, told = await run(tmp_path, any_project, "db", "push", "--dry-run")
    assert 0 == code, told
    assert ["29990101000000_mine.sql"] == [word for word in told.split() if word.endswith(".sql")]
