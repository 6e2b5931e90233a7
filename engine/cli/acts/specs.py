"""Specs of profiles: show one version, list them, write the next."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from engine.cli.acts import profiles
from engine.cli.acts.session import actor
from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.specs import checked_spec, spec_revision
from engine.ledger import requests
from engine.ledger.seam import Ledger


async def show(ledger: Ledger, tenant: str, profile: str, version: int | None) -> dict[str, Any]:
    """Return one version of a profile's rules, the current one without a number. Raises NOT_FOUND."""
    tenant_id, profile_id = await profiles.ids(ledger, tenant, profile)
    return await requests.get_spec(ledger, tenant_id, profile_id, version)


async def every(ledger: Ledger, tenant: str, profile: str) -> list[dict[str, Any]]:
    """Return the versions of a profile's rules, newest first."""
    tenant_id, profile_id = await profiles.ids(ledger, tenant, profile)
    found: list[dict[str, Any]] = []
    while True:
        filters = {"limit": 500} | ({"before": found[-1]["version"]} if found else {})
        page = await requests.list_specs(ledger, tenant_id, profile_id, filters)
        found += page
        if not page:
            return found


async def write(
    ledger: Ledger, tenant: str, profile: str, spec: Mapping[str, Any], if_version: int
) -> dict[str, Any]:
    """Give a profile the next version of its rules if `if_version` is the current one.

    The same rules again after `if_version` change nothing. Raises SPEC_INVALID_SCHEMA, PRECONDITION_FAILED.
    """
    checked_spec(spec)
    tenant_id, profile_id = await profiles.ids(ledger, tenant, profile)
    version = await _put(ledger, tenant_id, profile_id, if_version, spec)
    return await requests.get_spec(ledger, tenant_id, profile_id, version)


async def _put(
    ledger: Ledger, tenant_id: UUID, profile_id: UUID, if_version: int, spec: Mapping[str, Any]
) -> int:
    try:
        return int(
            await ledger.call(
                "fn_put_spec", tenant_id, profile_id, if_version, dict(spec), spec_revision(spec), actor()
            )
        )
    except HoldfastError as error:
        if error.code is not ErrorCode.ILLEGAL_TRANSITION:
            raise
        raise HoldfastError(
            ErrorCode.PRECONDITION_FAILED,
            f"The spec's current version is {error.details.get('current')}.",
            **error.details,
        ) from error
