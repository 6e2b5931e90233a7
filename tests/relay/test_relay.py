"""The relay against a real RabbitMQ: nothing lost over a kill, in order, and past what the broker refuses."""

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractQueue

from engine.loops.broker import DEAD_EXCHANGE, DEAD_QUEUE, EXCHANGE, Broker
from engine.loops.relay import FAILURES_MAX, Relay
from engine.runtime.tasks import Supervisor
from tests.feed.rig import Instance, Rig, met
from tests.relay.node import Node
from tests.sql.capital.world import OPERATOR, Tenant, call

KILL_FACTS = 600  # of each tenant before, while and after the broker is away


@dataclass(frozen=True, slots=True)
class Message:
    """One message as a consumer gets it."""

    dedup_id: str
    routing_key: str
    body: dict[str, Any]


@contextlib.asynccontextmanager
async def queue(node: Node, binding: str = "#", **arguments: Any) -> AsyncIterator[AbstractQueue]:
    """A durable queue of its own on the events; it is gone afterwards."""
    name = f"q-{uuid4().hex}"
    connection = await aio_pika.connect(node.url)
    channel = await connection.channel()
    events = await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)
    made = await channel.declare_queue(name, durable=True, arguments=arguments or None)
    await made.bind(events, binding)
    try:
        yield made
    finally:
        await connection.close()
        async with await aio_pika.connect(node.url) as again:  # the node may have been killed meanwhile
            await (await again.channel()).queue_delete(name)


async def drained(node: Node, name: str) -> list[Message]:
    """Everything that is in a queue, in order."""
    found: list[Message] = []
    async with await aio_pika.connect(node.url) as connection:
        read = await (await connection.channel()).get_queue(name)
        while (message := await read.get(no_ack=True, fail=False)) is not None:
            found.append(
                Message(message.message_id or "", message.routing_key or "", json.loads(message.body))
            )
    return found


async def published(rig: Rig, tenant: Tenant) -> int:
    """How far the broker has confirmed a tenant's events."""
    admin = await rig.database.admin()
    try:
        seq = await admin.fetchval(
            "SELECT published_seq FROM engine.tenant_relay WHERE tenant_id = $1", tenant.id
        )
        return int(seq or 0)
    finally:
        await admin.close()


async def relayed(rig: Rig, *tenants: Tenant) -> None:
    """Wait until the broker has everything that was told so far."""
    for tenant in tenants:
        last = await rig.last_seq(tenant)

        async def confirmed(tenant: Tenant = tenant, last: int = last) -> bool:
            return await published(rig, tenant) >= last

        await met(confirmed, 120)


@contextlib.asynccontextmanager
async def relaying(instance: Instance, node: Node) -> AsyncIterator[Relay]:
    """A relay that runs as in the daemon."""
    relay = Relay(instance.ledger, instance.metrics, Broker(node.url), uuid4())
    supervisor = Supervisor(instance.metrics, instance.clock)
    supervisor.start("relay", relay.run)
    try:
        yield relay
    finally:
        assert [] == await supervisor.stop(10)


def by_tenant(messages: list[Message]) -> dict[str, list[int]]:
    """The seqs that came, of each tenant, in order, repetitions left out."""
    first: dict[str, dict[int, None]] = defaultdict(dict)
    for message in messages:
        body = message.body
        assert f"{body['tenant_id']}:{body['epoch']}:{body['seq']}" == message.dedup_id
        assert f"{body['tenant_id']}.{body['type']}" == message.routing_key
        first[body["tenant_id"]].setdefault(body["seq"])
    return {tenant: list(seqs) for tenant, seqs in first.items()}


async def test_killed_broker_loses_nothing(rig: Rig, node: Node) -> None:
    """The broker is killed and started under load: each event is there, in order at first publication."""
    instance = await rig.instance()
    async with queue(node) as bound, relaying(instance, node):
        for _ in range(3):
            await rig.facts(KILL_FACTS // 3)
            await rig.facts(KILL_FACTS // 3, rig.other)
        await met(lambda: published(rig, rig.one))
        node.kill()  # in the middle of it
        starting = asyncio.create_task(asyncio.to_thread(node.start))
        for tenant in (rig.one, rig.other):
            await rig.facts(KILL_FACTS, tenant)
        await starting
        for tenant in (rig.one, rig.other):
            await rig.facts(KILL_FACTS, tenant)
        await relayed(rig, rig.one, rig.other)
        messages = await drained(node, bound.name)
    tenants = (rig.one, rig.other)
    assert {str(t.id): list(range(1, await rig.last_seq(t) + 1)) for t in tenants} == by_tenant(messages)


async def test_refused_event_becomes_a_dead_letter_and_the_next_goes_on(rig: Rig, node: Node) -> None:
    """An event larger than the broker takes is given up after N tries, with its code; the rest comes."""
    instance = await rig.instance()
    symbols = [f"B{number}/USDT" for number in range(600)]
    async with queue(node) as bound, relaying(instance, node):
        await rig.facts(3)
        await call(
            rig.conn, "fn_put_spec", rig.one.id, rig.one.profile, 1, {"symbols": symbols}, "hash2", OPERATOR
        )
        await rig.facts(3)
        await relayed(rig, rig.one)
        messages = await drained(node, bound.name)
    (letter,) = await call(rig.conn, "fn_list_dead_letters", rig.one.id, {})
    poison = letter["payload"]["seq"]
    assert ("profile.spec_changed", "out", "relay", "open", FAILURES_MAX) == (
        letter["payload"]["type"], letter["direction"], letter["source"], letter["state"], letter["attempts"],
    )  # fmt: skip
    assert "BROKER_PRECONDITION_FAILED" == letter["code"]
    assert "larger than" in letter["trace"]
    last = await rig.last_seq()
    assert [n for n in range(1, last + 1) if n != poison] == by_tenant(messages)[str(rig.one.id)]
    assert 1 == instance.value("dead_letters_total", code="BROKER_PRECONDITION_FAILED")


async def test_dead_letter_is_published_again_when_an_operator_says_so(rig: Rig, node: Node) -> None:
    """What a full queue refused goes out under its old dedup id once there is room, is open before."""
    instance = await rig.instance()
    full = {"x-max-length": 0, "x-overflow": "reject-publish"}
    async with queue(node) as bound, relaying(instance, node):
        async with queue(node, "*.capital.allocated", **full):
            await rig.facts(1)
            await relayed(rig, rig.one)
            (letter,) = await call(rig.conn, "fn_list_dead_letters", rig.one.id, {"state": "open"})
            assert "BROKER_NACK" == letter["code"]
            again = await attempted(rig, letter)
            assert ("open", FAILURES_MAX + 1) == (again["state"], again["attempts"])
        done = await attempted(rig, letter)
        messages = await drained(node, bound.name)
    assert ("retried", FAILURES_MAX + 2) == (done["state"], done["attempts"])
    dedup_id = f"{rig.one.id}:{letter['payload']['epoch']}:{letter['payload']['seq']}"
    assert dedup_id == messages[-1].dedup_id


async def attempted(rig: Rig, letter: dict[str, Any]) -> dict[str, Any]:
    """Ask for one more attempt, and return the letter when it was made."""
    asked = await call(rig.conn, "fn_retry_dead_letter", rig.one.id, letter["dead_letter_id"], OPERATOR)
    assert "OK" == asked["code"]
    before = asked["letter"]["attempts"]

    async def tried() -> dict[str, Any] | None:
        (now,) = await call(rig.conn, "fn_list_dead_letters", rig.one.id, {"id": letter["dead_letter_id"]})
        return now if now["attempts"] > before else None

    return dict(await met(tried))


async def test_two_relays_share_the_work(rig: Rig, node: Node) -> None:
    """Two processes on one database publish each event, in order, and none of them twice."""
    instances = [await rig.instance(), await rig.instance()]
    async with queue(node) as bound, relaying(instances[0], node), relaying(instances[1], node):
        for _ in range(5):
            await rig.facts(100)
            await rig.facts(100, rig.other)
        await relayed(rig, rig.one, rig.other)
        messages = await drained(node, bound.name)
    seqs = by_tenant(messages)
    assert {str(t.id): list(range(1, await rig.last_seq(t) + 1)) for t in (rig.one, rig.other)} == seqs
    assert sum(map(len, seqs.values())) == len(messages)


async def test_what_no_queue_wants_is_counted(rig: Rig, node: Node) -> None:
    """Without a consumer's queue the broker drops what it confirms; the metric says so, the relay goes on."""
    instance = await rig.instance()
    async with relaying(instance, node):
        await rig.facts(2)
        await relayed(rig, rig.one, rig.other)
        assert 1 == instance.value("relay_connected")
    total = await rig.last_seq() + await rig.last_seq(rig.other)
    assert total == instance.value("relay_publications_total", outcome="unrouted")
    assert 0 == instance.value("relay_connected")


async def test_consumers_rejections_have_a_place(rig: Rig, node: Node) -> None:
    """A queue that names our dead-letter exchange finds what it rejects in the dead-letter queue."""
    instance = await rig.instance()
    arguments = {"x-dead-letter-exchange": DEAD_EXCHANGE}
    async with queue(node, "*.capital.allocated", **arguments) as bound, relaying(instance, node):
        await rig.facts(1)
        await relayed(rig, rig.one)
        rejected = await bound.get()
        assert rejected is not None
        await rejected.reject(requeue=False)
        kept = await met(lambda: drained(node, DEAD_QUEUE))
    assert [rejected.message_id] == [message.dedup_id for message in kept]


async def test_broker_that_is_away_holds_up_nothing_else(rig: Rig, node: Node) -> None:
    """Without a broker events get their seq all the same, and wait; the claim is no other process's fault."""
    instance = await rig.instance()
    away = Relay(instance.ledger, instance.metrics, Broker("amqp://guest:guest@127.0.0.1:9/"), uuid4())
    supervisor = Supervisor(instance.metrics, instance.clock)
    supervisor.start("relay", away.run)
    await rig.facts(3)
    last = await rig.last_seq()
    await met(lambda: instance.value("relay_lag_events") >= last)
    assert [] == await supervisor.stop(10)
    assert 0 == await published(rig, rig.one)
    async with relaying(instance, node):
        await relayed(rig, rig.one)
