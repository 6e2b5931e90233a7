"""Servers and databases for tests: one server per test process, one template, a copy of it per test."""

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit, urlunsplit

import asyncpg

from engine.deploy.deployment import deploy
from engine.deploy.embedded import EmbeddedPostgres
from tests.lacking import lacking

BIN_DIR_15 = Path("/usr/lib/postgresql/15/bin")
_ROLES = ("holdfast_engine", "holdfast_scheduler", "holdfast_operator", "holdfast_reader", "holdfast_owner")
_SETTINGS = {"max_connections": "200", "autovacuum": "off", "shared_buffers": "64MB", "max_wal_size": "128MB"}
_MEMORY = Path("/dev/shm")  # noqa: S108 - copying the template there takes 65 ms, on a disk 250 ms
_MEMORY_FREE_MIN = 4 * 1024**3


def installed_15() -> Path:
    """Return where Debian's PostgreSQL 15 is, if it is."""
    if not (BIN_DIR_15 / "postgres").exists():
        lacking(f"PostgreSQL 15 is not installed in {BIN_DIR_15} (make test installs it when run as root)")
    return BIN_DIR_15


@dataclass(slots=True)
class Database:
    """A freshly deployed database (movable clock) of one test; its connections are closed at the end."""

    admin_url: str  # superuser: sees and may do everything
    deployer_url: str  # the login that deployed it
    login_url: str  # an ordinary login, member of every role of ours without inheriting from them
    _connections: list["asyncpg.Connection[Any]"] = field(default_factory=list)

    @property
    def engine_url(self) -> str:
        """What the daemon gets: an ordinary login that acts as holdfast_engine."""
        return self.url_as("holdfast_engine")

    @property
    def name(self) -> str:
        return urlsplit(self.admin_url).path.lstrip("/")

    def url_as(self, role: str) -> str:
        return f"{self.login_url}?{urlencode({'role': role})}"

    async def connect(self, role: str = "holdfast_engine") -> "asyncpg.Connection[Any]":
        """A new connection that acts as `role`."""
        return await self._open(self.url_as(role))

    async def admin(self) -> "asyncpg.Connection[Any]":
        """A new connection as superuser."""
        return await self._open(self.admin_url)

    async def advance_clock(self, seconds: float) -> None:
        """Move fn_clock() of this database forward (or back)."""
        conn = await asyncpg.connect(self.admin_url)
        try:
            await conn.execute(
                "UPDATE engine.test_clock SET clock_offset = clock_offset + make_interval(secs => $1)",
                seconds,
            )
        finally:
            await conn.close()

    async def close(self) -> None:
        for conn in self._connections:
            if not conn.is_closed():
                await conn.close(timeout=5)
        self._connections.clear()

    async def _open(self, url: str) -> "asyncpg.Connection[Any]":
        conn = await asyncpg.connect(url)
        self._connections.append(conn)
        return conn


class Server:
    """A server with our roles, a template database deployed with the movable clock, and an ordinary login."""

    deployer_rights = "LOGIN CREATEROLE CREATEDB"

    def __init__(
        self, admin_url: str, embedded: EmbeddedPostgres | None = None, *, ordinary_deployer: bool = False
    ) -> None:
        self.admin_url = admin_url
        self.deployer_url = admin_url
        self._embedded = embedded
        self._ordinary_deployer = ordinary_deployer
        mark = secrets.token_hex(4)
        self._template = f"holdfast_template_{mark}"
        self._login = f"holdfast_test_{mark}"
        self._deployer = f"holdfast_deploying_{mark}"
        self._password = secrets.token_hex(16)

    @classmethod
    def start(
        cls, bin_dir: Path | None = None, *, ordinary_deployer: bool = False, mortal: bool = False
    ) -> Self:
        """An own server in a temporary folder; fsync only with HOLDFAST_TEST_DURABLE=1.

        A `mortal` one keeps what it has committed when it is killed, as a real one does.
        """
        durable = os.environ.get("HOLDFAST_TEST_DURABLE") == "1"
        folder = Path(tempfile.mkdtemp(prefix="holdfast-test-", dir=None if durable else _memory()))
        embedded = EmbeddedPostgres(folder, settings=_SETTINGS, durable=durable or mortal, bin_dir=bin_dir)
        try:
            embedded.start()
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        server = cls(embedded.url("postgres"), embedded, ordinary_deployer=ordinary_deployer)
        try:
            in_own_loop(server.prepare())
        except BaseException:
            server.stop()
            raise
        return server

    def stop(self) -> None:
        if self._embedded is not None:
            self._embedded.stop()
            shutil.rmtree(self._embedded.data_dir)
        else:
            in_own_loop(self._clean())

    async def prepare(self) -> None:
        """Make the template, deploy it, then the ordinary login that may become each role."""
        admin = await asyncpg.connect(self.admin_url)
        try:
            if self._ordinary_deployer:
                await admin.execute(
                    f"CREATE ROLE {self._deployer} {self.deployer_rights} PASSWORD '{self._password}'"
                )
                self.deployer_url = with_login(self.admin_url, self._deployer, self._password)
            deployer = await asyncpg.connect(self.deployer_url)
            try:
                await deployer.execute(f"CREATE DATABASE {self._template}")
            finally:
                await deployer.close()
            await deploy(with_database(self.deployer_url, self._template), test_clock=True)
            await admin.execute(
                f"CREATE ROLE {self._login} LOGIN NOINHERIT PASSWORD '{self._password}' "
                f"IN ROLE {', '.join(_ROLES)}"
            )
        finally:
            await admin.close()

    async def create(self) -> Database:
        """A copy of the template."""
        name = f"holdfast_{secrets.token_hex(6)}"
        conn = await asyncpg.connect(self.deployer_url)
        try:
            await conn.execute(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        finally:
            await conn.close()
        return Database(
            admin_url=with_database(self.admin_url, name),
            deployer_url=with_database(self.deployer_url, name),
            login_url=with_database(with_login(self.admin_url, self._login, self._password), name),
        )

    async def create_empty(self) -> Database:
        """A database in which nothing is deployed yet."""
        name = f"holdfast_{secrets.token_hex(6)}"
        conn = await asyncpg.connect(self.deployer_url)
        try:
            await conn.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        finally:
            await conn.close()
        return Database(
            admin_url=with_database(self.admin_url, name),
            deployer_url=with_database(self.deployer_url, name),
            login_url=with_database(with_login(self.admin_url, self._login, self._password), name),
        )

    async def drop(self, database: Database) -> None:
        await database.close()
        conn = await asyncpg.connect(self.admin_url)
        try:
            await conn.execute(f"DROP DATABASE {database.name} WITH (FORCE)")
        finally:
            await conn.close()

    async def _clean(self) -> None:
        conn = await asyncpg.connect(self.admin_url)
        try:
            await conn.execute(f"DROP DATABASE IF EXISTS {self._template} WITH (FORCE)")
            await conn.execute(f"DROP ROLE IF EXISTS {self._login}")
        finally:
            await conn.close()


def _memory() -> Path | None:
    """A file system in memory with room for the tests' servers, if there is one."""
    roomy = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)
    return _MEMORY if roomy and shutil.disk_usage(_MEMORY).free >= _MEMORY_FREE_MIN else None


def in_own_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run it to its end beside pytest's event loops, for fixtures that outlive one test."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def with_login(url: str, login: str, password: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{login}:{password}@{parts.hostname}:{parts.port or 5432}"))
