"""Servers and databases for tests: one server per test process, one template, a copy of it per test."""

import asyncio
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, Self, TypeVar
from urllib.parse import urlencode, urlsplit, urlunsplit

import asyncpg

from engine.deploy.deployment import deploy
from engine.deploy.embedded import EmbeddedPostgres
from tests.database.prepared import memory, prepare
from tests.lacking import lacking

T = TypeVar("T")
BIN_DIR_15 = Path("/usr/lib/postgresql/15/bin")
_ROLES = ("holdfast_engine", "holdfast_scheduler", "holdfast_operator", "holdfast_reader", "holdfast_owner")
_NAMES = "names.json"
_ITERATIONS_SINCE = 16
_SETTINGS = {"max_connections": "200", "autovacuum": "off", "shared_buffers": "64MB", "max_wal_size": "128MB"}


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


@dataclass(frozen=True, slots=True)
class Names:
    """What a server of tests has of its own; all of its logins have one password."""

    template: str
    login: str
    deployer: str
    password: str

    @classmethod
    def new(cls) -> Self:
        mark = secrets.token_hex(4)
        names = (f"holdfast_{what}_{mark}" for what in ("template", "test", "deploying"))
        return cls(*names, secrets.token_hex(16))


class _Session:
    """One session of a server for all event loops, which come and go with the tests: it has its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._conn: asyncpg.Connection[Any] | None = None
        self._turn = asyncio.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    async def execute(self, sql: str) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._execute(sql), self._loop))

    async def _execute(self, sql: str) -> None:
        async with self._turn:
            if self._conn is None or self._conn.is_closed():  # not yet, or the server was stopped meanwhile
                self._conn = await asyncpg.connect(self._url)
            await self._conn.execute(sql)

    def close(self) -> None:
        if self._conn is not None and not self._conn.is_closed():
            asyncio.run_coroutine_threadsafe(self._conn.close(timeout=5), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Server:
    """A server with our roles, a template database deployed with the movable clock, and an ordinary login."""

    deployer_rights = "LOGIN CREATEROLE CREATEDB"

    def __init__(
        self,
        admin_url: str,
        embedded: EmbeddedPostgres | None = None,
        *,
        names: Names | None = None,
        ordinary_deployer: bool = False,
    ) -> None:
        self.admin_url = admin_url
        self.names = names or Names.new()
        self.deployer_url = admin_url
        if ordinary_deployer:
            self.deployer_url = with_login(admin_url, self.names.deployer, self.names.password)
        self._embedded = embedded
        self._ordinary_deployer = ordinary_deployer
        self._session: _Session | None = None
        self._filled: dict[str, tuple[Database, Any]] = {}

    @classmethod
    def start(
        cls, bin_dir: Path | None = None, *, ordinary_deployer: bool = False, mortal: bool = False
    ) -> Self:
        """An own server in a temporary folder; fsync only with HOLDFAST_TEST_DURABLE=1.

        A `mortal` one keeps what it has committed when it is killed, as a real one does.
        """
        durable = os.environ.get("HOLDFAST_TEST_DURABLE") == "1"
        folder = Path(tempfile.mkdtemp(prefix="holdfast-test-", dir=None if durable else memory()))
        kind = f"{cls.__name__}-{bin_dir.parent.name if bin_dir else 'wheel'}-{ordinary_deployer}"
        try:
            prepare(folder, kind, lambda made: cls._make(made, bin_dir, ordinary_deployer))
            names = Names(**json.loads((folder / _NAMES).read_text()))
            embedded = EmbeddedPostgres(
                folder, settings=_SETTINGS, durable=durable or mortal, bin_dir=bin_dir
            )
            embedded.start()
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return cls(embedded.url("postgres"), embedded, names=names, ordinary_deployer=ordinary_deployer)

    @classmethod
    def _make(cls, folder: Path, bin_dir: Path | None, ordinary_deployer: bool) -> None:
        with EmbeddedPostgres(folder, settings=_SETTINGS, durable=False, bin_dir=bin_dir) as embedded:
            server = cls(embedded.url("postgres"), embedded, ordinary_deployer=ordinary_deployer)
            in_own_loop(server.prepare())
        (folder / _NAMES).write_text(json.dumps(asdict(server.names)))

    def stop(self) -> None:
        self.leave()
        if self._embedded is not None:
            self._embedded.stop()
            shutil.rmtree(self._embedded.data_dir)
        else:
            in_own_loop(self._clean())

    async def prepare(self) -> None:
        """Make the template, deploy it, then the ordinary login that may become each role."""
        admin = await asyncpg.connect(self.admin_url)
        try:
            if admin.get_server_version().major >= _ITERATIONS_SINCE:
                await admin.execute(
                    "SET scram_iterations = 1"
                )  # 4096, half the work of a login, prove nothing
            if self._embedded is not None:
                await admin.execute(f"ALTER ROLE CURRENT_USER PASSWORD '{urlsplit(self.admin_url).password}'")
            if self._ordinary_deployer:
                await admin.execute(
                    f"CREATE ROLE {self.names.deployer} {self.deployer_rights} "
                    f"PASSWORD '{self.names.password}'"
                )
            deployer = await asyncpg.connect(self.deployer_url)
            try:
                await deployer.execute(f"CREATE DATABASE {self.names.template}")
            finally:
                await deployer.close()
            await deploy(with_database(self.deployer_url, self.names.template), test_clock=True)
            await admin.execute(
                f"CREATE ROLE {self.names.login} LOGIN NOINHERIT PASSWORD '{self.names.password}' "
                f"IN ROLE {', '.join(_ROLES)}"
            )
        finally:
            await admin.close()

    async def create(self) -> Database:
        """A copy of the template."""
        # Each page through the WAL, as is the default, costs a third more CPU than to copy the files.
        return await self._create(f"{self.names.template} STRATEGY FILE_COPY")

    async def create_filled(
        self, name: str, fill: Callable[[Database], Coroutine[Any, Any, T]]
    ) -> tuple[Database, T]:
        """A copy of what `fill` made of a copy of the template, and what it returned; it is called once."""
        if name not in self._filled:
            database = await self.create()
            filling = await fill(database)
            await database.close()
            self._filled[name] = (database, filling)
        database, filling = self._filled[name]
        return await self._create(f"{database.name} STRATEGY FILE_COPY"), filling

    async def create_empty(self) -> Database:
        """A database in which nothing is deployed yet."""
        return await self._create("template0")

    async def _create(self, template: str) -> Database:
        name = f"holdfast_{secrets.token_hex(6)}"
        owner = f'"{urlsplit(self.deployer_url).username}"'
        await self._execute(f"CREATE DATABASE {name} OWNER {owner} TEMPLATE {template}")
        ordinary = with_login(self.admin_url, self.names.login, self.names.password)
        return Database(*(with_database(url, name) for url in (self.admin_url, self.deployer_url, ordinary)))

    async def drop(self, database: Database) -> None:
        await database.close()
        await self._execute(f"DROP DATABASE {database.name} WITH (FORCE)")

    def leave(self) -> None:
        """End the session in which databases are made and dropped; the next of these begins another."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    async def _execute(self, sql: str) -> None:
        if self._session is None:
            self._session = _Session(self.admin_url)
        await self._session.execute(sql)

    async def _clean(self) -> None:
        conn = await asyncpg.connect(self.admin_url)
        try:
            for name in (self.names.template, *(database.name for database, _ in self._filled.values())):
                await conn.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await conn.execute(f"DROP ROLE IF EXISTS {self.names.login}")
        finally:
            await conn.close()


def in_own_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run it to its end beside pytest's event loops, for fixtures that outlive one test."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def with_login(url: str, login: str, password: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{login}:{password}@{parts.hostname}:{parts.port or 5432}"))
