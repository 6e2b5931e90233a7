"""A tenant that trades by the ledger's own typed calls, so that every transport can be asked the same."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from engine.domain.instruments import Instrument
from engine.domain.outcomes import Fill
from engine.ledger import admin, capital, entries, exits
from engine.ledger.capital import By
from engine.ledger.entries import Confirmation, OpenEntry
from engine.ledger.exits import OpenExit
from engine.ledger.fills import BookableFill
from engine.ledger.intents import Opened, OpenResult
from engine.ledger.seam import Ledger

SYMBOL = "BTC/USDT"
ACTOR = "test"
INSTRUMENT = Instrument(
    SYMBOL, "BTC", "USDT", *(Decimal(each) for each in ("0.01", "0.0001", "0.0001")), None, Decimal(5), None,
    Decimal("0.001"), Decimal("0.001"),
)  # fmt: skip


@dataclass(slots=True)
class Scene:
    """One tenant with a robot, its key, an exchange account (10,000 USDT, 1 BTC) and one profile."""

    ledger: Ledger
    tenant: UUID = field(default_factory=uuid4)
    robot: UUID = field(default_factory=uuid4)
    key: UUID = field(default_factory=uuid4)
    account: UUID = field(default_factory=uuid4)
    profile: UUID = field(default_factory=uuid4)
    owner: UUID = field(default_factory=uuid4)

    @property
    def key_hash(self) -> bytes:
        return sha256(self.key.bytes).digest()

    async def build(self, allocated: str = "1000") -> "Scene":
        ledger, tenant = self.ledger, self.tenant
        await admin.init_engine(ledger, "habc")
        await admin.create_tenant(ledger, tenant, f"t{tenant.hex}", ACTOR)
        await admin.create_robot(ledger, tenant, self.robot, "robot", ACTOR)
        await admin.create_robot_key(ledger, tenant, self.robot, admin.NewKey(self.key, self.key_hash), ACTOR)
        account = admin.NewAccount(
            self.account, "main", "binance", str(self.account), "A", {}, b"\x00sealed\xff"
        )
        held = {"USDT": Decimal(10_000), "BTC": Decimal(1)}
        await admin.register_account(ledger, tenant, account, held, ACTOR)
        assert 1 == await admin.upsert_instruments(ledger, tenant, self.account, [INSTRUMENT])
        profile = admin.NewProfile(self.profile, self.account, "profile", "USDT", {}, "hash")
        await admin.create_profile(ledger, tenant, profile, ACTOR)
        given = await self.allocate(allocated)
        assert "OK" == given["code"]
        return self

    async def allocate(self, amount: str, key: str | None = "start") -> Any:
        by = By(ACTOR, "start", key)
        return await capital.allocate(self.ledger, self.tenant, self.profile, Decimal(amount), by)

    def entry(self, key: str, quantity: str = "0.01", **changes: Any) -> OpenEntry:
        intent = uuid4()
        wanted: dict[str, Any] = {
            "robot_id": self.robot,
            "profile_id": self.profile,
            "idempotency_key": key,
            "request_hash": key,
            "intent_id": intent,
            "client_order_id": f"habc{intent.hex[:14]}",
            "symbol": SYMBOL,
            "type": "limit",
            "quantity": Decimal(quantity),
            "limit_price": Decimal(50_000),
            "time_in_force": "GTC",
            "post_only": False,
            "label": "a label",
            "owner": self.owner,
            "lock_ttl_ms": 30_000,
            "exchange_deadline": datetime.now(UTC) + timedelta(seconds=5),
            "price_at": datetime.now(UTC),
        }
        return OpenEntry(**wanted | changes)

    async def open(self, entry: OpenEntry) -> OpenResult:
        return await entries.open_entry(self.ledger, self.tenant, entry)

    async def bought(self, exchange_order: str = "7") -> Opened:
        """The worked example's entry: 0.004 of 0.01 filled, with a fee in base; then canceled."""
        opened = await self.open(self.entry(f"entry {exchange_order}"))
        assert isinstance(opened, Opened)
        fill = self.fill(exchange_order, "11", "buy", "49990", "0.004", "0.000004", "BTC")
        await entries.persist_entry(
            self.ledger,
            self.tenant,
            Confirmation(
                opened.intent_id, exchange_order, "canceled", Decimal("0.004"), datetime.now(UTC), (fill,)
            ),
        )
        return opened

    async def sold(self, exchange_order: str = "8") -> Opened:
        """The worked example's exit: 0.0039 sold at 51,000 with a fee in quote."""
        intent, until = uuid4(), datetime.now(UTC) + timedelta(seconds=5)
        wanted = OpenExit(
            self.robot, self.profile, "exit", "exit", intent, f"habc{intent.hex[:14]}", SYMBOL, "market",
            None, None, "IOC", False, None, self.owner, 30_000, until,
        )  # fmt: skip
        opened = await exits.open_exit(self.ledger, self.tenant, wanted)
        assert isinstance(opened, Opened)
        fill = self.fill(exchange_order, "12", "sell", "51000", "0.0039", "0.1989", "USDT")
        confirmation = Confirmation(
            intent, exchange_order, "filled", Decimal("0.0039"), datetime.now(UTC), (fill,)
        )
        await exits.persist_exit(self.ledger, self.tenant, confirmation)
        return opened

    def fill(  # noqa: PLR0917 - the columns of a table
        self, order: str, trade: str, side: str, price: str, quantity: str, fee: str, asset: str
    ) -> BookableFill:
        numbers_ = (Decimal(each) for each in (price, quantity, fee))
        told = Fill(SYMBOL, order, trade, side, *numbers_, asset, datetime.now(UTC))
        return BookableFill(self.account, told, "test")


def numbers(value: Any) -> Iterator[Any]:
    """Every value inside nested lists and objects that is a number."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from numbers(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from numbers(inner)
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        yield value
