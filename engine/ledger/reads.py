"""Reads of one tenant's things, as JSON-ready values: numbers are text, moments ISO text."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger.intents import IntentView
from engine.ledger.reading import Calls

Json = dict[str, Any]


async def get_order(ledger: Calls, tenant_id: UUID, intent_id: UUID) -> IntentView | None:
    """Return an intent's view, None if this tenant has none of that id."""
    return await _view(ledger, "fn_get_order", tenant_id, intent_id)


async def get_order_by_client_id(ledger: Calls, tenant_id: UUID, client_order_id: str) -> IntentView | None:
    """Return the view of the intent with this client order id, or None."""
    return await _view(ledger, "fn_get_order_by_client_id", tenant_id, client_order_id)


async def list_orders(ledger: Calls, tenant_id: UUID, filters: Mapping[str, Any]) -> list[IntentView]:
    """Return intents, newest first; filters: profile_id, symbol, state, status, open, limit, before."""
    views: list[IntentView] = await ledger.call("fn_list_orders", tenant_id, dict(filters))
    return views


async def order_timeline(ledger: Calls, tenant_id: UUID, intent_id: UUID) -> Any:
    """Return everything that happened to an intent, in order."""
    return await ledger.call("fn_order_timeline", tenant_id, intent_id)


async def get_capital(ledger: Calls, tenant_id: UUID, profile_id: UUID | None) -> Any:
    """Return the capital figures of one profile, or of all."""
    return await ledger.call("fn_get_capital", tenant_id, profile_id)


async def list_positions(ledger: Calls, tenant_id: UUID, profile_id: UUID | None) -> list[Json]:
    """Return positions of one profile, or of all."""
    views: list[Json] = await ledger.call("fn_list_positions", tenant_id, profile_id)
    return views


async def list_profiles(ledger: Calls, tenant_id: UUID) -> list[Json]:
    """Return profiles with their account, quote asset and present spec."""
    views: list[Json] = await ledger.call("fn_list_profiles", tenant_id)
    return views


async def list_accounts(ledger: Calls, tenant_id: UUID) -> list[Json]:
    """Return exchange accounts, without credentials."""
    views: list[Json] = await ledger.call("fn_list_accounts", tenant_id)
    return views


async def list_instruments(ledger: Calls, tenant_id: UUID, account_id: UUID) -> list[Json]:
    """Return the instruments recorded for an account."""
    views: list[Json] = await ledger.call("fn_list_instruments", tenant_id, account_id)
    return views


async def list_robots(ledger: Calls, tenant_id: UUID) -> list[Json]:
    """Return robots and their keys' ids."""
    views: list[Json] = await ledger.call("fn_list_robots", tenant_id)
    return views


async def list_fills(ledger: Calls, tenant_id: UUID, filters: Mapping[str, Any]) -> list[Json]:
    """Return fills, newest first."""
    views: list[Json] = await ledger.call("fn_list_fills", tenant_id, dict(filters))
    return views


async def account_equations(ledger: Calls, tenant_id: UUID, account_id: UUID) -> list[Json]:
    """Return per asset what profiles hold, what is unassigned, and what the exchange must show."""
    views: list[Json] = await ledger.call("fn_account_equations", tenant_id, account_id)
    return views


async def rebuild_capital(ledger: Calls, tenant_id: UUID, profile_id: UUID) -> Json:
    """Rebuild a profile's figures from the journal and compare; `equal` is the invariant."""
    view: Json = await ledger.call("fn_rebuild_capital", tenant_id, profile_id)
    return view


async def _view(ledger: Calls, function: str, tenant_id: UUID, name: UUID | str) -> IntentView | None:
    try:
        view: IntentView | None = await ledger.call(function, tenant_id, name)
    except HoldfastError as error:
        if error.code is ErrorCode.NOT_FOUND:
            return None
        raise
    return view
