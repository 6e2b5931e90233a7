"""A report that names our client order id is presence, whatever was concluded before."""

from uuid import UUID

from engine.domain.outcomes import OrderReport
from engine.domain.states import IntentState
from engine.flows.accounts import AccountSession, origin_of
from engine.flows.context import FlowContext
from engine.flows.record import Recorder, Sent
from engine.ledger import reads
from engine.runtime.log import get_logger

_KNOWN_MAX = 50_000
# `sending` is its sender's to confirm: it is at work, or the resolver finds it when its time is over.
_UNSETTLED = frozenset(
    {IntentState.IN_DOUBT, IntentState.NEEDS_OPERATOR, IntentState.REJECTED, IntentState.NOT_PLACED}
)
_log = get_logger(__name__)


class Presence:
    """Confirms intents by reports of their orders; an order once known to be confirmed costs nothing more."""

    def __init__(self, context: FlowContext, recorder: Recorder) -> None:
        self._context = context
        self._recorder = recorder
        self._confirmed: dict[tuple[UUID, str, str], None] = {}

    async def shown(self, session: AccountSession, report: OrderReport, source: str) -> bool:
        """Take a report of the exchange; True if it settled an intent, or proved a settlement wrong.

        Raises what reading from the database raises.
        """
        own = report.client_order_id
        if own is None or not own.startswith(self._context.tag):
            return False
        key = (session.account_id, own, report.exchange_order_id)
        if key in self._confirmed or self._recorder.knows(session.account_id, report):
            return False
        view = await reads.get_order_by_client_id(self._context.ledger, session.tenant_id, own)
        if view is None or view["account_id"] != str(session.account_id) or view["symbol"] != report.symbol:
            return False  # nobody's: reconciliation names it
        state = IntentState(view["state"])
        second = state is IntentState.CONFIRMED and view["exchange_order_id"] != report.exchange_order_id
        if state in _UNSETTLED or second:
            _log.warning("a report shows the order of an intent", intent_id=view["id"], state=state.value)
            named = (UUID(view["id"]), view["fencing_token"], own, report.symbol)
            sent = Sent(view["kind"], session, *named, origin_of(view))
            if not (await self._recorder.confirmation(sent, report, source)).done:
                return False
        elif state is not IntentState.CONFIRMED:
            return False
        self._remember(key)
        return state in _UNSETTLED

    def _remember(self, key: tuple[UUID, str, str]) -> None:
        self._confirmed[key] = None
        while len(self._confirmed) > _KNOWN_MAX:
            del self._confirmed[next(iter(self._confirmed))]
