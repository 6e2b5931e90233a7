"""What a lost answer over HTTP leads to: the call is sent again under its id, and has one effect."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger import admin, capital, intents, leases, reads
from engine.ledger.capital import By
from engine.ledger.intents import Ending, Opened
from engine.ledger.seam import Ledger
from engine.ledger.translation import Trouble, effect_unknown, trouble_of
from tests.database.servers import Database
from tests.supabase.double import Double, Gateway, Lost
from tests.supabase.scene import ACTOR, Scene

_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    " AND datname = current_database() AND usename = 'authenticator'"
)


class Losing:
    """Loses the first `times` answers of one function, or what came before them."""

    def __init__(self, function: str, times: int, what: Exception) -> None:
        self.function, self.times, self.what, self.met = function, times, what, 0

    async def __call__(self, body: Mapping[str, Any]) -> None:
        if body["p_function"] == self.function and self.met < self.times:
            self.met += 1
            raise self.what


@pytest.fixture
async def scene(rpc: Ledger) -> Scene:
    return await Scene(rpc).build()


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("what", [Lost(), Gateway(502), Gateway(504)], ids=["cut", "502", "504"])
async def test_an_entry_whose_answer_is_lost_opens_once(
    scene: Scene, double: Double, place: str, what: Exception
) -> None:
    """Lost before or after its commit, twice: the caller gets the first answer, and there is one intent."""
    losing = Losing("fn_open_entry", 2, what)
    setattr(double, place, losing)
    opened = await scene.open(scene.entry("once"))
    assert isinstance(opened, Opened)
    assert (2, Decimal("500.5")) == (losing.met, opened.reserved)
    assert 1 == len(await reads.list_orders(scene.ledger, scene.tenant, {}))
    view = await reads.get_capital(scene.ledger, scene.tenant, scene.profile)
    assert Decimal("499.5") == Decimal(view["available"])
    sent = [body for body in double.requests if body["p_function"] == "fn_open_entry"]
    assert (3, 1) == (len(sent), len({body["p_call_id"] for body in sent}))


@pytest.mark.parametrize("place", ["before", "after"])
async def test_functions_without_a_key_of_their_own_have_one_effect_too(
    scene: Scene, double: Double, place: str
) -> None:
    """Creating, rotating, taking a lease, releasing: each gets its first answer, none is done twice."""
    ledger, tenant = scene.ledger, scene.tenant
    opened = await scene.open(scene.entry("to end"))
    assert isinstance(opened, Opened)
    ending = Ending(opened.intent_id, opened.fencing_token, "a test")
    new, holder = admin.NewKey(uuid4(), b"\x05" * 32), uuid4()
    for function, call in (
        ("fn_create_robot", admin.create_robot(ledger, tenant, uuid4(), "second", ACTOR)),
        ("fn_rotate_robot_key", admin.rotate_robot_key(
            ledger, tenant, scene.robot, new, overlap_s=0, actor=ACTOR)),
        ("fn_take_lease", leases.take(ledger, tenant, scene.account, holder, 60_000)),
        ("fn_not_placed", intents.not_placed(ledger, tenant, ending)),
        ("fn_allocate", capital.allocate(ledger, tenant, scene.profile, Decimal(7), By(ACTOR, "r", "k"))),
    ):  # fmt: skip
        losing = Losing(function, 1, Lost())
        setattr(double, place, losing)
        answer = await call
        assert 1 == losing.met, function
        if function == "fn_rotate_robot_key":
            assert [scene.key] == answer
        elif function == "fn_take_lease":
            assert (True, False) == (answer.taken, answer.took_over)
        elif function == "fn_not_placed":
            assert (True, False) == (answer.done, answer.replay)
        elif function == "fn_allocate":
            assert (False, Decimal(1007)) == (answer["replay"], Decimal(answer["capital"]["allocated"]))
    assert ["robot", "second"] == [row["name"] for row in await reads.list_robots(ledger, tenant)]


async def test_sent_again_while_the_first_is_at_work(scene: Scene, double: Double, project: Database) -> None:
    """The first one waits inside the database; the second waits for it, and both are one effect."""
    blocker = await project.admin()
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("LOCK TABLE engine.intents IN ACCESS EXCLUSIVE MODE")
    told = asyncio.Event()

    async def cut_at_once(body: Mapping[str, Any]) -> None:
        if body["p_function"] == "fn_open_entry" and not told.is_set():
            told.set()
            asyncio.get_running_loop().call_soon(double.cut)

    double.before = cut_at_once
    opening = asyncio.create_task(scene.open(scene.entry("slow")))
    watcher = await project.admin()
    async with asyncio.timeout(20):
        while await watcher.fetchval(_WAITING) < 2:
            pass
    await transaction.rollback()
    opened = await opening
    assert isinstance(opened, Opened)
    assert 1 == len(await reads.list_orders(scene.ledger, scene.tenant, {}))


async def test_time_runs_out(scene: Scene, double: Double) -> None:
    """Answers are lost until the deadline: the effect is unknown, and the same request finds it later."""
    double.after = Losing("fn_open_entry", 1_000, Lost())
    entry = scene.entry("lost")
    with pytest.raises(HoldfastError) as caught:
        await scene.ledger.item(
            "fn_open_entry", scene.tenant, entry.item(), deadline=scene.ledger.deadline(0.4)
        )
    assert (ErrorCode.DATABASE_UNAVAILABLE, True) == (caught.value.code, effect_unknown(caught.value))
    double.after = None
    (view,) = await reads.list_orders(scene.ledger, scene.tenant, {})
    assert str(entry.intent_id) == view["id"]


async def test_a_refusal_after_a_lost_answer_proves_nothing(scene: Scene, double: Double) -> None:
    """The first one may still arrive: the refusal keeps its code, and the effect stays unknown."""
    double.before = Losing("fn_create_robot", 1, Lost())
    with pytest.raises(HoldfastError) as caught:
        await admin.create_robot(scene.ledger, scene.tenant, uuid4(), "robot", ACTOR)
    assert (ErrorCode.ALREADY_EXISTS, True) == (caught.value.code, effect_unknown(caught.value))


async def test_a_page_in_the_place_of_an_answer(scene: Scene, double: Double) -> None:
    """A body that is no answer of ours is a lost answer; after a gateway's refusal nothing happened."""
    losing = Losing("fn_create_robot", 1, Gateway(200))
    double.after = losing
    await admin.create_robot(scene.ledger, scene.tenant, uuid4(), "second", ACTOR)
    assert 1 == losing.met
    double.after = None
    double.before = Losing("fn_create_robot", 1_000, Gateway(429))
    with pytest.raises(HoldfastError) as caught:
        await admin.create_robot(scene.ledger, scene.tenant, uuid4(), "third", ACTOR)
    assert (ErrorCode.DATABASE_UNAVAILABLE, Trouble.UNREACHABLE, False) == (
        caught.value.code,
        trouble_of(caught.value),
        effect_unknown(caught.value),
    )
    assert ["robot", "second"] == [row["name"] for row in await reads.list_robots(scene.ledger, scene.tenant)]


async def test_a_project_that_is_away(scene: Scene, double: Double) -> None:
    """Nobody listens: nothing was sent, and the call can be made again."""
    await double.stop()
    with pytest.raises(HoldfastError) as caught:
        await admin.create_robot(scene.ledger, scene.tenant, uuid4(), "away", ACTOR)
    assert (ErrorCode.DATABASE_UNAVAILABLE, False) == (caught.value.code, effect_unknown(caught.value))


async def test_a_cancelled_caller_is_not_sent_again(scene: Scene, double: Double) -> None:
    """Who stops waiting stops the call: no second request goes out after it."""
    reached = asyncio.Event()

    async def hold(body: Mapping[str, Any]) -> None:
        if body["p_function"] == "fn_create_robot":
            reached.set()
            await asyncio.Event().wait()

    double.before = hold
    call = asyncio.create_task(admin.create_robot(scene.ledger, scene.tenant, uuid4(), "gone", ACTOR))
    await reached.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    double.before = None
    assert ["robot"] == [row["name"] for row in await reads.list_robots(scene.ledger, scene.tenant)]
    assert 1 == sum("gone" in body["p_arguments"] for body in double.requests)
