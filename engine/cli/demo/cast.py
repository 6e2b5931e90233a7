"""Who takes part in the demo: tenant, account, profiles and robots, made as an operator makes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from engine.cli.acts import accounts, profiles, robots, tenants
from engine.domain.money import parse_decimal
from engine.ledger import reads
from engine.ledger.seam import Ledger
from engine.runtime.settings import Settings

TENANT = "demo"
ACCOUNT = "paper"
API_KEY, API_SECRET = "demo-key", "demo-secret"
DEPOSITS = "USDT=10000,BTC=0.1"
ROBOTS = ("ada", "ben", "cleo")
# The raced profile first; the others show that nobody's trades touch another's capital.
PROFILES: Mapping[str, Decimal] = {"race": Decimal(1000), "steady": Decimal(500), "patient": Decimal(300)}


@dataclass(frozen=True, slots=True)
class Steps:
    """What a symbol's numbers must be multiples of."""

    tick: Decimal
    lot: Decimal


@dataclass(frozen=True, slots=True)
class Cast:
    """Ids, robots' keys by name, and the instruments' steps by symbol."""

    tenant_id: UUID
    account_id: UUID
    keys: Mapping[str, str]
    steps: Mapping[str, Steps]


async def assemble(ledger: Ledger, settings: Settings, exchange_url: str) -> Cast:
    """Make all of them on an empty, deployed database."""
    tenant = await tenants.create(ledger, TENANT)
    tenant_id = UUID(str(tenant["tenant_id"]))
    account = await accounts.create(
        ledger,
        settings,
        TENANT,
        ACCOUNT,
        exchange="binance",
        credentials=accounts.Credentials(API_KEY, API_SECRET),
        urls=accounts.paper_urls(exchange_url),
    )
    for name, amount in PROFILES.items():
        await profiles.create(
            ledger, TENANT, name, account=ACCOUNT, quote="USDT", spec={}, amount=str(amount)
        )
    keys = {name: (await robots.create(ledger, TENANT, name))["key"] for name in ROBOTS}
    account_id = UUID(str(account["account_id"]))
    steps = {
        row["symbol"]: Steps(
            parse_decimal(row["tick_size"], "tick_size"), parse_decimal(row["lot_size"], "lot_size")
        )
        for row in await reads.list_instruments(ledger, tenant_id, account_id)
    }
    return Cast(tenant_id, account_id, keys, steps)
