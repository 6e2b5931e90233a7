"""The cluster's roles: made once for all databases, by whoever may, and never with more than they need."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from engine.deploy.connection import connect
from engine.deploy.deployment import deploy
from engine.deploy.embedded import EmbeddedPostgres
from engine.deploy.verification import verify
from engine.domain.errors import ErrorCode, HoldfastError
from tests.database.servers import installed_15, with_database, with_login
from tests.database.trees import write_tree


@pytest.fixture(scope="module", params=["18", "15"])
def bare_cluster(request: pytest.FixtureRequest) -> Iterator[str]:
    """The superuser's URL of a cluster in which nothing was ever deployed."""
    bin_dir = installed_15() if request.param == "15" else None
    folder = Path(tempfile.mkdtemp(prefix="holdfast-test-"))
    with EmbeddedPostgres(folder, durable=False, bin_dir=bin_dir, settings={"autovacuum": "off"}) as server:
        yield server.url("postgres")
    shutil.rmtree(folder)


@pytest.fixture
async def cluster(bare_cluster: str) -> AsyncIterator[str]:
    """The same, with all databases and roles of the test before removed."""
    yield bare_cluster
    conn = await asyncpg.connect(bare_cluster)
    try:
        for row in await conn.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'holdfast\\_%'"):
            await conn.execute(f"DROP DATABASE {row[0]} WITH (FORCE)")
        # Grants recorded by a role go before the role itself.
        names = [
            row[0] for row in await conn.fetch("SELECT rolname FROM pg_roles WHERE rolname LIKE 'holdfast%'")
        ]
        if names:
            await conn.execute(f"DROP OWNED BY {', '.join(names)} CASCADE; DROP ROLE {', '.join(names)}")
    finally:
        await conn.close()


@contextlib.asynccontextmanager
async def superuser(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    conn = await asyncpg.connect(url)
    try:
        yield conn
    finally:
        await conn.close()


async def make_database(cluster: str, name: str, owner: str = "postgres") -> str:
    async with superuser(cluster) as conn:
        await conn.execute(f"CREATE DATABASE {name} OWNER {owner}")
    return with_database(cluster, name)


async def drifts_of(url: str, tree: Path) -> list[str]:
    conn = await connect(url)
    try:
        return [str(drift) for drift in await verify(conn, tree)]
    finally:
        await conn.close()


async def test_deploys_of_one_cluster_do_not_collide(cluster: str, tmp_path: Path) -> None:
    """Four databases deployed at once on a cluster without the roles: all succeed, none differs."""
    tree = write_tree(tmp_path)
    urls = [await make_database(cluster, f"holdfast_{number}") for number in range(4)]
    reports = await asyncio.gather(*(deploy(url, tree) for url in urls))
    assert {"configured"} == {report.backup for report in reports}
    assert [[]] * 4 == [await drifts_of(url, tree) for url in urls]


async def test_a_login_with_createrole_can_deploy(cluster: str, tmp_path: Path) -> None:
    """No superuser is needed: an ordinary login makes the roles, deploys twice, and can act as the engine."""
    tree = write_tree(tmp_path)
    async with superuser(cluster) as conn:
        await conn.execute("CREATE ROLE holdfast_chief LOGIN CREATEROLE PASSWORD 'secret'")
    url = with_login(await make_database(cluster, "holdfast_a", "holdfast_chief"), "holdfast_chief", "secret")
    report = await deploy(url, tree)
    assert "not_configured" == report.backup
    assert not (await deploy(url, tree)).changed
    assert [] == await drifts_of(url, tree)
    engine = await asyncpg.connect(f"{url}?role=holdfast_engine")
    try:
        assert 4 == await engine.fetchval("SELECT engine.fn_double(2)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await engine.execute("SELECT * FROM engine.things")
    finally:
        await engine.close()


async def test_a_login_without_createrole_can_deploy_if_it_was_made_deployer(
    cluster: str, tmp_path: Path
) -> None:
    """Where the roles stand already, membership in holdfast_deployer is enough; without it, words say so."""
    tree = write_tree(tmp_path)
    await deploy(await make_database(cluster, "holdfast_first"), tree)
    async with superuser(cluster) as conn:
        await conn.execute("CREATE ROLE holdfast_plain LOGIN PASSWORD 'secret'")
    url = with_login(await make_database(cluster, "holdfast_b", "holdfast_plain"), "holdfast_plain", "secret")
    with pytest.raises(HoldfastError, match="GRANT holdfast_deployer TO") as caught:
        await deploy(url, tree)
    assert ErrorCode.CONFIGURATION == caught.value.code
    async with superuser(cluster) as conn:
        await conn.execute("GRANT holdfast_deployer TO holdfast_plain")
    await deploy(url, tree)
    assert [] == await drifts_of(url, tree)


async def test_a_login_without_createrole_is_told_on_a_bare_cluster(cluster: str, tmp_path: Path) -> None:
    """Nothing is made, and the message says what an administrator has to do."""
    async with superuser(cluster) as conn:
        await conn.execute("CREATE ROLE holdfast_plain LOGIN PASSWORD 'secret'")
    url = with_login(await make_database(cluster, "holdfast_c", "holdfast_plain"), "holdfast_plain", "secret")
    with pytest.raises(HoldfastError, match="CREATEROLE") as caught:
        await deploy(url, write_tree(tmp_path))
    assert ErrorCode.CONFIGURATION == caught.value.code
    async with superuser(cluster) as conn:
        assert 0 == await conn.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = 'holdfast_owner'")


BREACHES = {
    "GRANT holdfast_scheduler TO holdfast_owner": "holdfast_owner: must not be a member of "
    "holdfast_scheduler",
    "GRANT holdfast_owner TO holdfast_engine": "holdfast_engine: must not be a member of holdfast_owner",
    "GRANT pg_read_all_data TO holdfast_reader": "holdfast_reader: must not be a member of pg_read_all_data",
    "ALTER ROLE holdfast_engine BYPASSRLS": "holdfast_engine: has a right it must not have: BYPASSRLS",
    "ALTER ROLE holdfast_scheduler SUPERUSER": "holdfast_scheduler: has a right it must not have: SUPERUSER",
    "ALTER ROLE holdfast_deployer INHERIT": "holdfast_deployer: has a right it must not have: INHERIT",
    "ALTER ROLE holdfast_operator LOGIN": "holdfast_operator: has a right it must not have: LOGIN",
}


async def test_a_role_that_may_too_much_is_found_and_mended(cluster: str, tmp_path: Path) -> None:
    """Verify names each role and what it must not have; the next deploy takes it away."""
    tree = write_tree(tmp_path)
    url = await make_database(cluster, "holdfast_d")
    await deploy(url, tree)
    async with superuser(cluster) as conn:
        for command in BREACHES:
            await conn.execute(command)
    found = await drifts_of(url, tree)
    assert {f"role: {breach}" for breach in BREACHES.values()} == {
        drift for drift in found if drift.startswith("role:")
    }
    await deploy(url, tree)
    assert [] == await drifts_of(url, tree)
