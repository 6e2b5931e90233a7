"""From an alert to its order: at most one, under a key that every attempt makes the same."""

import hashlib
import json
import traceback
from dataclasses import asdict
from typing import Any

from engine.domain.alerts import AlertOrder, order_of, read
from engine.domain.errors import EXPLANATIONS, ErrorCode, HoldfastError
from engine.flows.commands import OK, Answer, EntryCommand, ExitCommand, refused_by
from engine.flows.context import FlowContext
from engine.flows.entry import EntryFlow
from engine.flows.exit import ExitFlow
from engine.flows.replay import of_replay
from engine.ledger.intents import Replayed, find_answer
from engine.ledger.webhooks import Claimed, Verdict
from engine.runtime.log import bound, get_logger

_ATTEMPTS_MAX = 5  # of faults of ours; what passes by itself is tried as long as the alert is not too old
_RETRY_MS = (200, 500, 1_000, 2_000, 5_000)
_EXPIRES_MS_MAX = 3_600_000
_log = get_logger(__name__)


class AlertFlow:
    """Executes claimed alerts; what it answers is recorded by its caller."""

    def __init__(self, context: FlowContext, entries: EntryFlow, exits: ExitFlow) -> None:
        self._context = context
        self._entries = entries
        self._exits = exits

    async def execute(self, claimed: Claimed) -> Verdict:
        """Place an alert's order, or say why not. Raises only when cancelled: a fault is a verdict too."""
        with bound(tenant_id=claimed.tenant_id, alert_id=claimed.alert_id, route=claimed.route):
            try:
                return await self._execute(claimed)
            except Exception as error:  # noqa: BLE001 - the next alert of the route must not wait for ever
                code = error.code if isinstance(error, HoldfastError) else ErrorCode.INTERNAL
                if isinstance(error, HoldfastError) and error.explanation.retryable:
                    return self._later(claimed, code.value, {"detail": str(error)})
                _log.exception("alert failed", attempts=claimed.attempts)
                result = {"detail": str(error)}
                if claimed.attempts < _ATTEMPTS_MAX:
                    return self._later(claimed, code.value, result)
                return Verdict("dead", code.value, result, trace=traceback.format_exc())

    async def _execute(self, claimed: Claimed) -> Verdict:
        try:
            order = order_of(claimed.template, read(claimed.body).fields)
        except HoldfastError as error:
            return Verdict(
                "dead",
                error.code.value,
                {"detail": str(error), **error.details},
                trace=traceback.format_exc(),
            )
        known = await self._known(claimed, order)  # an earlier attempt may have ended without telling
        if known is None and not claimed.open:
            return Verdict(
                "refused", ErrorCode.FORBIDDEN.value, {"detail": "its route or robot takes no orders"}
            )
        if known is None and claimed.left_ms <= 0:
            return Verdict("refused", ErrorCode.INTENT_EXPIRED.value, {"max_lag_s": claimed.max_lag_s})
        answer = known or await self._run(claimed, order)
        return self._verdict(claimed, answer)

    async def _known(self, claimed: Claimed, order: AlertOrder) -> Answer | None:
        found = await find_answer(
            self._context.ledger, claimed.tenant_id, claimed.robot_id, _key(claimed), _hash(order)
        )
        return of_replay(found) if isinstance(found, Replayed) else None

    async def _run(self, claimed: Claimed, order: AlertOrder) -> Answer:
        wish: dict[str, Any] = {
            "tenant_id": claimed.tenant_id,
            "robot_id": claimed.robot_id,
            "profile": str(claimed.profile_id),
            "idempotency_key": _key(claimed),
            "request_hash": _hash(order),
            "symbol": order.symbol,
            "type": order.type,
            "quantity": order.quantity,
            "limit_price": order.limit_price,
            "time_in_force": order.time_in_force,
            "label": order.label,
            "expires_after_ms": min(claimed.left_ms, _EXPIRES_MS_MAX),
        }
        try:
            if order.action == "entry":
                return await self._entries.run(EntryCommand(**wish))
            return await self._exits.run(ExitCommand(**wish))
        except HoldfastError as error:
            return refused_by(error)

    def _verdict(self, claimed: Claimed, answer: Answer) -> Verdict:
        """An intent is an order's own story: with one the alert has ended, however that goes on."""
        result: dict[str, Any] = {"outcome": answer.outcome.value, **answer.details}
        if answer.intent is not None:
            result |= {"order_id": answer.intent["id"], "state": answer.intent["state"]}
        placed = answer.code in {OK, ErrorCode.IN_DOUBT, ErrorCode.INTENT_SENDING}
        if placed:
            return Verdict("done", answer.code, result)
        if answer.intent is None and EXPLANATIONS[ErrorCode(answer.code)].retryable:
            return self._later(claimed, answer.code, result)
        poison = answer.code in _POISON
        return Verdict("dead" if poison else "refused", answer.code, result)

    def _later(self, claimed: Claimed, code: str, result: dict[str, Any]) -> Verdict:
        """Try again soon: whether it is too old by then is asked then."""
        delay_ms = _RETRY_MS[min(claimed.attempts, len(_RETRY_MS)) - 1]
        return Verdict("received", code, result, retry_ms=min(delay_ms, max(claimed.left_ms, 0)))


# The request itself can never be executed: an operator has to look at alert or template.
_POISON = frozenset(
    {
        ErrorCode.BAD_REQUEST,
        ErrorCode.INVALID_NUMBER,
        ErrorCode.UNKNOWN_SYMBOL,
        ErrorCode.INVALID_PRICE,
        ErrorCode.INVALID_QUANTITY,
        ErrorCode.BELOW_MIN_NOTIONAL,
        ErrorCode.NOT_FOUND,
        ErrorCode.IDEMPOTENCY_KEY_REUSED,
    }
)


def _key(claimed: Claimed) -> str:
    again = f":{claimed.retries}" if claimed.retries else ""
    return f"webhook:{claimed.alert_id}{again}"


def _hash(order: AlertOrder) -> str:
    text = json.dumps(asdict(order), sort_keys=True, default=str)
    return hashlib.sha256(f"alert\n{text}".encode()).hexdigest()
