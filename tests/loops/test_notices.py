"""Notices to operators over real HTTP: template, throttle, retries, and what is given up."""

import aiohttp
import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.loops.notices import Notice, NoticeOptions, Notices
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from tests.loops.receiver import Receiver, receiving

NOTICE = Notice("cross_tenant", "critical", "Refused", 'it said "no"\n', "t1", "GET /v1/orders/{order_id}")


class Sender:
    """Notices with a clock that a test moves, sent when it says so."""

    def __init__(self, receiver: Receiver, **options: object) -> None:
        self.clock, self.metrics = Clock(), Metrics()
        given = {"url": receiver.url, "timeout_s": 10.0, **options}
        self.notices = Notices(NoticeOptions(**given), self.metrics, self.clock)  # type: ignore[arg-type] # a test's own names

    async def send(self) -> None:
        async with aiohttp.ClientSession() as session:
            await self.notices.send_due(session)

    def counted(self, result: str) -> float:
        labels = {"kind": "cross_tenant", "result": result}
        return self.metrics.registry.get_sample_value("holdfast_notices_total", labels) or 0.0


async def test_a_notice_arrives_as_json() -> None:
    """Without a template the whole notice arrives, whatever stands in its texts."""
    async with receiving() as receiver:
        sender = Sender(receiver)
        sender.notices.tell(NOTICE)
        await sender.send()
        (body,) = receiver.notices()
    assert ("critical", 'it said "no"\n', "t1", "0") == (
        body["severity"], body["text"], body["tenant"], body["repeated"],
    )  # fmt: skip
    assert 1 == sender.counted("sent")


async def test_a_template_makes_the_body_a_chat_wants() -> None:
    """Values are escaped where they stand: a notice never breaks out of its string."""
    async with receiving() as receiver:
        sender = Sender(receiver, template='{"chat_id": 7, "text": "$severity: $title - $text"}')
        sender.notices.tell(NOTICE)
        await sender.send()
        assert [{"chat_id": 7, "text": 'critical: Refused - it said "no"\n'}] == receiver.notices()


@pytest.mark.parametrize("template", ['{"text": "$nobody"}', '{"text": $text}', "plain $text", '{"a": "$"}'])
def test_a_wrong_template_is_told_at_the_start(template: str) -> None:
    """An unknown place and what is no JSON are refused before the first notice."""
    with pytest.raises(HoldfastError) as caught:
        Notices(NoticeOptions("http://127.0.0.1:1", template), Metrics(), Clock())
    assert ErrorCode.CONFIGURATION is caught.value.code


async def test_a_storm_becomes_one_notice_and_a_count() -> None:
    """Within the throttle's time only the first is sent; at its end one more says how many there were."""
    async with receiving() as receiver:
        sender = Sender(receiver, throttle_s=60.0)
        for _ in range(100):
            sender.notices.tell(NOTICE)
        sender.notices.tell(Notice("cross_tenant", "critical", "Refused", "x", "t2", NOTICE.module))
        await sender.send()
        assert ["t1", "t2"] == [body["tenant"] for body in receiver.notices()]
        sender.clock.advance(61)
        await sender.send()
        assert ("t1", "98") == (receiver.notices()[-1]["tenant"], receiver.notices()[-1]["repeated"])
        sender.clock.advance(61)
        await sender.send()
        assert 3 == len(receiver.bodies)
        assert {} == sender.notices._windows
    assert (3, 99) == (sender.counted("sent"), sender.counted("throttled"))


async def test_a_receiver_that_is_unwell_is_asked_again() -> None:
    """A 5xx and a 429 are tried again, later each time; the notice arrives once it is well."""
    async with receiving() as receiver:
        receiver.statuses = [503, 429, 200]
        sender = Sender(receiver)
        sender.notices.tell(NOTICE)
        for _ in range(3):
            await sender.send()
            await sender.send()  # too early: nothing goes out
            sender.clock.advance(4)
        assert 3 == len(receiver.bodies)
    assert (1, 0) == (sender.counted("sent"), sender.counted("failed"))


@pytest.mark.parametrize("status", [400, 404, 302])
async def test_a_receiver_that_refuses_is_not_asked_again(status: int) -> None:
    """A 4xx is final, and a redirect is not followed: it could lead the notice elsewhere."""
    async with receiving() as receiver:
        receiver.statuses = [status]
        sender = Sender(receiver)
        sender.notices.tell(NOTICE)
        for _ in range(2):
            await sender.send()
            sender.clock.advance(60)
        assert 1 == len(receiver.bodies)
    assert 1 == sender.counted("failed")


async def test_a_receiver_that_is_away_costs_five_tries(capsys: pytest.CaptureFixture[str]) -> None:
    """It is given up after five tries, and the log does not carry the address, which is a secret."""
    sender = Sender(Receiver("http://127.0.0.1:9/hook-canary"))
    sender.notices.tell(NOTICE)
    for _ in range(9):
        await sender.send()
        sender.clock.advance(60)
    assert (1, 0) == (sender.counted("failed"), len(sender.notices._letters))
    said = capsys.readouterr()
    assert "hook-canary" not in said.out + said.err + repr(sender.notices._options)


async def test_waiting_notices_are_bounded() -> None:
    """A storm over many tenants while the receiver is away keeps the newest, and counts what it drops."""
    sender = Sender(Receiver("http://127.0.0.1:9/hook"))
    for number in range(300):
        sender.notices.tell(Notice("cross_tenant", "critical", "x", "y", str(number)))
    assert (256, 44) == (len(sender.notices._letters), sender.counted("dropped"))


async def test_without_an_address_notices_are_counted() -> None:
    """No webhook configured: nothing waits, nothing is lost silently."""
    sender = Sender(Receiver(), url=None)
    sender.notices.tell(NOTICE)
    assert (1, 0) == (sender.counted("off"), len(sender.notices._letters))
