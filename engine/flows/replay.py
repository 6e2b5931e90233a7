"""Answers out of what is recorded: the same key gets the intent's present state, then its final answer."""

import contextlib
from collections.abc import Mapping
from typing import Any

from engine.domain.errors import ErrorCode, HoldfastError, Outcome
from engine.domain.states import IntentState
from engine.flows.commands import OK, Answer, EntryCommand, ExitCommand, denied, refused_by
from engine.ledger.intents import IntentView, Replayed, find_answer
from engine.ledger.seam import Ledger

_ENDS: Mapping[IntentState, tuple[str, Outcome]] = {
    IntentState.SENDING: (ErrorCode.INTENT_SENDING, Outcome.UNKNOWN),
    IntentState.IN_DOUBT: (ErrorCode.IN_DOUBT, Outcome.UNKNOWN),
    IntentState.NEEDS_OPERATOR: (ErrorCode.IN_DOUBT, Outcome.UNKNOWN),
    IntentState.CONFIRMED: (OK, Outcome.PLACED),
    IntentState.REJECTED: (ErrorCode.REJECTED, Outcome.NOT_PLACED),
    IntentState.NOT_PLACED: (ErrorCode.NOT_PLACED, Outcome.NOT_PLACED),
}

# Refusals by the moment, not by the request: the same request may have been opened before.
_OF_THE_MOMENT = frozenset(
    {
        ErrorCode.STALE_PRICE,
        ErrorCode.INTENT_EXPIRED,
        ErrorCode.BUSY,
        ErrorCode.NOT_READY,
        ErrorCode.CIRCUIT_OPEN,
    }
)


def of_replay(replayed: Replayed) -> Answer:
    """Return the answer to a key that was used before."""
    if replayed.intent is not None:
        return of_intent(replayed.intent, replay=True)
    denial = dict(replayed.denial or {})
    code = str(denial.pop("code", ErrorCode.INTERNAL.value))
    return Answer(code, Outcome.NOT_PLACED, replay=True, details=denial)


async def of_known_key(ledger: Ledger, command: EntryCommand | ExitCommand, error: HoldfastError) -> Answer:
    """Return the answer of a request that was refused before step 1: a known key keeps its first answer."""
    if error.code in _OF_THE_MOMENT:
        with contextlib.suppress(HoldfastError):  # without a database the refusal itself is the answer
            known = await find_answer(
                ledger,
                command.tenant_id,
                command.robot_id,
                command.idempotency_key,
                command.request_hash,
            )
            if isinstance(known, Replayed):
                return of_replay(known)
            if known is not None:
                return denied(known.code, known.details)
    return refused_by(error)


def of_intent(view: IntentView, *, replay: bool) -> Answer:
    """Return what an intent's recorded state says to its robot."""
    state = IntentState(view["state"])
    code, outcome = _ENDS[state]
    return Answer(str(code), outcome, replay=replay, intent=view, details=_details(state, view))


def _details(state: IntentState, view: IntentView) -> dict[str, Any]:
    if state in {IntentState.SENDING, IntentState.IN_DOUBT, IntentState.NEEDS_OPERATOR}:
        return {"resolve_by": view["expires_at"], "client_order_id": view["client_order_id"]}
    if state is IntentState.REJECTED:
        return {"exchange_code": view["reason_code"], "reason": view["reason"]}
    if state is IntentState.NOT_PLACED:
        return {"reason": view["reason"]}
    return {}
