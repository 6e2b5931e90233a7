"""Robots and daemons that die, answers that get lost or doubled: one order each time, and one answer."""

import asyncio
import itertools
import json
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from engine.client.errors import UnsettledError
from engine.client.pace import Pace
from engine.client.results import NO_ANSWER, TOO_OLD, UNREACHABLE, NotPlaced, Placed, Unknown
from tests.daemon.stage import Stage, until
from tests.sdk.own import Own
from tests.sdk.wire import BadLine, Fate

RESTING = ("BTC/USDT", "0.01", "49000")
HOUR_MS = 3_600_000


@pytest.fixture
def line(sdk_stage: Stage) -> Iterator[BadLine]:
    """A bad line to the daemon."""
    with BadLine.to(sdk_stage.port) as opened:
        yield opened


def test_robot_dies_with_its_key_written_and_nothing_sent(own: Own) -> None:
    """Killed between journal and send: the next run asks under that key, and there is one order."""
    code, _ = own.run("enter", die="before the send")
    assert (-signal.SIGKILL, []) == (code, own.at_exchange())
    _, (recovered,) = own.run("recover")
    assert "placed" == recovered["outcome"]
    assert 1 == len(own.at_exchange())
    assert (0, []) == own.run("recover")


def test_robot_dies_after_the_send_before_the_answer(own: Own, line: BadLine) -> None:
    """Killed while it waits: the order was placed meanwhile, and the next run gets that very one."""
    line.fates = [Fate.HOLD_ANSWER]
    waiting = own.process("enter", url=line.address)
    until("the daemon has answered", lambda: line.answers)
    waiting.kill()
    waiting.communicate()
    (placed,) = own.at_exchange()
    _, (recovered,) = own.run("recover")
    assert "placed" == recovered["outcome"]
    assert [placed] == own.at_exchange()
    assert recovered["order"] == _body(line.answers[0])["id"]


def test_robot_dies_with_an_answer_it_has_not_noted(own: Own) -> None:
    """Killed between answer and journal: the next run asks again and gets the same order."""
    code, _ = own.run("enter", die="before the note")
    (placed,) = own.at_exchange()
    assert -signal.SIGKILL == code
    _, (recovered,) = own.run("recover")
    assert "placed" == recovered["outcome"]
    assert [placed] == own.at_exchange()


async def test_lost_requests_and_answers_are_asked_for_again(own: Own, line: BadLine) -> None:
    """A lost request, two lost answers and a proxy's page: the same bytes under the same key, one order."""
    line.fates = [Fate.LOSE_REQUEST, Fate.LOSE_ANSWER, Fate.GARBLE, Fate.LOSE_ANSWER]
    async with own.robot(line.address) as robot:
        placed = await robot.enter(*RESTING)
        assert isinstance(placed, Placed), placed
        line.fates = [Fate.LOSE_ANSWER]
        canceled = await robot.cancel(placed.order.id)
        assert (True, "canceled") == (canceled.ended, canceled.order and canceled.order.status)
    assert 5 == len([request for request in line.sent if request.startswith(b"POST")])
    assert 1 == len({request for request in line.sent if request.startswith(b"POST")})
    assert 1 == len(own.at_exchange())


async def test_a_doubled_request_is_one_order(own: Own, line: BadLine) -> None:
    """Delivered twice at the same moment: whichever answer comes, the robot ends with the one order."""
    line.fates = [Fate.TWICE]
    async with own.robot(line.address) as robot:
        placed = await robot.enter(*RESTING)
        assert isinstance(placed, Placed), placed
    (only,) = own.at_exchange()
    assert placed.order.client_order_id == only["clientOrderId"]


async def test_retry_after_is_obeyed(own: Own, line: BadLine) -> None:
    """A refusal of the moment is asked again under its key, after what Retry-After says and chance adds."""
    line.fates = [Fate.BUSY, Fate.BUSY]
    waits = []

    async def sleep(wait_s: float) -> None:
        waits.append(wait_s)

    async with own.robot(line.address, pace=Pace(sleep=sleep, chance=lambda: 0.5, first_s=0.2)) as robot:
        placed = await robot.enter(*RESTING)
        assert isinstance(placed, Placed), placed
        assert [7.1, 7.1] == waits
        line.fates = [Fate.BUSY]
        denied = await robot.enter(*RESTING, patience_s=7)
        assert isinstance(denied, NotPlaced), denied
        assert ("BUSY", True, 2) == (denied.code, denied.retryable, len(waits))
    assert 1 == len(set(line.sent[:3]))
    assert 1 == len(own.at_exchange())


async def test_a_refusal_says_nothing_of_an_earlier_try(own: Own, line: BadLine) -> None:
    """Lost, then "busy": that the second try placed nothing does not make the first one not placed."""
    line.fates = [Fate.LOSE_ANSWER, Fate.BUSY]
    async with own.robot(line.address) as robot:
        unknown = await robot.enter(*RESTING, patience_s=5)
        assert isinstance(unknown, Unknown), unknown
        assert "BUSY" == unknown.code
        settled = await robot.settle(unknown.key)
        assert isinstance(settled, Placed), settled
    assert 1 == len(own.at_exchange())


async def test_an_unknown_outcome_is_never_given_a_new_key(own: Own, line: BadLine) -> None:
    """Nothing came in time: the same call joins the first one, another one is refused until it is settled."""
    line.fates = [Fate.LOSE_ANSWER] * 100
    async with own.robot(line.address) as robot:
        lost = await robot.enter(*RESTING, patience_s=0)
        assert isinstance(lost, Unknown), lost
        assert (NO_ANSWER, None) == (lost.code, lost.order)
        with pytest.raises(UnsettledError) as refused:
            await robot.enter("BTC/USDT", "0.02", "49000")
        assert lost.key == refused.value.key
        line.fates.clear()
        joined = await robot.enter(*RESTING)
        assert isinstance(joined, Placed), joined
        assert lost.key == joined.key
        another = await robot.enter(*RESTING)
        assert lost.key != another.key
    assert 2 == len(own.at_exchange())


async def test_an_old_request_is_looked_for_and_not_placed(fresh: Own, line: BadLine) -> None:
    """An hour later nothing is placed by itself: what is there is found, what is not stays unknfresh."""
    line.fates = [Fate.LOSE_ANSWER, Fate.LOSE_ANSWER, Fate.LOSE_REQUEST]
    async with fresh.robot(line.address) as robot:
        there = await robot.enter(*RESTING, label="mine", patience_s=0)
        denied = await robot.exit("BTC/USDT", "1", "60000", key="grid/4 ?", patience_s=0)
        never = await robot.exit("BTC/USDT", "0.01", "60000", key="never", patience_s=0)
    later = Pace(unix_ms=lambda: time.time_ns() // 1_000_000 + HOUR_MS)
    async with fresh.robot(pace=later) as robot:
        found, poor, missing = await robot.recover()
        assert isinstance(found, Placed), found
        assert isinstance(poor, NotPlaced), poor
        assert (denied.key, "INSUFFICIENT_POSITION") == (poor.key, poor.code)
        assert isinstance(missing, Unknown), missing
        assert (there.key, never.key, TOO_OLD) == (found.key, missing.key, missing.code)
        assert 1 == len(fresh.at_exchange())
        assert [never.key] == await robot.unsettled()
        decided = await robot.settle(never.key, may_place=True)
        assert isinstance(decided, NotPlaced), decided
        assert "INSUFFICIENT_POSITION" == decided.code
        assert [] == await robot.unsettled()


async def test_unknown_at_the_exchange_is_asked_for_until_it_is_proven(own: Own) -> None:
    """202: the robot polls by its key and gets the order that the exchange turned out to have."""
    lost = {"method": "POST", "path": "/api/v3/order", "account": own.tenant.name}
    own.stage.steer("POST", "/faults", {"kind": "drop_after", "match": lost})
    async with own.robot() as robot:
        unknown = await robot.enter(*RESTING, patience_s=0)
        assert isinstance(unknown, Unknown), unknown
        assert unknown.order is not None
        assert ("IN_DOUBT", "in_doubt") == (unknown.code, unknown.order.state)
        assert unknown.resolve_by is not None
        proven = await robot.settle(unknown.key)
        assert isinstance(proven, Placed), proven
        assert unknown.order.id == proven.order.id
    assert 1 == len(own.at_exchange())


async def test_daemon_dies_in_the_middle(own: Own) -> None:
    """The daemon is killed while the exchange has the order: the robot goes on asking over its restart."""
    slow = {"method": "POST", "path": "/api/v3/order", "account": own.tenant.name}
    own.stage.steer("POST", "/faults", {"kind": "delay", "delay_ms": 300, "match": slow})
    with BadLine.to(own.stage.port) as line:
        async with own.robot(line.address) as robot:
            asking = asyncio.create_task(robot.enter(*RESTING))
            await asyncio.to_thread(until, "the exchange has the order", lambda: _received(own))
            own.stage.daemon.stop(signal.SIGKILL)
            await asyncio.to_thread(own.stage.restart)
            line.daemon_port = own.stage.port
            placed = await asking
            assert isinstance(placed, Placed), placed
    (only,) = own.at_exchange()
    assert placed.order.client_order_id == only["clientOrderId"]


async def test_nothing_was_sent_without_a_daemon(own: Own) -> None:
    """No connection at all is no doubt: not placed, and the key may be used again."""
    async with own.robot("http://127.0.0.1:9") as robot:
        refused = await robot.enter(*RESTING, key="early", patience_s=0)
        assert isinstance(refused, NotPlaced), refused
        assert (UNREACHABLE, True) == (refused.code, refused.retryable)
    async with own.robot() as robot:
        placed = await robot.enter(*RESTING, key="early")
        assert isinstance(placed, Placed), placed
    assert 1 == len(own.at_exchange())


async def test_what_expires_before_it_is_sent_stays_here(own: Own) -> None:
    """`expires_after_ms` counts from the call: a robot that was held up for longer sends nothing at all."""
    times = itertools.count(1_000_000_000_000, 10_000)
    async with own.robot(pace=Pace(unix_ms=lambda: next(times))) as robot:
        late = await robot.enter(*RESTING, expires_after_ms=9_999)
        assert isinstance(late, NotPlaced), late
        assert TOO_OLD == late.code
        assert [] == await robot.unsettled()
    assert [] == own.at_exchange()


def _received(own: Own) -> list[Any]:
    """Return the order requests of this test that have reached the exchange."""
    views = own.stage.rows(
        "SELECT client_order_id FROM engine.intents WHERE tenant_id = $1", own.tenant.tenant_id
    )
    for each in {view["client_order_id"] for view in views} - own.earlier:
        found: list[Any] = own.stage.steer("GET", f"/requests?clientOrderId={each}&method=POST")["requests"]
        if found:
            return found
    return []


def _body(answer: bytes) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return body
