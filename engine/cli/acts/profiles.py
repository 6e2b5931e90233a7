"""Profiles: create them with their spec, give and take capital, set their mode."""

import uuid
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from engine.cli.acts import tenants
from engine.cli.acts.session import actor, checked, find, new_id
from engine.domain.errors import HoldfastError
from engine.domain.money import parse_positive
from engine.domain.specs import checked_spec, spec_revision
from engine.ledger import admin, capital, reads
from engine.ledger.seam import Ledger
from engine.ledger.translation import effect_unknown

_FIRST = (
    "name",
    "profile_id",
    "mode",
    "mode_reason",
    "quote_asset",
    "allocated",
    "reserved_for_orders",
    "reserved_for_positions",
    "realized_pnl",
    "available",
    "invariant",
)


async def create(
    ledger: Ledger,
    tenant: str,
    name: str,
    *,
    account: str,
    quote: str,
    spec: Mapping[str, Any],
    amount: str | None = None,
) -> dict[str, Any]:
    """Make a profile on an exchange account, with version 1 of its spec; `amount` is allocated at once."""
    if amount is not None:
        parse_positive(amount, "amount")  # before anything is made
    tenant_id = await tenants.id_of(ledger, tenant)
    rows = await reads.list_accounts(ledger, tenant_id)
    account_id = UUID(str(find(rows, account, "account", "account_id")["account_id"]))
    profile_id = new_id()
    checked_spec(spec)
    profile = admin.NewProfile(profile_id, account_id, name, quote, spec, spec_revision(spec))
    await admin.create_profile(ledger, tenant_id, profile, actor())
    made = await _shown(ledger, tenant_id, profile_id)
    if amount is None:
        return made
    moved = await move(ledger, tenant, str(profile_id), amount, give=True, reason="created", key=None)
    return {**made, **moved}


async def every(ledger: Ledger, tenant: str) -> list[dict[str, Any]]:
    """Return a tenant's profiles with their capital figures."""
    tenant_id = await tenants.id_of(ledger, tenant)
    figures = {row["profile_id"]: row for row in await reads.get_capital(ledger, tenant_id, None)}
    return [
        {**row, **figures.get(row["profile_id"], {})} for row in await reads.list_profiles(ledger, tenant_id)
    ]


async def show(ledger: Ledger, tenant: str, profile: str) -> dict[str, Any]:
    """Return one profile with its capital figures and its positions."""
    tenant_id, profile_id = await ids(ledger, tenant, profile)
    shown = await _shown(ledger, tenant_id, profile_id)
    return {**shown, "positions": await reads.list_positions(ledger, tenant_id, profile_id)}


async def move(
    ledger: Ledger, tenant: str, profile: str, amount: str, *, give: bool, reason: str, key: str | None
) -> dict[str, Any]:
    """Allocate or withdraw `amount`; the key makes a repetition harmless and is in every answer."""
    number = parse_positive(amount, "amount")
    tenant_id, profile_id = await ids(ledger, tenant, profile)
    by = capital.By(actor(), reason, key or f"cli-{uuid.uuid4()}")
    act = capital.allocate if give else capital.withdraw
    try:
        result = checked(await act(ledger, tenant_id, profile_id, number, by))
    except HoldfastError as error:
        if effect_unknown(error):
            raise HoldfastError(
                error.code, f"{error} Repeat it with --key {by.key}: it cannot happen twice.", **error.details
            ) from error
        raise
    return {**_ordered(result["capital"]), "idempotency_key": by.key, "replay": result["replay"]}


async def set_mode(ledger: Ledger, tenant: str, profile: str, mode: str, reason: str) -> dict[str, Any]:
    """Set a profile's mode. Raises INVARIANT_BROKEN for a resume while available is below zero."""
    tenant_id, profile_id = await ids(ledger, tenant, profile)
    await capital.set_mode(ledger, tenant_id, "profile", profile_id, mode, by=capital.By(actor(), reason))
    return await _shown(ledger, tenant_id, profile_id)


async def ids(ledger: Ledger, tenant: str, profile: str) -> tuple[UUID, UUID]:
    """Return the ids of a tenant and its profile. Raises NOT_FOUND."""
    tenant_id = await tenants.id_of(ledger, tenant)
    rows = await reads.list_profiles(ledger, tenant_id)
    return tenant_id, UUID(str(find(rows, profile, "profile", "profile_id")["profile_id"]))


async def _shown(ledger: Ledger, tenant_id: UUID, profile_id: UUID) -> dict[str, Any]:
    rows = await reads.list_profiles(ledger, tenant_id)
    row = {
        **find(rows, str(profile_id), "profile", "profile_id"),
        **await reads.get_capital(ledger, tenant_id, profile_id),
    }
    return _ordered(row)


def _ordered(row: Mapping[str, Any]) -> dict[str, Any]:
    """What people look for first, first: the database gives keys by length."""
    return {**{name: row[name] for name in _FIRST if name in row}, **row}
