"""Keeps the exchange's own timer of an account armed while this process holds its lease, where it is on."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.ids import is_ours
from engine.domain.outcomes import Fill, OrderReport
from engine.exchange.exchange_timer import WRITE_S, check_seconds
from engine.flows.accounts import AccountSession
from engine.flows.context import FlowContext
from engine.flows.lease import Lease
from engine.ledger import exchange_timers
from engine.ledger.exchange_timers import Look, Wants
from engine.ledger.leases import Stage
from engine.loops.notices import Notice, Notices
from engine.loops.stopping import first, unless_stopped
from engine.runtime.log import get_logger
from engine.runtime.tasks import Heartbeat

_LOOK_S = 1.0
_IDLE_LOOKS = 5
_LIST_S = 60.0  # between two lists of all open orders of the account
_AGAIN_S = 5.0  # after a call that brought no answer; sooner where the timer is short
_log = get_logger(__name__)


class ExchangeTimer:
    """The timer of one account. What it shall be stands in the database; here it is only brought about.

    Renewed every third of its time; a call that failed, or whose fate is unknown, is made again soon: both
    are harmless twice. A sign of strangers turns it off for good, at the exchange at once. Where it is off
    nothing is sent. A stop leaves it armed: whoever comes next renews it, or it does what it is for.
    """

    def __init__(
        self,
        name: str,
        session: AccountSession,
        lease: Lease,
        context: FlowContext,
        notices: Notices,
        *,
        ask_pass: Callable[[str], None],
        look_s: float = _LOOK_S,
    ) -> None:
        self._name = name
        self._session = session
        self._lease = lease
        self._context = context
        self._notices = notices
        self._ask_pass = ask_pass
        self._look_s = look_s
        self._wake = asyncio.Event()
        self._look: Look | None = None
        self._stranger: dict[str, str] | None = None
        self._until: datetime | None = None
        self._asked: datetime | None = None  # the timer for whose first arming a pass was asked for
        self._armed_s = 0
        self._due_at = context.clock.monotonic()  # of the next arming call
        self._disarm_at = self._due_at
        self._listed_at = float("-inf")
        self._failures = 0
        self._problem: str | None = None

    async def run(self, heartbeat: Heartbeat) -> None:
        """Do what is due, then rest; ends when the lease is lost."""
        try:
            while not heartbeat.stopping.is_set():
                heartbeat.beat()
                self._wake.clear()
                if not await self._turn(heartbeat):
                    return
                await first(self._rest_s(), self._wake.wait(), heartbeat.stopping.wait())
        finally:
            self._forget()

    def _rest_s(self) -> float:
        """Nobody waits for a timer that is off, and most accounts never have one."""
        idle = self._look is None or self._look.wants is Wants.NOTHING
        return self._look_s * _IDLE_LOOKS if idle else self._look_s

    def seen(self, news: Sequence[Fill | OrderReport]) -> None:
        """Take what a stream shows: an order or fill that does not carry our tag is a stranger's.

        Every order of ours has a client order id; one without it is for a pass to judge, by more evidence.
        """
        if self._look is None or not self._look.enabled:
            return
        exchange = self._session.gateway.config.exchange
        for each in news:
            if each.client_order_id is None:
                if isinstance(each, OrderReport):
                    self._ask_pass("an order without client order id")
            elif not is_ours(self._context.tag, exchange, each.client_order_id):
                self._stranger = _sign("stream", each)
                self._wake.set()

    def report(self) -> dict[str, Any] | None:
        """Return what health pages show of it; None where it was never on."""
        look = self._look
        if look is None:
            return None
        return {
            "enabled": look.enabled,
            "timeout_s": look.timeout_s,
            "armed": self._armed,
            "armed_until": None if self._until is None else self._until.isoformat(),
            "off_cause": look.off_cause,
            "failures": self._failures,
            "problem": self._problem,
        }

    # -- one turn -------------------------------------------------------------------------------------

    async def _turn(self, heartbeat: Heartbeat) -> bool:
        """Look, and make the call that is due; False when the lease is lost."""
        try:
            self._lease.check()
            if self._stranger is not None and not await self._trip(self._stranger, heartbeat):
                return True
            look = await exchange_timers.look(
                self._context.ledger, self._session.tenant_id, self._session.account_id
            )
            self._take(look)
            if look is not None:
                await self._act(look, heartbeat)
        except HoldfastError as error:
            if error.code is ErrorCode.STALE_TOKEN:
                self._lease.lose("the database knows a newer holder")
            if error.code in {ErrorCode.LEASE_LOST, ErrorCode.STALE_TOKEN}:
                return False
            self._say(f"{error.code.value}: {error}")
        self._show()
        return True

    async def _act(self, look: Look, heartbeat: Heartbeat) -> None:
        now = self._context.clock.monotonic()
        if look.enabled:
            await self._keep(look, heartbeat, now)
        elif look.wants is Wants.NOTHING:
            self._problem, self._failures = None, 0
        elif now >= self._disarm_at:
            await self._disarm(look, heartbeat)

    async def _keep(self, look: Look, heartbeat: Heartbeat, now: float) -> None:
        """Renew it, or arm it after all of the account was seen; by the exchange's clock it has run out."""
        check_seconds(self._session.gateway.config.exchange, look.timeout_s)
        due = now >= self._due_at or look.timeout_s != self._armed_s
        if look.armed_until is not None and look.armed_until > self._exchange_now:
            if due:
                await self._arm(look, heartbeat)
            if now >= self._listed_at + _LIST_S:  # after the renewal, which it must not hold up
                await self._alone(look, heartbeat)
        elif look.armed_until is not None:
            await self._ran_out(look)
        elif look.wants is Wants.PASS or not self._reconciled:
            self._wait_for_pass(look)
        elif due and await self._alone(look, heartbeat):
            await self._arm(look, heartbeat)

    async def _alone(self, look: Look, heartbeat: Heartbeat) -> bool:
        """Read all open orders of the account, and tell whether they could be read and are all ours.

        Where an exchange is asked symbol by symbol, a pass sees those that profiles trade; the timer would
        cancel every other one as well.
        """
        session, clock = self._session, self._context.clock
        self._lease.check()
        exchange = session.gateway.config.exchange
        try:
            async with asyncio.timeout(min(_AGAIN_S, look.timeout_s / 6)):
                orders = await unless_stopped(heartbeat.stopping, session.gateway.open_orders())
        except (HoldfastError, TimeoutError) as error:
            self._due_at = max(self._due_at, clock.monotonic() + self._again_s(look))
            self._say(f"list of open orders: {error or type(error).__name__}")
            return False
        self._listed_at = clock.monotonic()
        for each in orders or ():
            if not is_ours(self._context.tag, exchange, each.client_order_id):
                sign = _sign("open_orders", each)
                if await exchange_timers.trip(
                    self._context.ledger, session.tenant_id, session.account_id, sign
                ):
                    self._wake.set()
                    self._tell_stranger(sign)
                    return False
        return orders is not None

    @property
    def _reconciled(self) -> bool:
        """Whether this holder has found the account in order; what was true for another is not enough."""
        return self._lease.stage is Stage.RECONCILED

    def _again_s(self, look: Look) -> float:
        return min(_AGAIN_S, max(self._look_s, look.timeout_s / 12))

    def _wait_for_pass(self, look: Look) -> None:
        self._say("not armed yet: a pass has to find the account in order")
        if look.wants is Wants.PASS and self._reconciled and self._asked != look.changed_at:
            self._asked = look.changed_at
            self._ask_pass("the exchange's timer was turned on")

    async def _arm(self, look: Look, heartbeat: Heartbeat) -> None:
        began = self._context.clock.monotonic()
        done, until = await self._call("arm", look.timeout_s, heartbeat)
        if not done:
            self._due_at = began + self._again_s(look)
            return
        self._until, self._armed_s = until, look.timeout_s
        self._due_at = began + look.timeout_s / 3
        await self._tell(until, look)

    async def _disarm(self, look: Look, heartbeat: Heartbeat) -> None:
        self._disarm_at = self._context.clock.monotonic() + _AGAIN_S
        done, _ = await self._call("disarm", 0, heartbeat)
        if done:
            self._until = None
            self._due_at = self._disarm_at = self._context.clock.monotonic()
            await self._tell(None, look)

    async def _trip(self, sign: dict[str, str], heartbeat: Heartbeat) -> bool:
        """Turn it off because a stream showed a stranger; False while the database cannot say so.

        The exchange is told all the same, and nothing is armed until the database knows.
        """
        session = self._session
        try:
            tripped = await exchange_timers.trip(
                self._context.ledger, session.tenant_id, session.account_id, sign
            )
        except HoldfastError as error:
            self._say(f"{error.code.value}: {error}")
            now = self._context.clock.monotonic()
            if now >= self._disarm_at:
                self._disarm_at = now + _AGAIN_S
                done, _ = await self._call("disarm", 0, heartbeat)
                self._until = None if done else self._until
            self._show()
            return False
        self._stranger = None
        if tripped:
            self._tell_stranger(sign)
        else:  # one of ours under another name: what was disarmed without the database is armed again
            self._due_at = self._context.clock.monotonic()
        return True

    async def _ran_out(self, look: Look) -> None:
        """Say once that it has acted, or will by now: nobody renewed it in time."""
        self._until = None
        self._due_at = self._context.clock.monotonic()
        await self._tell(None, look)
        self._context.metrics.exchange_timer_run_out_total.labels(self._name).inc()
        text = "It was not renewed in time, so the exchange has canceled every open order of the account."
        _log.error("exchange timer ran out", account=self._name, armed_until=str(look.armed_until))
        self._notice("exchange_timer_ran_out", "Exchange timer ran out", text)
        self._ask_pass("the exchange's timer ran out")

    # -- the two ways out -----------------------------------------------------------------------------

    async def _call(self, call: str, seconds: int, heartbeat: Heartbeat) -> tuple[bool, datetime | None]:
        """Tell the exchange; whether it has answered that it did, and when it will act."""
        self._lease.check()
        longest_s = WRITE_S if seconds == 0 else min(WRITE_S, seconds / 3)
        count = self._context.metrics.exchange_timer_calls_total.labels

        async def made() -> tuple[bool, datetime | None]:
            return True, await self._session.gateway.set_timer(seconds, longest_s)

        try:
            answered = await unless_stopped(heartbeat.stopping, made())
        except HoldfastError as error:
            self._failures += 1
            count(self._name, call, "failed").inc()
            self._say(f"{call}: {error.code.value}: {error}")
            return False, None
        if answered is None:  # the stop cut it off: nobody knows, and whoever comes next makes it again
            return False, None
        self._failures, self._problem = 0, None
        count(self._name, call, "ok").inc()
        return answered

    async def _tell(self, until: datetime | None, look: Look) -> None:
        session = self._session
        self._lease.check()
        await exchange_timers.tell(
            self._context.ledger,
            session.tenant_id,
            session.account_id,
            self._lease.token,
            until,
            as_of=look.as_of,
        )

    # -- telling --------------------------------------------------------------------------------------

    def _take(self, look: Look | None) -> None:
        before, self._look = self._look, look
        if look is None:
            return
        if before is None:
            self._until = look.armed_until
        if look.enabled and (before is None or not before.enabled):
            _log.info("exchange timer is on", account=self._name, timeout_s=look.timeout_s)
            self._due_at = self._context.clock.monotonic()
        if not look.enabled and before is not None and before.enabled:
            _log.info("exchange timer is off", account=self._name, cause=look.off_cause)
            self._disarm_at = self._context.clock.monotonic()
        if look.tripped and look.off_sign is not None:
            self._tell_stranger({key: str(value) for key, value in look.off_sign.items()})

    def _tell_stranger(self, sign: dict[str, str]) -> None:
        self._context.metrics.exchange_timer_strangers_total.labels(self._name).inc()
        _log.error("exchange timer off: the account is not ours alone", account=self._name, **sign)
        self._notice(
            "exchange_timer_stranger",
            "Exchange timer turned off: the account is not ours alone",
            f"Order {sign['exchange_order_id']} of {sign['symbol']} is none of ours ({sign['seen']}). "
            "The timer stays off until an operator turns it on again.",
        )

    def _notice(self, kind: str, title: str, text: str) -> None:
        tenant = str(self._session.tenant_id)
        self._notices.tell(Notice(kind, "critical", title, text, tenant, self._name))

    def _say(self, problem: str) -> None:
        if problem != self._problem:
            _log.warning("exchange timer", account=self._name, problem=problem)
        self._problem = problem

    @property
    def _exchange_now(self) -> datetime:
        return datetime.fromtimestamp(self._session.gateway.exchange_now_ms() / 1000, UTC)

    @property
    def _armed(self) -> bool:
        return self._until is not None and self._until > self._exchange_now

    def _show(self) -> None:
        if self._look is None:
            return
        metrics, until = self._context.metrics, self._until
        metrics.exchange_timer_armed.labels(self._name).set(self._armed)
        metrics.exchange_timer_timestamp_seconds.labels(self._name).set(
            0 if until is None else until.timestamp()
        )

    def _forget(self) -> None:
        """Leave the gauges to the next holder."""
        if self._look is not None:
            self._context.metrics.exchange_timer_armed.remove(self._name)
            self._context.metrics.exchange_timer_timestamp_seconds.remove(self._name)


def _sign(seen: str, each: Fill | OrderReport) -> dict[str, str]:
    """Return what shows a stranger, as the ledger keeps it."""
    return {"seen": seen, "symbol": each.symbol, "exchange_order_id": each.exchange_order_id}
