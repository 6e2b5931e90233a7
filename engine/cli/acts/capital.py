"""Capital of exchange accounts: what profiles hold, what is unassigned, what the exchange must show."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.cli.acts import accounts, tenants
from engine.cli.acts.session import find
from engine.domain.money import EXACT, ZERO, parse_decimal, to_text
from engine.ledger import reads
from engine.ledger.seam import Ledger
from engine.runtime.settings import Settings

Holdings = dict[str, Decimal]
_FIGURES = {
    "allocated": "allocated",
    "reserved_for_orders": "in orders",
    "reserved_for_positions": "in positions",
    "realized_pnl": "realized pnl",
    "available": "available",
}


@dataclass(frozen=True, slots=True)
class AccountCapital:
    """One account: `expected` is the sum of the profiles' holdings and what is unassigned, per asset.

    `exchange` None: it was not asked.
    """

    tenant: str
    account: Mapping[str, Any]
    profiles: list[dict[str, Any]]
    holdings: dict[str, Holdings]  # by profile's name
    unassigned: Holdings
    expected: Holdings
    exchange: Holdings | None

    @property
    def assets(self) -> list[str]:
        """Every asset that anybody holds, quote assets first."""
        quotes = {profile["quote_asset"] for profile in self.profiles}
        every = {*self.unassigned, *self.expected, *(self.exchange or {})}
        return sorted(every, key=lambda asset: (asset not in quotes, asset))

    @property
    def differing(self) -> list[str]:
        """Assets of which the exchange holds something else than the ledger expects."""
        if self.exchange is None:
            return []
        return [asset for asset in self.assets if self.expected.get(asset) != self.exchange.get(asset, ZERO)]

    def as_json(self) -> dict[str, Any]:
        """The same for programs; money as text."""
        return {
            "tenant": self.tenant,
            "account": self.account["name"],
            "account_id": self.account["account_id"],
            "exchange": self.account["exchange"],
            "profiles": [
                {**profile, "holdings": accounts.balances_text(self.holdings[profile["name"]])}
                for profile in self.profiles
            ],
            "unassigned": accounts.balances_text(self.unassigned),
            "expected": accounts.balances_text(self.expected),
            "exchange_holds": None if self.exchange is None else accounts.balances_text(self.exchange),
            "differing": self.differing,
        }


async def of_accounts(
    ledger: Ledger, settings: Settings, tenant: str | None, account: str | None, *, live: bool
) -> list[AccountCapital]:
    """Return every account of one tenant, or of all; `live` asks the exchanges for their balances."""
    rows = await tenants.every(ledger) if tenant is None else [await tenants.named(ledger, tenant)]
    found: list[AccountCapital] = []
    for row in rows:
        tenant_id = UUID(str(row["tenant_id"]))
        listed = await reads.list_accounts(ledger, tenant_id)
        if account is not None and (tenant is not None or len(rows) == 1):
            listed = [dict(find(listed, account, "account", "account_id"))]
        elif account is not None:
            listed = [one for one in listed if account in {one["name"], one["account_id"]}]
        for one in listed:
            asked = await accounts.live_balances(ledger, settings, tenant_id, one) if live else None
            found.append(await _of_account(ledger, tenant_id, str(row["name"]), one, asked))
    return found


async def _of_account(
    ledger: Ledger, tenant_id: UUID, tenant: str, account: Mapping[str, Any], asked: Holdings | None
) -> AccountCapital:
    account_id = account["account_id"]
    profiles = [
        row for row in await reads.get_capital(ledger, tenant_id, None) if row["account_id"] == account_id
    ]
    holdings: dict[str, Holdings] = {row["name"]: {row["quote_asset"]: _cash(row)} for row in profiles}
    names = {row["profile_id"]: row["name"] for row in profiles}
    for position in await reads.list_positions(ledger, tenant_id, None):
        if position["profile_id"] in names:
            held = holdings[names[position["profile_id"]]]
            base = position["base_asset"]
            quantity = parse_decimal(position["quantity"], "quantity")
            held[base] = EXACT.add(held.get(base, ZERO), quantity)
    equations = await reads.account_equations(ledger, tenant_id, UUID(account_id))
    return AccountCapital(
        tenant=tenant,
        account=account,
        profiles=profiles,
        holdings=holdings,
        unassigned={row["asset"]: parse_decimal(row["unassigned"], "unassigned") for row in equations},
        expected={
            row["asset"]: parse_decimal(row["expected_exchange_balance"], "expected") for row in equations
        },
        exchange=None if asked is None else {asset: held for asset, held in asked.items() if held != ZERO},
    )


def table(capital: AccountCapital) -> tuple[list[str], list[dict[str, str]]]:
    """Return columns and rows of one account: profiles + unassigned = exchange, column by column."""
    columns = ["holder", "mode", *_FIGURES.values(), "invariant"]
    columns += [f"holds {asset}" for asset in capital.assets]
    rows = []
    for profile in capital.profiles:
        row = {"holder": profile["name"], "mode": profile["mode"]}
        row |= {shown: profile[name] for name, shown in _FIGURES.items()}
        row["invariant"] = "holds" if profile["invariant"] == profile["available"] else "BROKEN"
        if parse_decimal(profile["available"], "available") < ZERO:
            row["invariant"] = "BELOW ZERO"
        rows.append(row | _held(capital, capital.holdings[profile["name"]]))
    rows.append({"holder": "+ unassigned"} | _held(capital, capital.unassigned))
    rows.append({"holder": "= exchange"} | _held(capital, capital.expected))
    if capital.exchange is not None:
        rows.append({"holder": "exchange, live"} | _held(capital, capital.exchange))
        verdict = {
            f"holds {asset}": "DIFFERS" if asset in capital.differing else "equal" for asset in capital.assets
        }
        rows.append({"holder": ""} | verdict)
    return columns, [{column: row.get(column, "") for column in columns} for row in rows]


def _held(capital: AccountCapital, holdings: Holdings) -> dict[str, str]:
    return {f"holds {asset}": to_text(holdings.get(asset, ZERO)) for asset in capital.assets}


def _cash(profile: Mapping[str, Any]) -> Decimal:
    return EXACT.add(
        parse_decimal(profile["available"], "available"),
        parse_decimal(profile["reserved_for_orders"], "reserved_for_orders"),
    )
