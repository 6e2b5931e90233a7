"""Proofs of what became of an intent, and the ends that only proof may make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger.intents import IntentView
from engine.ledger.seam import Ledger
from engine.ledger.wire import moment

Verdict = Literal["present", "nothing_shown", "no_evidence"]


@dataclass(frozen=True, slots=True)
class Proof:
    """One look at the exchange for one intent; moments are the exchange's.

    `began_at` is no later than the first question, `ended_at` no earlier than the last answer; a look that
    began before `counts_from` cannot show absence. `asked` holds each question with its whole answer.
    """

    verdict: Verdict
    began_at: datetime
    ended_at: datetime
    counts_from: datetime
    actor: str
    asked: Sequence[Mapping[str, Any]]

    def item(self) -> dict[str, Any]:
        """Return what the SQL functions take."""
        return {
            "verdict": self.verdict,
            "began_at": moment(self.began_at),
            "ended_at": moment(self.ended_at),
            "counts_from": moment(self.counts_from),
            "actor": self.actor,
            "asked": list(self.asked),
        }


@dataclass(frozen=True, slots=True)
class Due:
    """What the resolver of an account has to look at; `needs_operator`: how many wait for a person."""

    intents: list[IntentView]
    needs_operator: int


async def list_due(
    ledger: Ledger, tenant_id: UUID, account_id: UUID, limit: int, *, after: UUID | None = None
) -> Due:
    """Return an account's intents in doubt, or sending past their expiry, the longest expired first.

    `after`: only those behind this one in that order.
    """
    found = await ledger.call("fn_list_due_intents", tenant_id, account_id, limit, after)
    return Due(found["due"], int(found["needs_operator"]))


async def record(ledger: Ledger, tenant_id: UUID, intent_id: UUID, lease_token: int, proof: Proof) -> None:
    """Keep a look that ends nothing by itself. Raises NOT_FOUND."""
    await ledger.call("fn_record_proof", tenant_id, intent_id, lease_token, proof.item())


async def resolve_absent(
    ledger: Ledger, tenant_id: UUID, intent_id: UUID, lease_token: int, proof: Proof, *, read_gap_ms: int
) -> str:
    """End an intent as not placed if this complete read is the second that counts; returns the code.

    OK: it has ended; NOT_PROVEN: another read is needed; CONTRADICTED: it was shown before;
    ILLEGAL_TRANSITION: it has ended otherwise. Raises STALE_TOKEN without the lease.
    """
    item = {**proof.item(), "read_gap_ms": read_gap_ms}
    return str((await ledger.call("fn_resolve_absent", tenant_id, intent_id, lease_token, item))["code"])


async def needs_operator(
    ledger: Ledger, tenant_id: UUID, intent_id: UUID, lease_token: int, reason: str, *, proof: Proof | None
) -> bool:
    """Give an intent to an operator; False if it has ended meanwhile. Raises STALE_TOKEN."""
    item = None if proof is None else proof.item()
    answer = await ledger.call("fn_needs_operator", tenant_id, intent_id, lease_token, reason, item)
    code = str(answer["code"])
    if code not in {"OK", "ILLEGAL_TRANSITION"}:
        raise HoldfastError(ErrorCode.INTERNAL, f"fn_needs_operator answered {code}")
    return code == "OK"
