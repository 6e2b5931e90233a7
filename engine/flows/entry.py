"""Entries: a robot's wish to buy becomes at most one order at the exchange."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from math import ceil, inf
from uuid import UUID

from engine.domain.capital import worst_price
from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.ids import client_order_id
from engine.domain.instruments import check_order
from engine.domain.outcomes import Quote
from engine.exchange.circuit import Refusal
from engine.flows.accounts import AccountSession, Profile
from engine.flows.cancel import CancelFlow
from engine.flows.commands import Answer, EntryCommand, denied
from engine.flows.context import FlowContext, new_id
from engine.flows.inflight import Inflight
from engine.flows.opening import Opener
from engine.flows.placing import Moment, Placer, Ready, Wish, wish_of
from engine.flows.preview import Preview, previewed, refused
from engine.flows.queue import TurnQueue
from engine.flows.record import Recorder
from engine.flows.replay import of_known_key, of_replay
from engine.ledger import entries
from engine.ledger.entries import OpenEntry
from engine.ledger.intents import Denied, OpenResult, Replayed
from engine.runtime.log import bound

_SPEC_VERSION = "spec_version"  # with STALE_PRICE: the price was made by another version of the spec
_ASK_S = 1.0  # how long a price that nobody has kept fresh is waited for


@dataclass(frozen=True, slots=True)
class _Price:
    """What is sent as limit, and when the ask behind it was true."""

    limit: Decimal
    time_in_force: str
    at: datetime | None


class EntryFlow:
    """Runs entries; one at a time for each profile and symbol, in order of arrival."""

    def __init__(self, context: FlowContext, recorder: Recorder, cancels: CancelFlow) -> None:
        self._context = context
        self._inflight = Inflight()
        self._opener = Opener(context, recorder, self._inflight)
        self._placer = Placer(context, recorder, cancels)
        self._queue = TurnQueue(
            context.clock,
            context.timings.queue_length_max,
            context.metrics.queue_depth_intents.labels("entry"),
        )

    async def run(self, command: EntryCommand) -> Answer:
        """Check, open, send once, record, answer. A cancelled caller does not stop what was begun."""
        started = self._context.clock.monotonic()
        with bound(tenant_id=command.tenant_id, profile=command.profile, symbol=command.symbol):
            try:
                answer = await self._queued(command, started)
            except HoldfastError as error:
                answer = await of_known_key(self._context.ledger, command, error)
        self._count(answer, started)
        return answer

    async def close(self, timeout_s: float) -> int:
        """Refuse who waits, let what is in flight end; returns how many were cancelled."""
        self._queue.close()
        return await self._inflight.drain(timeout_s)

    async def _queued(self, command: EntryCommand, started: float) -> Answer:
        wish = await wish_of(self._context, command, started)
        await wish.session.gateway.probe()
        _check_circuit(wish.session.gateway.circuit.refusal())
        _check(command, wish.profile, wish.session)
        await self._queue.take(wish.key, wish.expires_at)
        return await self._inflight.finish(self._in_turn(wish), f"entry {command.idempotency_key}")

    async def _in_turn(self, wish: Wish[EntryCommand]) -> Answer:
        try:
            return await self._enter(wish)
        finally:
            self._queue.give_back(wish.key)

    async def _enter(self, wish: Wish[EntryCommand]) -> Answer:
        context = self._context
        price, moment, result = await self._opened(wish)
        if _is_of_an_older_spec(result):
            wish = await self._renewed(wish)
            price, moment, result = await self._opened(wish)
        if isinstance(result, Replayed):
            return of_replay(result)
        if isinstance(result, Denied):
            if result.code is ErrorCode.STALE_PRICE:  # a collar that this process has not heard of yet
                context.accounts.forget_profiles(wish.command.tenant_id)
            return denied(result.code, result.details)
        context.metrics.entry_lock_acquisition_seconds.observe(context.clock.monotonic() - wish.started)
        if result.spec_version != wish.profile.spec_version:
            context.accounts.forget_profiles(wish.command.tenant_id)
        with bound(intent_id=result.intent_id, client_order_id=result.client_order_id):
            ready = Ready("entry", wish, result, moment, price.limit, price.time_in_force)
            return await self._placer.place(ready)

    async def _opened(self, wish: Wish[EntryCommand]) -> tuple[_Price, Moment, OpenResult]:
        """Make the price, fix the moment, take step 1."""
        context, command = self._context, wish.command
        price = await self._price(command, wish.profile, wish.session)
        _check_circuit(wish.session.gateway.circuit.admit())
        moment = self._placer.moment(wish.session, wish.expires_at)
        intent_id = new_id(context.clock)
        entry = self._open(wish, price, moment, intent_id)
        result = await self._opener.open(
            command.tenant_id,
            intent_id,
            lambda deadline: entries.open_entry(context.ledger, command.tenant_id, entry, deadline=deadline),
        )
        return price, moment, result

    async def _renewed(self, wish: Wish[EntryCommand]) -> Wish[EntryCommand]:
        """Return the wish with its profile as the database has it now: another instance changed the spec."""
        command, profile_id = wish.command, wish.profile.profile_id
        profile = await self._context.accounts.profile(command.tenant_id, str(profile_id), fresh=True)
        return replace(wish, profile=profile)

    async def preview(self, command: EntryCommand) -> Preview:
        """Tell what this entry would be answered now. It waits for no turn and leaves nothing."""
        context = self._context
        try:
            wish = await wish_of(context, command, context.clock.monotonic())
            _check_circuit(wish.session.gateway.circuit.refusal())
            _check(command, wish.profile, wish.session)
            found = await self._previewed(wish)
            if found.code == ErrorCode.STALE_PRICE and _SPEC_VERSION in found.details:
                found = await self._previewed(await self._renewed(wish))
        except HoldfastError as error:
            return refused(error)
        return found

    async def _previewed(self, wish: Wish[EntryCommand]) -> Preview:
        context, command = self._context, wish.command
        price = await self._price(command, wish.profile, wish.session)
        moment = self._placer.moment(wish.session, wish.expires_at)
        item = self._open(wish, price, moment, new_id(context.clock)).item()
        return await previewed(context.ledger, command.tenant_id, "entry", item, price.limit)

    def _open(self, wish: Wish[EntryCommand], price: _Price, moment: Moment, intent_id: UUID) -> OpenEntry:
        """Return what step 1 is asked for."""
        context, command, profile = self._context, wish.command, wish.profile
        return OpenEntry(
            command.robot_id,
            profile.profile_id,
            command.idempotency_key,
            command.request_hash,
            intent_id,
            client_order_id(context.tag, command.tenant_id, profile.profile_id, intent_id),
            command.symbol,
            command.type,
            command.quantity,
            price.limit,
            price.time_in_force,
            command.post_only,
            command.label,
            context.owner,
            context.timings.lock_ttl_ms,
            moment.exchange_deadline,
            price.at,
            *_facts(command, profile, wish.session),
            spec_version=profile.spec_version,
        )

    async def _price(self, command: EntryCommand, profile: Profile, session: AccountSession) -> _Price:
        """Return the limit: the robot's, or for a market entry the worst price of a fresh ask."""
        instrument = session.instrument(command.symbol)
        if command.limit_price is not None:
            if profile.has_collar:
                await self._asked(command.symbol, profile, session)
            return _Price(command.limit_price, command.time_in_force, None)
        quote, ask = await self._fresh(command.symbol, profile, session)
        limit = worst_price(ask, profile.max_slippage, instrument.tick_size)
        check_order(instrument, command.quantity, limit, "limit")
        return _Price(limit, "IOC", datetime.fromtimestamp(quote.at_ms / 1000, UTC))

    async def _fresh(self, symbol: str, profile: Profile, session: AccountSession) -> tuple[Quote, Decimal]:
        """Return a quote that is young enough, and its ask. Raises STALE_PRICE."""
        quote, age_max_ms = await self._asked(symbol, profile, session), profile.quote_max_age_ms
        age_ms = _age_ms(quote, session)
        if quote is None or quote.ask is None:
            raise HoldfastError(ErrorCode.STALE_PRICE, symbol=symbol, age_ms=None)
        if age_ms > age_max_ms:
            raise HoldfastError(
                ErrorCode.STALE_PRICE, symbol=symbol, age_ms=age_ms, quote_max_age_ms=age_max_ms
            )
        return quote, quote.ask

    async def _asked(self, symbol: str, profile: Profile, session: AccountSession) -> Quote | None:
        """Return the monitor's quote, or if that is too old what the exchange says now.

        Who trades a symbol for the first time, or after a while, need not fail for it.
        """
        quote = session.quotes.get(symbol)
        if _age_ms(quote, session) <= profile.quote_max_age_ms:
            return quote
        # what it raises says only that there is no answer; the price stays as old as it is
        with suppress(HoldfastError, TimeoutError):
            async with asyncio.timeout(_ASK_S):
                session.quotes.put(await session.gateway.best_ask(symbol))
        return session.quotes.get(symbol)

    def _count(self, answer: Answer, started: float) -> None:
        metrics = self._context.metrics
        if answer.replay:
            return
        metrics.entry_duration_seconds.labels(answer.outcome.value).observe(
            self._context.clock.monotonic() - started
        )
        if answer.intent is not None:
            metrics.intents_total.labels("entry", answer.intent["state"]).inc()
            return
        metrics.denials_total.labels("entry", answer.code).inc()
        if answer.code == ErrorCode.ENTRY_LOCKED:
            metrics.entry_lock_contention_total.inc()


def _age_ms(quote: Quote | None, session: AccountSession) -> float:
    """Return how old an ask is by the exchange's clock; one that is not there is older than any."""
    if quote is None or quote.ask is None:
        return inf
    return session.gateway.exchange_now_ms() - quote.at_ms


def _facts(
    command: EntryCommand, profile: Profile, session: AccountSession
) -> tuple[Decimal | None, int | None, int]:
    """Return reference price, its age and the clock's distance in ms: what limits of the moment go by."""
    quotes = session.quotes
    quote = quotes.get(command.symbol) if profile.has_collar else quotes.peek(command.symbol)
    skew_ms = abs(session.gateway.clock_offset_ms())
    if quote is None or quote.ask is None:
        return None, None, skew_ms
    return quote.ask, session.gateway.exchange_now_ms() - quote.at_ms, skew_ms


def _is_of_an_older_spec(result: OpenResult) -> bool:
    """Tell whether a market entry's price was made by rules that are no longer the profile's."""
    if not isinstance(result, Denied) or result.code is not ErrorCode.STALE_PRICE:
        return False
    return _SPEC_VERSION in result.details


def _check_circuit(refusal: Refusal | None) -> None:
    """Refuse new risk on an exchange that is not well, before anything is recorded. Raises CIRCUIT_OPEN."""
    if refusal is not None:
        raise HoldfastError(
            ErrorCode.CIRCUIT_OPEN, reason=refusal.reason, retry_after_s=str(ceil(refusal.retry_after_s))
        )


def _check(command: EntryCommand, profile: Profile, session: AccountSession) -> None:
    """Refuse what the instrument's filters refuse, before it waits for anything."""
    instrument = session.instrument(command.symbol)
    if instrument.quote != profile.quote_asset:
        raise HoldfastError(ErrorCode.UNKNOWN_SYMBOL, symbol=command.symbol, quote_asset=profile.quote_asset)
    # A market entry goes out as a limit: its quantity obeys the limit rules, its notional waits for the ask.
    price = instrument.tick_size if command.limit_price is None else command.limit_price
    try:
        check_order(instrument, command.quantity, price, "limit")
    except HoldfastError as error:
        if command.limit_price is None and error.code is ErrorCode.BELOW_MIN_NOTIONAL:
            return
        raise
