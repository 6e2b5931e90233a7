"""Proves what a real database that is gone, read-only, starved or full means; and that all resumes."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from engine.domain.errors import HoldfastError, Outcome
from engine.flows.commands import Answer
from engine.ledger import reads, watch
from engine.ledger.translation import Trouble, trouble_of
from engine.loops.polling import OpenOrders
from engine.paper.server import PaperExchange
from tests.database.servers import Database, Server
from tests.flows.rig import Rig, open_rig, until

FULL = """
CREATE FUNCTION engine.full() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'could not extend file'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON engine.{table} FOR EACH ROW EXECUTE FUNCTION engine.full()
"""
FULL_NO_MORE = "DROP FUNCTION engine.full() CASCADE"
END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holdfast'"


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server that these tests may stop; it comes back at the same port."""
    server = Server.start(mortal=True)
    assert server._embedded is not None
    server._embedded._wanted_port = server._embedded.port
    yield server
    if server._embedded.pid is None:
        server._embedded.start()
    server.stop()


@pytest.fixture
async def stoppable(own_server: Server, paper: PaperExchange) -> AsyncIterator[Rig]:
    """A rig on that server."""
    database = await own_server.create()
    async with open_rig(database, paper) as opened:
        yield opened
    await own_server.drop(database)


async def administer(database: Database, *statements: str) -> None:
    """Do as a superuser what a session of ours could not."""
    conn = await database.admin()
    for statement in statements:
        await conn.execute(statement.replace("{name}", database.name))
    await conn.close()


@asynccontextmanager
async def read_only(rig: Rig) -> AsyncIterator[None]:
    """Sessions are read-only by default, as on a standby; afterwards nobody ends those that are left."""
    await administer(
        rig.database, 'ALTER DATABASE "{name}" SET default_transaction_read_only = on', END_SESSIONS
    )
    yield
    await administer(
        rig.database,
        "SET default_transaction_read_only = off",
        'ALTER DATABASE "{name}" RESET default_transaction_read_only',
    )


@asynccontextmanager
async def starved(rig: Rig) -> AsyncIterator[None]:
    """No connection is left for anybody but a superuser."""
    await administer(rig.database, 'ALTER DATABASE "{name}" CONNECTION LIMIT 0', END_SESSIONS)
    yield
    await administer(rig.database, 'ALTER DATABASE "{name}" CONNECTION LIMIT -1')


OUTAGES = {
    "read-only": (read_only, Trouble.READ_ONLY),
    "out of connections": (starved, Trouble.NO_CONNECTIONS),
}


async def trouble(rig: Rig) -> Trouble | None:
    """Return what the daemon's look at the database finds."""
    try:
        await watch.prove_writable(rig.ledger)
    except HoldfastError as error:
        return trouble_of(error)
    return None


async def named(rig: Rig, kind: Trouble | None) -> None:
    """Wait until that look finds this trouble; a session that was just ended may be noticed first."""
    async with asyncio.timeout(5):
        while await trouble(rig) is not kind:  # noqa: ASYNC110 - it lies in another process
            await asyncio.sleep(0.005)


def unavailable(answer: Answer) -> bool:
    return ("DATABASE_UNAVAILABLE", Outcome.NOT_PLACED, True) == (
        answer.code,
        answer.outcome,
        answer.retryable,
    )


async def prepared(rig: Rig) -> Answer:
    """Hold something to sell, and an order to cancel."""
    assert "OK" == (await rig.desk.entries.run(rig.entry())).code
    resting = await rig.desk.entries.run(rig.entry("0.001", "40000"))
    assert "OK" == resting.code
    return resting


async def while_away(rig: Rig, resting: Answer) -> None:
    """Entries and exits are refused and nothing is sent; the cancel goes out."""
    sent = len(rig.exchange_orders())
    assert unavailable(await rig.desk.entries.run(rig.entry(key="k")))
    assert unavailable(await rig.desk.exits.run(rig.exit(key="x")))
    assert sent == len(rig.exchange_orders())
    canceled = await rig.desk.cancels.run(rig.cancel(resting))
    assert ("OK", "sent_not_recorded", False) == (
        canceled.code,
        canceled.details["cancel"],
        canceled.recorded,
    )
    rig.exchange_orders()
    assert "CANCELED" in [order.status for order in rig.paper.oracle.orders.values()]


async def when_back(rig: Rig) -> None:
    """Facts are taken, the same keys work, and ledger and exchange agree."""
    await until(lambda: rig.desk.recorder.pending == 0, 10.0)
    await named(rig, None)
    assert "OK" == (await rig.desk.exits.run(rig.exit(key="x"))).code
    assert "OK" == (await rig.desk.entries.run(rig.entry(key="k"))).code
    assert {"confirmed"} == {view["state"] for view in await rig.intents()}
    assert ["canceled"] == [
        view["order"]["status"]
        for view in await rig.intents()
        if view["order"] and view["limit_price"] == "40000"
    ]
    await rig.check_books()


@pytest.mark.parametrize("name", OUTAGES)
async def test_trading_pauses_and_resumes_by_itself(rig: Rig, name: str) -> None:
    """No intent is opened, the cancel goes out unrecorded, the trouble is named; then all goes on."""
    outage, kind = OUTAGES[name]
    resting = await prepared(rig)
    async with outage(rig):
        await named(rig, kind)
        await while_away(rig, resting)
    await when_back(rig)
    counted = rig.ledger.metrics.registry.get_sample_value(
        "holdfast_database_outages_total", {"kind": kind.value}
    )
    assert counted is not None
    assert counted >= 3


@pytest.mark.parametrize("name", OUTAGES)
async def test_facts_confirmed_meanwhile_are_kept(rig: Rig, name: str) -> None:
    """An order placed as the outage begins is told as placed, not recorded; it is recorded when it ends."""
    outage, _ = OUTAGES[name]
    going = outage(rig)
    rig.plug.when, rig.plug.what = "after submit", going.__aenter__
    answer = await rig.desk.entries.run(rig.entry())
    assert ("OK", Outcome.PLACED, False) == (answer.code, answer.outcome, answer.recorded)
    assert 1 == rig.desk.recorder.pending
    await going.__aexit__(None, None, None)
    await until(lambda: rig.desk.recorder.pending == 0, 10.0)
    assert "confirmed" == (await rig.only_intent())["state"]
    await rig.check_books()


async def test_reads_go_on_while_it_is_read_only(rig: Rig) -> None:
    """What needs no write is answered by a read-only database."""
    await prepared(rig)
    async with read_only(rig):
        await named(rig, Trouble.READ_ONLY)
        assert "active" == (await rig.figures())["mode"]
        assert 2 == len(await reads.list_orders(rig.ledger, rig.tenant_id, {"limit": 10}))


async def test_server_in_recovery_is_named(stoppable: Rig, own_server: Server) -> None:
    """A server that is stopping or starting refuses sessions with a code of its own, and is waited for."""
    rig, embedded = stoppable, own_server._embedded
    assert embedded is not None
    assert embedded._server is not None
    resting = await prepared(rig)
    holder = await rig.database.admin()
    embedded._server.send_signal(signal.SIGTERM)  # smart: sessions may end, new ones are refused
    await until(lambda: "received smart shutdown" in (embedded.data_dir / "postgres.log").read_text())
    await rig.ledger.transport.renew()
    await rig.observer.transport.renew()
    await named(rig, Trouble.NOT_STARTED)
    await while_away(rig, resting)
    await holder.close()
    embedded.stop()
    embedded.start()
    await when_back(rig)


async def test_cancel_of_an_order_of_the_process_before(rig: Rig) -> None:
    """What another process placed is known here after one poll: its cancel needs no database either."""
    resting = await rig.desk.entries.run(rig.entry("0.001", "40000"))
    rig.desk = rig.restart()
    orders = OpenOrders("paper", rig.session, rig.desk.context, rig.desk.recorder, 25)
    await orders.poll(asyncio.Event())
    async with read_only(rig):
        canceled = await rig.desk.cancels.run(rig.cancel(resting))
        assert ("OK", "sent_not_recorded") == (canceled.code, canceled.details["cancel"])
    await until(lambda: rig.desk.recorder.pending == 0, 10.0)
    await rig.check_books()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
async def test_server_stopped_and_started_again(
    stoppable: Rig, own_server: Server, number: signal.Signals
) -> None:
    """Fast stop, immediate stop and a kill of the server: refused meanwhile, nothing lost, resumed."""
    rig, embedded = stoppable, own_server._embedded
    assert embedded is not None
    resting = await prepared(rig)
    assert embedded._server is not None
    embedded._server.send_signal(number)
    embedded._server.wait(20)
    await named(rig, Trouble.UNREACHABLE)
    await while_away(rig, resting)
    embedded.stop()
    embedded.start()
    await when_back(rig)


async def test_server_dies_between_send_and_record(stoppable: Rig, own_server: Server) -> None:
    """The server is killed while the exchange answers: the fact waits in memory and is taken afterwards."""
    rig, embedded = stoppable, own_server._embedded
    assert embedded is not None

    def kill() -> None:
        assert embedded._server is not None
        embedded._server.kill()
        embedded._server.wait(20)

    rig.plug.when, rig.plug.what = "after submit", kill
    answer = await rig.desk.entries.run(rig.entry())
    assert ("OK", Outcome.PLACED, False) == (answer.code, answer.outcome, answer.recorded)
    embedded.stop()
    embedded.start()
    await until(lambda: rig.desk.recorder.pending == 0, 10.0)
    assert "confirmed" == (await rig.only_intent())["state"]
    await rig.check_books()


async def test_full_disk(rig: Rig) -> None:
    """A write that finds no space opens nothing; the database is held for full a while, then tried again."""
    await prepared(rig)
    await administer(rig.database, FULL.replace("{table}", "intents"))
    refused = await rig.desk.entries.run(rig.entry(key="k"))
    assert unavailable(refused)
    assert refused.details["trouble"] == Trouble.DISK_FULL
    assert 2 == len(await rig.intents())
    await named(rig, Trouble.DISK_FULL)
    await administer(rig.database, FULL_NO_MORE)
    rig.ledger.clock.advance(10)
    rig.paper.clock.advance(10_000)
    await named(rig, None)
    assert "OK" == (await rig.desk.entries.run(rig.entry(key="k"))).code
    await rig.check_books()


async def test_disk_full_while_recording(rig: Rig) -> None:
    """A confirmation that finds no space is kept and taken when there is some; it is told as placed."""
    await administer(rig.database, FULL.replace("{table}", "orders"))
    answer = await rig.desk.entries.run(rig.entry())
    assert ("OK", Outcome.PLACED, False) == (answer.code, answer.outcome, answer.recorded)
    assert "sending" == (await rig.only_intent())["state"]
    await administer(rig.database, FULL_NO_MORE)
    await until(lambda: rig.desk.recorder.pending == 0, 10.0)
    assert "confirmed" == (await rig.only_intent())["state"]
    await rig.check_books()
