"""A reconciliation pass on demand: by the holder of the account's lease, else by this command itself."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from engine.cli.acts import accounts, tenants
from engine.cli.acts.session import actor, find
from engine.cli.lazy import lazy
from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger import admin, leases, reads, reconciliation_requests
from engine.ledger.capital import By
from engine.ledger.seam import Ledger
from engine.runtime.log import silenced
from engine.runtime.settings import Settings

_LOOK_S = 0.2
_LEASE_S = 120.0  # of a pass that this command does itself; released at its end
# they bring ccxt along, which most commands do not need
_context = lazy("engine.flows.context")
_desk = lazy("engine.flows.desk")
_lease = lazy("engine.flows.lease")
_reconcile = lazy("engine.flows.reconcile")
_resolve = lazy("engine.flows.resolve")
_sessions = lazy("engine.flows.accounts")


async def run(
    ledger: Ledger,
    settings: Settings,
    tenant: str,
    account: str | None,
    profile: str | None,
    *,
    dry_run: bool,
    wait_s: float,
) -> list[dict[str, Any]]:
    """Reconcile a tenant's accounts, or the one that is named, or a profile's; what each pass found.

    Raises NOT_READY if the holder of a lease has not answered within `wait_s`.
    """
    tenant_id = await tenants.id_of(ledger, tenant)
    chosen = await _chosen(ledger, tenant_id, account, profile)
    names = {row["profile_id"]: row["name"] for row in await reads.list_profiles(ledger, tenant_id)}
    found = []
    for row, profile_id in chosen:
        if await _held(ledger, tenant_id, UUID(row["account_id"])):
            result = await _ask(ledger, tenant_id, row, profile_id, dry_run=dry_run, wait_s=wait_s)
        else:
            with silenced():
                result = await _do(ledger, settings, tenant_id, row, profile_id, dry_run=dry_run)
        for each in result["differences"]:
            each["profile"] = names.get(each["profile_id"])
        found.append({"account": row["name"], **result})
    return found


async def mismatches(
    ledger: Ledger, tenant: str, account: str | None, profile: str | None, chosen: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return differences between ledger and exchange, newest first."""
    tenant_id = await tenants.id_of(ledger, tenant)
    listed = await reads.list_accounts(ledger, tenant_id)
    profiles = await reads.list_profiles(ledger, tenant_id)
    wanted = {name: value for name, value in chosen.items() if value is not None}
    if account is not None:
        wanted["account_id"] = find(listed, account, "account", "account_id")["account_id"]
    if profile is not None:
        wanted["profile_id"] = find(profiles, profile, "profile", "profile_id")["profile_id"]
    names = {row["profile_id"]: row["name"] for row in profiles}
    names |= {row["account_id"]: row["name"] for row in listed}
    rows = await reconciliation_requests.list_mismatches(ledger, tenant_id, wanted)
    return [
        {"account": names.get(row["account_id"]), "profile": names.get(row["profile_id"]), **row}
        for row in rows
    ]


async def assign(
    ledger: Ledger,
    settings: Settings,
    tenant: str,
    account: str,
    exchange_order_id: str,
    *,
    symbol: str,
    profile: str | None,
    reason: str,
    key: str | None,
) -> dict[str, Any]:
    """Say whose an order is that no intent is known of; what the exchange says of it is recorded.

    Raises NOT_FOUND if the exchange has no such order, and the refusal with its numbers.
    """
    tenant_id = await tenants.id_of(ledger, tenant)
    row = find(await reads.list_accounts(ledger, tenant_id), account, "account", "account_id")
    profiles = await reads.list_profiles(ledger, tenant_id)
    chosen = None if profile is None else find(profiles, profile, "profile", "profile_id")["profile_id"]
    async with await accounts.gateway_of(ledger, settings, tenant_id, row) as gateway:
        report = await gateway.find_order(symbol, exchange_order_id=exchange_order_id)
    if report is None:
        raise HoldfastError(
            ErrorCode.NOT_FOUND, f"The exchange has no order {exchange_order_id} of {symbol} on {account}."
        )
    by = By(actor(), reason, key or str(uuid4()))
    result = await reconciliation_requests.assign_order(
        ledger,
        tenant_id,
        UUID(row["account_id"]),
        report,
        None if chosen is None else UUID(chosen),
        by=by,
    )
    if result["code"] != "OK":
        details = {name: value for name, value in result.items() if name != "code"}
        code = str(result["code"])
        known = ErrorCode(code) if code in ErrorCode.__members__ else ErrorCode.BAD_REQUEST
        raise HoldfastError(known, "the order cannot be assigned like this", **details)
    return {"exchange_order_id": exchange_order_id, "profile": profile, **result}


async def _chosen(
    ledger: Ledger, tenant_id: UUID, account: str | None, profile: str | None
) -> list[tuple[Mapping[str, Any], UUID | None]]:
    listed: list[Mapping[str, Any]] = [*await reads.list_accounts(ledger, tenant_id)]
    if profile is not None:
        row = find(await reads.list_profiles(ledger, tenant_id), profile, "profile", "profile_id")
        its_own = [one for one in listed if one["account_id"] == row["account_id"]]
        return [(one, UUID(row["profile_id"])) for one in its_own]
    if account is not None:
        listed = [find(listed, account, "account", "account_id")]
    return [(one, None) for one in listed]


async def _held(ledger: Ledger, tenant_id: UUID, account_id: UUID) -> bool:
    rows = await leases.list_leases(ledger, tenant_id)
    return any(row.live and row.account_id == account_id for row in rows)


async def _ask(
    ledger: Ledger,
    tenant_id: UUID,
    account: Mapping[str, Any],
    profile_id: UUID | None,
    *,
    dry_run: bool,
    wait_s: float,
) -> dict[str, Any]:
    """Ask the holder of the lease, and wait for its answer."""
    account_id = UUID(account["account_id"])
    request_id = await reconciliation_requests.request_pass(
        ledger, tenant_id, account_id, profile_id, dry_run=dry_run, actor=actor()
    )
    until = ledger.clock.monotonic() + wait_s
    while ledger.clock.monotonic() < until:
        request = await reconciliation_requests.get_request(ledger, tenant_id, request_id)
        if request is not None and request.result is not None:
            return dict(request.result)
        await asyncio.sleep(_LOOK_S)
    raise HoldfastError(
        ErrorCode.NOT_READY,
        "The daemon that holds the account's lease has not answered; see its log, or /readyz.",
        account=account["name"],
        waited_s=str(wait_s),
    )


async def _do(
    ledger: Ledger,
    settings: Settings,
    tenant_id: UUID,
    account: Mapping[str, Any],
    profile_id: UUID | None,
    *,
    dry_run: bool,
) -> dict[str, Any]:
    """Take the free lease for the time of one pass, and do it here."""
    account_id, holder = UUID(account["account_id"]), uuid4()
    stored = await admin.engine_settings(ledger)
    if stored is None:
        raise HoldfastError(ErrorCode.CONFIGURATION, "No daemon has ever run on this database.")
    async with await accounts.gateway_of(ledger, settings, tenant_id, account) as gateway:
        listed = await gateway.instruments()
        session = _sessions.AccountSession(
            tenant_id, account_id, gateway, {each.symbol: each for each in listed}
        )
        book = _sessions.Accounts(ledger)
        book.add(session)
        context = _context.FlowContext(
            ledger, book, ledger.clock, ledger.metrics, stored.installation_tag, holder, _context.Timings()
        )
        desk = _desk.open_desk(context)
        began = ledger.clock.monotonic()
        taking = await leases.take(ledger, tenant_id, account_id, holder, round(_LEASE_S * 1000))
        if not taking.taken:
            raise HoldfastError(
                ErrorCode.LEASE_HELD,
                "A daemon has just taken the account; ask again.",
                account=account["name"],
            )
        token = taking.row.fencing_token
        lease = _lease.Lease(tenant_id, account_id, token, ledger.clock, began=began, ttl_s=_LEASE_S)
        try:
            resolver = _resolve.Resolver(context, desk.recorder, desk.cancels)
            passes = _reconcile.Reconciliation(context, desk.recorder, resolver)
            report = await passes.run_pass(
                session, lease, f"asked by {actor()}", profile_id=profile_id, dry_run=dry_run
            )
        finally:
            await leases.release(ledger, tenant_id, account_id, token)
            await desk.close(1.0)
        view: dict[str, Any] = _reconcile.report_view(report)
        return view
