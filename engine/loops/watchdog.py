"""Checks in production what the tests check: the journal rebuilt equals what is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.domain.errors import HoldfastError
from engine.domain.states import Mode
from engine.flows.context import FlowContext
from engine.ledger import capital, reads, work
from engine.ledger.capital import By
from engine.runtime.log import get_logger

CHECK = "rebuild_equals_stored"
ACTOR = "engine:watchdog"
_log = get_logger(__name__)


@dataclass(slots=True)
class Findings:
    """What the last pass saw. `capital` has a row per profile, `violations` those that do not add up."""

    checked_at: datetime | None = None
    profiles: int = 0
    violations: list[dict[str, Any]] = field(default_factory=list)
    capital: list[dict[str, Any]] = field(default_factory=list)
    in_doubt: int = 0
    sending_expired: int = 0
    error: str | None = None


class Watchdog:
    """Looks at every profile and at unresolved work; a profile whose figures differ is halted."""

    def __init__(self, context: FlowContext) -> None:
        self._context = context
        self.findings = Findings()

    async def look(self) -> Findings:
        """Do one pass. Raises DATABASE_UNAVAILABLE; then the last findings stand, marked with the error."""
        try:
            found = await self._pass()
        except HoldfastError as error:
            self.findings.error = f"{error.code.value}: {error}"
            raise
        self.findings = found
        return found

    async def capital(self) -> list[dict[str, Any]]:
        """Read every profile's capital as it is now, and show it in the metrics."""
        ledger = self._context.ledger
        tenants = sorted({each.tenant_id for each in await work.due_profiles(ledger)})
        rows = [
            dict(row, tenant_id=str(tenant_id))
            for tenant_id in tenants
            for row in await reads.get_capital(ledger, tenant_id, None)
        ]
        self._show_capital(rows)
        return rows

    async def _pass(self) -> Findings:
        ledger, metrics = self._context.ledger, self._context.metrics
        found = Findings()
        found.capital = await self.capital()
        modes = {row["profile_id"]: row["mode"] for row in found.capital}
        due = await work.due_profiles(ledger)
        for each in due:
            rebuilt = await reads.rebuild_capital(ledger, each.tenant_id, each.profile_id)
            metrics.invariant_checks_total.labels(CHECK).inc()
            if rebuilt["equal"]:
                continue
            found.violations.append(_violation(each.profile_id, rebuilt))
            if modes.get(str(each.profile_id)) != Mode.HALTED:
                await self._halt(each.tenant_id, each.profile_id, rebuilt)
        metrics.invariant_violations.labels(CHECK).set(len(found.violations))
        await self._look_at_intents(found)
        found.profiles = len(due)
        found.checked_at = self._context.clock.now()
        return found

    async def _halt(self, tenant_id: UUID, profile_id: UUID, rebuilt: Mapping[str, Any]) -> None:
        """Stop new risk on figures that cannot be trusted; again if it was resumed without being right."""
        _log.error("capital does not add up", profile_id=str(profile_id), differences=rebuilt["differences"])
        self._context.metrics.financial_invariant_failures_total.labels(str(tenant_id), "watchdog").inc()
        await capital.set_mode(
            self._context.ledger,
            tenant_id,
            "profile",
            profile_id,
            Mode.HALTED.value,
            by=By(ACTOR, "the journal rebuilt differs from the stored figures"),
        )

    async def _look_at_intents(self, found: Findings) -> None:
        metrics = self._context.metrics
        by_account: dict[tuple[UUID, str], int] = {}
        for intent in await work.due_intents(self._context.ledger):
            key = (intent.account_id, intent.state)
            by_account[key] = by_account.get(key, 0) + 1
        accounts = {each.account_id for each in await work.due_accounts(self._context.ledger)}
        for account_id in accounts:
            sending = by_account.get((account_id, "sending"), 0)
            doubt = by_account.get((account_id, "in_doubt"), 0)
            metrics.sending_expired_intents.labels(str(account_id)).set(sending)
            metrics.in_doubt_intents.labels(str(account_id)).set(doubt)
            found.sending_expired += sending
            found.in_doubt += doubt
        # An entry lock lives exactly as long as its unresolved intent.
        metrics.entry_lock_expired.set(found.sending_expired)

    def _show_capital(self, rows: list[dict[str, Any]]) -> None:
        metrics = self._context.metrics
        for row in rows:
            labels = (row["tenant_id"], row["name"])
            for figure, value in row.items():
                if figure in _FIGURES:
                    # A gauge is a float by its format; no decision is made on it.
                    metrics.capital_quote_units.labels(*labels, row["quote_asset"], figure).set(value)
            for mode in Mode:
                metrics.profile_mode.labels(*labels, mode.value).set(mode.value == row["mode"])


_FIGURES = frozenset(
    {"allocated", "available", "reserved_for_orders", "reserved_for_positions", "realized_pnl"}
)


def _violation(profile_id: UUID, rebuilt: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "profile_id": str(profile_id),
        "differences": rebuilt["differences"],
        "gap": rebuilt["gap"],
        "unbalanced_events": rebuilt["unbalanced_events"],
    }
