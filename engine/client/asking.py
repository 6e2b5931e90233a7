"""Asks for one order under one key until the answer is final, and says honestly when it is not."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from engine.client.errors import NoAnswerError
from engine.client.journal import Asked, Journal
from engine.client.pace import Pace
from engine.client.results import NO_ANSWER, TOO_OLD, UNREACHABLE, NotPlaced, Placed, Result, Unknown
from engine.client.values import Order
from engine.client.wire import Reply, Wire

PATHS = {"entry": "/v1/entries", "exit": "/v1/exits"}

# Refusals that Holdfast keeps with the key, so that an earlier request under it, should it still be on its
# way, is refused as well. Any other "not placed" speaks of the request that it answers, of no earlier one.
_OF_THE_KEY = frozenset(
    {
        "INSUFFICIENT_CAPITAL",
        "INSUFFICIENT_POSITION",
        "LIMIT_EXCEEDED",
        "MODE_HALTED",
        "MODE_REDUCING",
        "REJECTED",
        "NOT_PLACED",
        "IDEMPOTENCY_KEY_REUSED",
    }
)
_NEW_KEY = "NOT_PLACED"

Find = Callable[[str], Awaitable[Reply | None]]  # what became of a key


@dataclass(slots=True)
class _Course:
    """What is known of a request so far. `doubt`: an attempt may have arrived whose answer is not known."""

    asked: Asked
    doubt: bool
    deadline: float
    place_until_ms: int
    order: Order | None = None
    resolve_by: str | None = None
    last: Reply | None = None
    tried: int = 0
    found: bool = False  # Holdfast has this key

    @property
    def key(self) -> str:
        return self.asked.key


class Asker:
    """Carries a request that stands in the journal to its end."""

    def __init__(self, wire: Wire, journal: Journal, pace: Pace, find: Find) -> None:
        self._wire = wire
        self._journal = journal
        self._pace = pace
        self._find = find

    async def ask(self, asked: Asked, *, doubt: bool, patience_s: float, place_until_ms: int) -> Result:
        """Return what became of a request; after `patience_s` no new try begins.

        `doubt`: it may have been sent before, by a process that ended. After `place_until_ms` nothing is sent
        that could place the order for the first time: then it is looked for.
        """
        course = _Course(
            asked,
            doubt,
            self._pace.monotonic() + patience_s,
            place_until_ms,
            found=asked.order_id is not None,
        )
        while True:
            result = await self._attempt(course)
            if result is not None:
                return await self._settled(course, result)
            retry_after_s = None if course.last is None else course.last.retry_after_s
            wait_s = self._pace.wait_s(course.tried, retry_after_s)
            course.tried += 1
            if self._pace.monotonic() + wait_s > course.deadline:
                return await self._settled(course, _given_up(course))
            await self._pace.sleep(wait_s)

    async def _attempt(self, course: _Course) -> Result | None:
        """Ask once; None: the answer is not final."""
        if not course.found and self._pace.unix_ms() > course.place_until_ms:
            return await self._look(course)
        asked = course.asked
        try:
            reply = await self._wire.ask("POST", PATHS[asked.kind], body=asked.body, key=asked.key)
        except NoAnswerError as error:
            course.doubt = course.doubt or error.sent
            course.last = None
            return None
        course.last = reply
        await self._note(course, reply)
        return _judged(course, reply)

    async def _look(self, course: _Course) -> Result | None:
        """Look for what became of the key without asking for the order: it is too old to be placed now."""
        if not course.doubt:
            if course.last is not None:
                return _refused(course)
            return NotPlaced(course.key, TOO_OLD, "it got too old before it could be sent: nothing was sent")
        try:
            reply = await self._find(course.key)
        except NoAnswerError:
            return None
        if reply is None:
            return Unknown(course.key, TOO_OLD, "too old to be asked for again, and nothing of it was found")
        course.last = reply
        await self._note(course, reply)
        return _judged(course, reply)

    async def _note(self, course: _Course, reply: Reply) -> None:
        """Keep what an answer tells of the order, so that asking again is known to be harmless."""
        view = reply.body if "state" in reply.body else reply.body.get("order")
        if isinstance(view, dict) and "id" in view:
            course.order = Order.of(view)
            if not course.found:
                course.found = True
                await self._journal.known(course.key, course.order.id)
        course.resolve_by = reply.body.get("resolve_by", course.resolve_by)

    async def _settled(self, course: _Course, result: Result) -> Result:
        if not isinstance(result, Unknown):
            code = result.code if isinstance(result, NotPlaced) else None
            order_id = None if result.order is None else result.order.id
            await self._journal.settle(course.key, result.outcome, code, order_id)
        return result


def _judged(course: _Course, reply: Reply) -> Result | None:
    """Return the result if an answer is final for its key."""
    if reply.outcome == "placed" and course.order is not None:
        return Placed(course.key, course.order, recorded=reply.body.get("recorded") is not False)
    if reply.outcome != "not_placed":
        course.doubt = True
        return None
    known = reply.replayed or reply.code in _OF_THE_KEY
    if reply.retryable and reply.code != _NEW_KEY:
        return None
    if (course.doubt or course.found) and not known:
        return _unknown(course)
    return _refused(course)


def _given_up(course: _Course) -> Result:
    """Return what can be said when the time is up."""
    if course.doubt or course.found:
        return _unknown(course)
    return _refused(course)


def _unknown(course: _Course) -> Unknown:
    reply = course.last
    code = NO_ANSWER if reply is None else reply.code or NO_ANSWER
    message = "no answer came; it may have arrived" if reply is None else _message(reply)
    return Unknown(course.key, code, message, course.order, course.resolve_by)


def _refused(course: _Course) -> NotPlaced:
    reply = course.last
    if reply is None:
        return NotPlaced(course.key, UNREACHABLE, "no connection was made: nothing was sent", retryable=True)
    return NotPlaced(
        course.key, reply.code, _message(reply), reply.retryable, course.order, details=dict(reply.body)
    )


def _message(reply: Reply) -> str:
    return str(reply.body.get("detail", ""))
