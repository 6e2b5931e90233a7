"""Every block of docs/guides/supabase.md runs as it is pasted, on a project that nothing was deployed to."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from engine.ledger.rpc import RpcOptions
from tests.daemon.stage import call, start_daemon, until
from tests.database.servers import Database
from tests.supabase.conftest import opened
from tests.supabase.double import PUBLISHABLE_KEY, SECRET_KEY, Double, user_token
from tests.supabase.project import Project, authenticator_url
from tests.supabase.scene import Scene

GUIDE = Path(__file__).parents[2] / "docs/guides/supabase.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
(DEPLOY, RUN), (GRANT,), (READ,) = (
    [text for language, text in BLOCKS if language == wanted] for wanted in ("bash", "sql", "python")
)


@dataclass(frozen=True, slots=True)
class Stranger:
    """Who follows the guide: a project with its API, and a folder that is new."""

    project: Database
    double: Double
    folder: Path

    async def run(self, *words: str, **more: str) -> str:
        """Run a block with what the project's own pages tell; gives what it printed."""
        given = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOLDFAST_DATA_DIR": str(self.folder),
            "PROJECT_DATABASE_URL": self.project.deployer_url,
            "PROJECT_URL": self.double.url,
            "PUBLISHABLE_KEY": PUBLISHABLE_KEY,
            "SECRET_KEY": SECRET_KEY,
        }
        process = await asyncio.create_subprocess_exec(
            *words, env=given | more, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await process.communicate()
        assert 0 == process.returncode, err.decode()
        return out.decode()


@pytest.fixture
async def stranger(project_server: Project, tmp_path: Path) -> AsyncIterator[Stranger]:
    empty = await project_server.create_empty()
    double = await Double.serve(authenticator_url(empty))
    try:
        yield Stranger(empty, double, tmp_path)
    finally:
        await double.close()
        await project_server.drop(empty)


async def test_the_guide_from_deploy_to_a_running_daemon(stranger: Stranger) -> None:
    """Deployed by its port; over HTTP a tenant is made, and a daemon passes the gates of the database."""
    assert "The database equals sql/." in await stranger.run("bash", "-euc", DEPLOY)
    commands, daemon, _ = RUN.partition("holdfast run\n")
    assert "holdfast run\n" == daemon
    assert "acme" in await stranger.run("bash", "-euc", commands)
    running = await asyncio.to_thread(
        start_daemon,
        stranger.folder,
        supabase_url=stranger.double.url,
        supabase_key=SECRET_KEY,
    )
    try:
        port = (await asyncio.to_thread(running.said, "listening"))["port"]

        def ready() -> Any:
            told = call(port, "GET", "/readyz").body
            return told if told["gate"] == "accounts" else None

        told = await asyncio.to_thread(until, "the gates of the database", ready)
        assert ["the schema is compared by its hash: over HTTP its catalog cannot be read"] == [
            note for note in told["notes"] if "hash" in note
        ]
        health = (await asyncio.to_thread(call, port, "GET", "/internal/health")).body
        assert (True, True) == (health["database"]["reachable"], health["database"]["writable"])
    finally:
        assert 0 == await asyncio.to_thread(running.stop)
    assert {"engine_call", "engine_read"} == {
        "engine_read" if "p_tenant_id" in body else "engine_call" for body in stranger.double.requests
    }


async def test_a_user_gets_a_tenant_and_reads_it(stranger: Stranger) -> None:
    """The row that the guide changes names the tenant, and the program prints that tenant's capital."""
    await stranger.run("bash", "-euc", DEPLOY)
    async with opened(RpcOptions(stranger.double.url, SECRET_KEY)) as ledger:
        scene = await Scene(ledger).build()
    admin = await stranger.project.admin()
    user = uuid4()
    await admin.execute("INSERT INTO auth.users (id, email) VALUES ($1, 'ada@example.com')", user)
    assert "UPDATE 1" == await admin.execute(GRANT.replace(":'tenant_id'", f"'{scene.tenant}'"))
    kept = json.loads(await admin.fetchval("SELECT raw_app_meta_data FROM auth.users WHERE id = $1", user))
    token = user_token(str(user), app_metadata=kept)
    told = await stranger.run(sys.executable, "-c", READ, USER_TOKEN=token)
    assert "profile 1000 USDT\n" == told
