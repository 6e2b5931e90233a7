"""Tenants, robots, keys, accounts, instruments, profiles: how they come to be, and who a key belongs to."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.domain.instruments import Instrument
from engine.domain.scopes import ROBOT_SCOPES, Scope, scopes_of
from engine.ledger.seam import Ledger
from engine.ledger.wire import exact


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An exchange account to be registered; `credentials` are sealed already."""

    account_id: UUID
    name: str
    exchange: str
    exchange_account_uid: str
    tier: str
    urls: Mapping[str, Any]
    credentials: bytes
    withdrawal_right: str = "unverifiable"  # "none": the exchange says that the key cannot withdraw


@dataclass(frozen=True, slots=True)
class NewProfile:
    """A profile to be created, with version 1 of its spec."""

    profile_id: UUID
    account_id: UUID
    name: str
    quote_asset: str
    spec: Mapping[str, Any]
    spec_hash: str


@dataclass(frozen=True, slots=True)
class Robot:
    """Whom a robot key belongs to."""

    tenant_id: UUID
    robot_id: UUID
    name: str
    enabled: bool
    tenant_mode: str
    key_id: UUID
    scopes: frozenset[Scope]
    expires_in_s: float | None


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The engine's own row."""

    mode: str
    mode_reason: str | None
    strict_idempotency: bool
    installation_tag: str


async def init_engine(ledger: Ledger, tag: str) -> str:
    """Store the installation tag if there is none yet, and return the one that counts."""
    return str(await ledger.call("fn_init_engine", tag))


async def engine_settings(ledger: Ledger) -> EngineSettings | None:
    """Return the engine's settings, None before `init_engine`."""
    row = await ledger.call("fn_engine_settings")
    return None if row is None else EngineSettings(**row)


async def set_engine_mode(ledger: Ledger, mode: str, reason: str, actor: str) -> Any:
    """Set the mode of the whole engine."""
    return await ledger.call("fn_set_engine_mode", mode, reason, actor)


async def create_tenant(ledger: Ledger, tenant_id: UUID, name: str, actor: str) -> None:
    """Create a tenant. Raises ALREADY_EXISTS."""
    await ledger.call("fn_create_tenant", tenant_id, name, actor)


async def create_robot(ledger: Ledger, tenant_id: UUID, robot_id: UUID, name: str, actor: str) -> None:
    """Create a robot. Raises ALREADY_EXISTS."""
    await ledger.call("fn_create_robot", tenant_id, robot_id, name, actor)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A robot key to be stored: its hash, what it may do, and until when (None: for ever)."""

    key_id: UUID
    key_hash: bytes
    scopes: frozenset[Scope] = ROBOT_SCOPES
    expires_at: datetime | None = None


async def create_robot_key(ledger: Ledger, tenant_id: UUID, robot_id: UUID, key: NewKey, actor: str) -> None:
    """Store a robot key. Raises LIMIT_EXCEEDED for a third living one."""
    await ledger.call(
        "fn_create_robot_key",
        tenant_id,
        key.key_id,
        robot_id,
        key.key_hash,
        actor,
        sorted(key.scopes),
        key.expires_at,
    )


async def rotate_robot_key(
    ledger: Ledger, tenant_id: UUID, robot_id: UUID, key: NewKey, *, overlap_s: int, actor: str
) -> list[UUID]:
    """Store a robot's new key and end its others, at once or after `overlap_s`; returns those."""
    ended: list[UUID] = await ledger.call(
        "fn_rotate_robot_key",
        tenant_id,
        key.key_id,
        robot_id,
        key.key_hash,
        overlap_s,
        actor,
        sorted(key.scopes),
        key.expires_at,
    )
    return ended


async def revoke_robot_key(ledger: Ledger, tenant_id: UUID, key_id: UUID, actor: str) -> None:
    """Revoke a robot key."""
    await ledger.call("fn_revoke_robot_key", tenant_id, key_id, actor)


async def authenticate(ledger: Ledger, key_hash: bytes) -> Robot | None:
    """Return whose key it is; None if it is unknown or revoked."""
    found = await ledger.rows("fn_find_key", key_hash)
    if not found:
        return None
    tenant_id, key_id = found[0]["tenant_id"], found[0]["key_id"]
    robot = await ledger.call("fn_authenticate", tenant_id, key_id)
    if robot is None:
        return None
    return Robot(
        tenant_id,
        UUID(robot["robot_id"]),
        str(robot["robot_name"]),
        bool(robot["enabled"]),
        str(robot["tenant_mode"]),
        UUID(robot["key_id"]),
        scopes_of(robot["scopes"]),
        None if robot["expires_in_s"] is None else float(robot["expires_in_s"]),
    )


async def authenticate_user(
    ledger: Ledger, tenant_id: UUID, robot_name: str | None
) -> Mapping[str, Any] | None:
    """Return the mode of a token's tenant and the robot its users trade as; None without such a tenant."""
    found: Mapping[str, Any] | None = await ledger.call("fn_authenticate_user", tenant_id, robot_name)
    return found


async def register_account(
    ledger: Ledger, tenant_id: UUID, account: NewAccount, balances: Mapping[str, Decimal], actor: str
) -> None:
    """Register an exchange account with its present balances as the unassigned baseline."""
    row = {
        "account_id": account.account_id,
        "name": account.name,
        "exchange": account.exchange,
        "exchange_account_uid": account.exchange_account_uid,
        "tier": account.tier,
        "urls": dict(account.urls),
        "credentials": base64.b64encode(account.credentials).decode(),
        "withdrawal_right": account.withdrawal_right,
    }
    held = {asset: exact(balance, asset) for asset, balance in balances.items()}
    await ledger.call("fn_register_account", tenant_id, row, held, actor)


async def account_credentials(ledger: Ledger, tenant_id: UUID, account_id: UUID) -> Any:
    """Return the sealed credentials as the function gives them; the engine alone may call it."""
    return await ledger.call("fn_get_account_credentials", tenant_id, account_id)


async def rewrap_credentials(
    ledger: Ledger, tenant_id: UUID, account_id: UUID, *, old: bytes, new: bytes, actor: str
) -> bool:
    """Put rewrapped credentials in the place of the old ones; False if others stand there by now."""
    return bool(await ledger.call("fn_rewrap_credentials", tenant_id, account_id, old, new, actor))


async def upsert_instruments(
    ledger: Ledger, tenant_id: UUID, account_id: UUID, instruments: Iterable[Instrument]
) -> int:
    """Record what can be traded on an account; returns how many."""
    rows = [
        {
            "symbol": each.symbol,
            "base_asset": each.base,
            "quote_asset": each.quote,
            "tick_size": exact(each.tick_size, "tick_size"),
            "lot_size": exact(each.lot_size, "lot_size"),
            "min_quantity": exact(each.min_quantity, "min_quantity"),
            "max_quantity": exact(each.max_quantity, "max_quantity"),
            "min_notional": exact(each.min_notional, "min_notional"),
            "max_notional": exact(each.max_notional, "max_notional"),
            "maker_fee_rate": exact(each.maker_fee_rate, "maker_fee_rate"),
            "taker_fee_rate": exact(each.taker_fee_rate, "taker_fee_rate"),
            "active": each.active,
        }
        for each in instruments
    ]
    return int(await ledger.call("fn_upsert_instruments", tenant_id, account_id, rows))


async def create_profile(ledger: Ledger, tenant_id: UUID, profile: NewProfile, actor: str) -> None:
    """Create a profile. Raises ALREADY_EXISTS, NOT_FOUND (account), BAD_REQUEST (spec)."""
    await ledger.call(
        "fn_create_profile",
        tenant_id,
        profile.profile_id,
        profile.account_id,
        profile.name,
        profile.quote_asset,
        dict(profile.spec),
        profile.spec_hash,
        actor,
    )
