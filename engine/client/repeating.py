"""One request, repeated within bounds until its answer is one to keep."""

from collections.abc import Awaitable, Callable

from engine.client.errors import AnswerError, NoAnswerError
from engine.client.pace import Pace
from engine.client.wire import Reply


async def repeated(pace: Pace, patience_s: float, ask: Callable[[], Awaitable[Reply]]) -> Reply:
    """Return an answer that is no error; `ask` must be harmless to repeat.

    Raises AnswerError, NoAnswerError: what may pass only after all the patience.
    """
    deadline = pace.monotonic() + patience_s
    tried = 0
    while True:
        retry_after_s = None
        failure: AnswerError | NoAnswerError
        try:
            reply = await ask()
            if not reply.retryable:
                return reply.checked()
            failure, retry_after_s = AnswerError(reply.status, reply.body), reply.retry_after_s
        except NoAnswerError as error:
            failure = error
        wait_s = pace.wait_s(tried, retry_after_s)
        tried += 1
        if pace.monotonic() + wait_s > deadline:
            raise failure
        await pace.sleep(wait_s)
