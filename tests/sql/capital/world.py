"""A small world of two tenants for the capital tests, and how their functions are called."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any, Self
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.database.servers import Database

SYMBOL = "BTC/USDT"
OPERATOR = "operator:test"
INSTRUMENT = {
    "symbol": SYMBOL,
    "base_asset": "BTC",
    "quote_asset": "USDT",
    "tick_size": "0.01",
    "lot_size": "0.0001",
    "min_quantity": "0.0001",
    "max_quantity": None,
    "min_notional": "5",
    "max_notional": None,
    "maker_fee_rate": "0.001",
    "taker_fee_rate": "0.001",
    "active": True,
}
# What no numeric argument takes, ever.
BAD_NUMBERS = (Decimal("NaN"), Decimal("Infinity"), Decimal(10) ** 40, Decimal("1E-19"), None)
_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'engine'::regnamespace AND relkind = 'r'"
_HASH = (
    "SELECT '{0}' AS name, md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) AS rows"
    " FROM engine.{0} t"
)


async def call(conn: "asyncpg.Connection[Any]", function: str, *args: Any) -> Any:
    """Call one function: JSON comes back as Python values, dict and list go in as JSON."""
    given = [json.dumps(one) if isinstance(one, (dict, list)) else one for one in args]
    marks = ", ".join(f"${number}" for number in range(1, len(given) + 1))
    value = await conn.fetchval(f"SELECT engine.{function}({marks})", *given)
    return json.loads(value) if isinstance(value, str) and value[:1] in {"{", "["} else value


async def refused(
    conn: "asyncpg.Connection[Any]", sqlstate: str, function: str, *args: Any
) -> dict[str, Any]:
    """Call a function that must refuse with this SQLSTATE; give the detail it carries."""
    with pytest.raises(asyncpg.PostgresError) as caught:
        await call(conn, function, *args)
    assert sqlstate == caught.value.sqlstate, f"{function} raised {caught.value.sqlstate}: {caught.value}"
    detail = getattr(caught.value, "detail", None)
    return json.loads(detail) if detail else {}


async def state(admin: "asyncpg.Connection[Any]") -> dict[str, str]:
    """A hash of every table's rows, to show that nothing was left behind."""
    tables = [row["relname"] for row in await admin.fetch(_TABLES)]
    hashes = await admin.fetch(" UNION ALL ".join(_HASH.format(table) for table in tables))
    return {row["name"]: row["rows"] for row in hashes}


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant with a robot, an exchange account (10,000 USDT, 1 BTC) and one empty profile."""

    name: str
    id: UUID = field(default_factory=uuid4)
    account: UUID = field(default_factory=uuid4)
    profile: UUID = field(default_factory=uuid4)
    robot: UUID = field(default_factory=uuid4)
    key: UUID = field(default_factory=uuid4)

    @property
    def key_hash(self) -> bytes:
        return sha256(self.name.encode()).digest()

    async def create(self, conn: "asyncpg.Connection[Any]") -> None:
        await call(conn, "fn_create_tenant", self.id, self.name, OPERATOR)
        await call(conn, "fn_create_robot", self.id, self.robot, "robot", OPERATOR)
        await call(conn, "fn_create_robot_key", self.id, self.key, self.robot, self.key_hash, OPERATOR)
        balances = {"USDT": "10000", "BTC": "1"}
        await call(conn, "fn_register_account", self.id, account(self.account, self.name), balances, OPERATOR)
        await call(conn, "fn_upsert_instruments", self.id, self.account, [INSTRUMENT])
        await self.add_profile(conn, self.profile, "profile")

    async def add_profile(
        self, conn: "asyncpg.Connection[Any]", profile: UUID, name: str, quote: str = "USDT"
    ) -> UUID:
        await call(
            conn, "fn_create_profile", self.id, profile, self.account, name, quote, {}, "hash", OPERATOR
        )
        return profile


async def two_tenants(database: Database) -> tuple[Tenant, Tenant]:
    """Make them in a database in which there is nothing yet."""
    conn = await database.connect()
    await call(conn, "fn_init_engine", "habc")
    made = Tenant("one"), Tenant("other")
    for tenant in made:
        await tenant.create(conn)
    return made


def account(account_id: UUID, uid: str, **changes: Any) -> dict[str, Any]:
    """What fn_register_account takes."""
    return {
        "account_id": str(account_id),
        "name": "main",
        "exchange": "binance",
        "exchange_account_uid": uid,
        "tier": "A",
        "urls": {},
        "credentials": "c2VjcmV0",
        **changes,
    }


@dataclass(frozen=True, slots=True)
class World:
    """Two tenants, a connection as the engine's role, and a superuser's that sees everything."""

    database: Database
    conn: "asyncpg.Connection[Any]"
    admin: "asyncpg.Connection[Any]"
    one: Tenant
    other: Tenant

    @classmethod
    async def of(cls, database: Database, one: Tenant, other: Tenant) -> Self:
        return cls(database, await database.connect(), await database.admin(), one, other)

    async def call(self, function: str, *args: Any) -> Any:
        return await call(self.conn, function, *args)

    async def refused(self, sqlstate: str, function: str, *args: Any) -> dict[str, Any]:
        return await refused(self.conn, sqlstate, function, *args)

    async def refused_to_foreign_claim(self, function: str, *args: Any) -> None:
        """The call, made with JWT claims of the other tenant, is refused."""
        claims = json.dumps({"tenant_id": str(self.other.id)})
        await self.conn.execute("SELECT set_config('request.jwt.claims', $1, false)", claims)
        await refused(self.conn, "HF403", function, self.one.id, *args)
        await self.conn.execute("RESET request.jwt.claims")

    async def leaves_nothing(self, act: Callable[[], Any]) -> Any:
        """Run an act and show that no row of any table differs after it."""
        before = await state(self.admin)
        answer = await act()
        assert before == await state(self.admin)
        return answer

    async def allocate(self, amount: str, key: str = "first") -> Any:
        return await self.call(
            "fn_allocate", self.one.id, self.one.profile, Decimal(amount), key, OPERATOR, "start"
        )

    async def capital(self, tenant: Tenant | None = None) -> dict[str, Any]:
        tenant = tenant or self.one
        return await self.call("fn_get_capital", tenant.id, tenant.profile)

    async def unassigned(self, asset: str = "USDT") -> str:
        accounts = await self.call("fn_list_accounts", self.one.id)
        return accounts[0]["unassigned"].get(asset, "0")

    async def outbox(self, event_type: str) -> list[dict[str, Any]]:
        rows = await self.admin.fetch(
            "SELECT payload FROM engine.outbox WHERE tenant_id = $1 AND type = $2 ORDER BY event_id",
            self.one.id,
            event_type,
        )
        return [json.loads(row["payload"]) for row in rows]

    async def consistent(self) -> None:
        """Rebuild equals stored, and the account's equation still names the registered balances."""
        for capital in await self.call("fn_get_capital", self.one.id, None):
            rebuilt = await self.call("fn_rebuild_capital", self.one.id, UUID(capital["profile_id"]))
            assert rebuilt["equal"], rebuilt
            assert capital["invariant"] == capital["available"]
