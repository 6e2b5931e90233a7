"""The robots' API in this process: the real application on a real database and the paper exchange."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

from fastapi import FastAPI

from engine.api.app import create_app
from engine.api.auth import Caller, KeyRing
from engine.api.gates import Gate, Gates
from engine.api.rates import Rates
from engine.api.services import Connected, FeedServices, InternalServices, Services, Trading
from engine.api.tickets import Tickets
from engine.flows.feed import FeedHub
from engine.flows.switch import SwitchFlow
from engine.ledger import admin
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from engine.runtime.robot_keys import hash_robot_key, new_robot_key
from engine.runtime.secrets import Vault
from tests.flows.rig import Rig


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Served:
    """The application with what it was built from, and a key of the rig's robot."""

    app: FastAPI
    rig: Rig
    services: Services
    clock: Clock
    key: str

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str
    ) -> Answer:
        """Make one request, with the robot's key and a fresh idempotency key unless told otherwise."""
        sent = {"authorization": f"Bearer {key or self.key}", "idempotency-key": uuid4().hex}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await ask(self.app, method, path, body, sent)


async def ask(app: FastAPI, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Answer:
    """Make one request of an ASGI application; bytes go as they are, None as nothing, all else as JSON."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    plain, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(plain),
        "raw_path": plain.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": data, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    received = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    text = b"".join(message.get("body", b"") for message in sent[1:]).decode()
    shown = json.loads(text) if "json" in received.get("content-type", "") else text
    return Answer(sent[0]["status"], received, shown)


@asynccontextmanager
async def serve(rig: Rig, rates: Rates | None = None, **more: Any) -> AsyncIterator[Served]:
    """Serve a rig: its flows, its ledger, a key that is stored; all gates of the engine are open."""
    clock, metrics = Clock(), Metrics()
    gates = Gates(clock, metrics)
    for gate in (Gate.DATABASE, Gate.SCHEMA, Gate.INVARIANTS, Gate.STORAGE):
        gates.open(gate)

    async def health() -> dict[str, Any]:
        return {}

    async def look_up(key_hash: bytes) -> Caller | None:
        robot = await admin.authenticate(rig.ledger, key_hash)
        return None if robot is None else Caller(robot.tenant_id, robot.robot_id, robot.name)

    calls = Trading(
        rig.desk.entries.run,
        rig.desk.exits.run,
        rig.desk.cancels.run,
        rig.desk.context.accounts.profile,
        rig.desk.cancel_all.run,
        rig.desk.entries.preview,
        rig.desk.exits.preview,
        rig.desk.context.accounts.forget_profiles,
    )
    internal = InternalServices(gates, metrics.registry, health)
    keys = KeyRing(look_up, clock.monotonic)
    connected = Connected(
        rig.ledger,
        calls,
        keys,
        FeedHub(rig.ledger, metrics, 1_000),
        SwitchFlow(rig.desk.context).disconnected,
    )
    feed = FeedServices(Tickets(Vault(bytes(32)), clock), 15.0, 256)
    services = Services(
        gates, clock, metrics, internal, 65_536, feed, connected=connected, rates=rates, **more
    )
    key = await new_key(rig, rig.robot_id)
    yield Served(create_app(services), rig, services, clock, key)


async def new_key(rig: Rig, robot_id: UUID) -> str:
    """Store a fresh key of a robot, and return it."""
    key = new_robot_key()
    await admin.create_robot_key(
        rig.observer, rig.tenant_id, robot_id, admin.NewKey(uuid4(), hash_robot_key(key)), "test"
    )
    return key
