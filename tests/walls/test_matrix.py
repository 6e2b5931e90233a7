"""Every endpoint of a running daemon, as every kind of caller, with every foreign id: the wall stands."""

import asyncio
import base64
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from engine.cli.acts import robots
from engine.cli.acts.robots import Wanted
from engine.cli.acts.session import on_ledger
from engine.runtime.robot_keys import new_robot_key
from engine.runtime.settings import Settings
from tests.api.issuer import AUDIENCE, HS256_SECRET, ISSUER, OTHER_EC_KEY, claims, token
from tests.daemon.stage import Answer, Stage, Tenant, until
from tests.walls.notes import Notes, taking_notes

MASTER_KEY = base64.b64encode(os.urandom(32)).decode()
ENTRY = {
    "profile": "main",
    "symbol": "BTC/USDT",
    "type": "limit",
    "quantity": "0.01",
    "limit_price": "48999.37",
}
RATES = [f"rate_{who}_{what}_per_s" for who in ("robot", "tenant") for what in ("orders", "cancels", "reads")]
# Of the victim: what no answer to anybody else may contain.
MARKS = ("48999.37", "victims-label")
STILL = ("intents", "orders", "denials", "profile_capital", "profile_specs", "profiles", "robots",
         "robot_keys", "positions")  # fmt: skip


@dataclass(slots=True)
class World:
    """Two tenants: one is attacked with its ids, the other one's callers attack."""

    stage: Stage
    notes: Notes
    victim: Tenant
    attacker: Tenant
    ids: dict[str, str]  # the victim's
    callers: dict[str, str | None]  # by kind

    def call(self, method: str, path: str, caller: str, body: Any = None) -> Answer:
        idem = uuid4().hex if method != "GET" else None
        return self.stage.call(method, path, body, key=self.callers[caller], idem=idem)

    def endpoints(self) -> list[tuple[str, str]]:
        """Every route that the app has for robots, as its own description lists them."""
        document = self.stage.call("GET", "/openapi.json").body
        return [
            (method.upper(), path)
            for path, methods in document["paths"].items()
            for method in methods
            if path.startswith("/v1/") and not path.startswith("/v1/webhooks/")  # these ask for a secret
        ]

    def victims_rows(self) -> list[dict[str, Any]]:
        hashes = ", ".join(
            f"(SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM engine.{name} t"  # noqa: S608
            f" WHERE tenant_id = $1) AS {name}"
            for name in STILL
        )
        return self.stage.rows(f"SELECT {hashes}", self.victim.tenant_id)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with taking_notes() as notes:
        settings = {
            "master_key": MASTER_KEY,
            "jwt_issuer": ISSUER,
            "jwt_audience": AUDIENCE,
            "jwt_jwks_url": f"{notes.origin}/jwks.json",
            "jwt_hs256_secret": HS256_SECRET,
            "notice_url": f"{notes.origin}/canary-hook",
            "notice_throttle_s": "0",
            "log_level": "DEBUG",
            **dict.fromkeys(RATES, "0"),  # it is asked as fast as it answers
        }
        os.environ["HOLDFAST_MASTER_KEY"] = MASTER_KEY
        try:
            with Stage.started(**settings) as stage:
                yield made(stage, notes)
        finally:
            del os.environ["HOLDFAST_MASTER_KEY"]


def made(stage: Stage, notes: Notes) -> World:
    victim, attacker = stage.tenant(), stage.tenant()
    placed = stage.call(
        "POST", "/v1/entries", {**ENTRY, "label": "victims-label"}, key=victim.key, idem="victims-key"
    )
    assert 201 == placed.status, placed.text
    robot = stage.rows(
        "SELECT robot_id::text, key_id::text FROM engine.robot_keys WHERE tenant_id = $1", victim.tenant_id
    )[0]
    ids = {
        "order": placed.body["id"],
        "client order": placed.body["client_order_id"],
        "profile": victim.profile_id,
        "account": victim.account,
        "tenant": str(victim.tenant_id),
        "robot": robot["robot_id"],
        "key": robot["key_id"],
    }
    return World(stage, notes, victim, attacker, ids, callers(stage, attacker, victim))


def callers(stage: Stage, attacker: Tenant, victim: Tenant) -> dict[str, str | None]:
    async def make(ledger: Any, _: Settings) -> dict[str, str]:
        found = {}
        for name, scopes in (("reader", ["read"]), ("canceller", ["cancel"]), ("trader", ["trade"])):
            robot = await robots.create(ledger, attacker.name, name, Wanted(scopes))
            found[name] = robot["key"]
        gone = await robots.create(ledger, attacker.name, "gone")
        await robots.revoke_key(ledger, attacker.name, "gone", None)
        ended = await robots.create(ledger, victim.name, "ended")
        return {**found, "revoked": gone["key"], "ended": ended["key"]}

    settings = Settings(data_dir=stage.folder / "data")
    keys = asyncio.run(on_ledger(stage.database_url, settings, make))
    asyncio.run(_end(stage, keys["ended"]))
    mine, theirs = claims(attacker.tenant_id), claims(victim.tenant_id)
    return {
        "nobody": None,
        "a made-up key": new_robot_key(),
        "a mistyped key": attacker.key[:-1] + ("A" if attacker.key[-1] != "A" else "B"),
        **keys,
        "robot": attacker.key,
        "user": token(mine),
        "user of a shared secret": token(mine, HS256_SECRET, "HS256"),
        "user by a stranger's key": token(theirs, OTHER_EC_KEY),
        "user of another audience": token({**theirs, "aud": "others"}),
        "user whose time is over": token({**theirs, "exp": int(time.time()) - 60}),
    }


async def _end(stage: Stage, key: str) -> None:
    import asyncpg  # noqa: PLC0415 - the one statement of a test that no command makes

    from engine.runtime.robot_keys import hash_robot_key  # noqa: PLC0415

    conn = await asyncpg.connect(stage.database_url)
    try:
        await conn.execute(
            "UPDATE engine.robot_keys SET expires_at = now() - interval '1 s' WHERE key_hash = $1",
            hash_robot_key(key),
        )
    finally:
        await conn.close()


STRANGERS = ("nobody", "a made-up key", "a mistyped key", "revoked", "ended", "user by a stranger's key",
             "user of another audience", "user whose time is over")  # fmt: skip
KNOWN = ("reader", "canceller", "trader", "robot", "user", "user of a shared secret")
SCOPES = {
    "reader": {"read"},
    "user": {"read"},
    "user of a shared secret": {"read"},
    "canceller": {"cancel"},
    "trader": {"trade", "cancel"},
    "robot": {"read", "trade", "cancel", "manage"},
}
# What a call needs: by its method, but for these.
NEEDED = {
    ("POST", "/v1/orders/preview"): "read",
    ("POST", "/v1/feed/tickets"): "read",
    ("POST", "/v1/orders/cancel-all"): "cancel",
    ("PUT", "/v1/mode"): "manage",
    ("PUT", "/v1/profiles/{profile}/spec"): "manage",
}
BY_METHOD = {"GET": "read", "DELETE": "cancel"}
# With a body that names nothing of anybody these do something to the caller's own, or tell it something.
OWN = {"/v1/orders/cancel-all", "/v1/orders/preview", "/v1/feed/tickets", "/v1/dead-mans-switch"}
OPEN = {"/v1/time"}  # says nothing of anybody


def address(path: str, identity: str) -> str:
    """Return a route's address with one id in all its places; a feed is asked for in a way it refuses."""
    real = re.sub(r"\{[^}]+\}", identity, path.replace("{version}", "1"))
    return f"{real}?epoch=none" if path == "/v1/feed" else real


def body_for(method: str, identity: str) -> Any:
    return None if method in {"GET", "DELETE"} else {**ENTRY, "profile": identity, "limit_price": "48000"}


@pytest.mark.parametrize("caller", STRANGERS)
def test_a_stranger_gets_nowhere(world: World, caller: str) -> None:
    """Without a key or token that counts, each endpoint answers 401 and says nothing else."""
    for method, path in world.endpoints():
        if path not in OPEN:
            real = address(path, world.ids["order"])
            answer = world.call(method, real, caller, body_for(method, world.ids["profile"]))
            assert (401, "UNAUTHORIZED") == (answer.status, answer.body["code"]), f"{method} {path}"
            assert not [mark for mark in MARKS if mark in answer.text]


@pytest.mark.parametrize("caller", KNOWN)
def test_a_foreign_id_is_nobodys(world: World, caller: str) -> None:
    """An id of another tenant, in path, query or body, is not found; nothing of it is shown or moved."""
    before = world.victims_rows()
    for method, path in world.endpoints():
        names = re.findall(r"\{([^}]+)\}", path)
        for kind, identity in world.ids.items():
            real = address(path, identity)
            answer = world.call(method, real, caller, body_for(method, identity))
            where = f"{caller}: {method} {path} with the victim's {kind}: {answer.text}"
            assert not [mark for mark in MARKS if mark in answer.text], where
            assert answer.status < 500, where
            if path in OPEN:
                continue
            if NEEDED.get((method, path), BY_METHOD.get(method, "trade")) not in SCOPES[caller]:
                assert (403, "FORBIDDEN") == (answer.status, answer.body["code"]), where
                assert answer.body["missing_scope"], where
            elif names or (method != "GET" and path not in OWN):
                assert 400 <= answer.status, where
            if method == "GET":
                asked = f"{real}{'&' if '?' in real else '?'}profile={identity}"
                queried = world.call("GET", asked, caller)
                assert not [mark for mark in MARKS if mark in queried.text], where
    assert before == world.victims_rows()


def test_a_foreign_key_is_nobodys(world: World) -> None:
    """An idempotency key is its robot's alone: nobody else finds what became of it, whoever asks."""
    for caller in (each for each in KNOWN if "read" in SCOPES[each]):
        answer = world.call("GET", "/v1/requests/victims-key", caller)
        assert (404, "NOT_FOUND") == (answer.status, answer.body["code"]), caller
    for method, caller in (("GET", world.callers["nobody"]), ("GET", world.callers["revoked"])):
        assert 401 == world.stage.call(method, "/v1/requests/victims-key", key=caller).status
    shown = world.stage.call("GET", "/v1/requests/victims-key", key=world.victim.key)
    assert (200, world.ids["order"]) == (shown.status, shown.body["answer"]["id"])


def test_everyone_sees_its_own(world: World) -> None:
    """The wall has the right side: the victim's own key reads the order, and the marks stand in it."""
    shown = world.stage.call("GET", f"/v1/orders/{world.ids['order']}", key=world.victim.key)
    assert 200 == shown.status
    assert all(mark in shown.text for mark in MARKS)
    user = token(claims(world.victim.tenant_id))
    assert 200 == world.stage.call("GET", f"/v1/orders/{world.ids['order']}", key=user).status


def test_every_read_is_made_as_the_tenant(world: World) -> None:
    """With the engine's own right to the reading functions taken away, every GET still answers."""
    rows = world.stage.rows(
        "SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'engine'::regnamespace"
        " AND p.proname ~ '^fn_(get|list|order)_(orders?|order_by_client_id|capital|positions|timeline|fills"
        "|events|limits|modes|specs?|answer)$'"
    )
    names = ", ".join(f"engine.{row['proname']}" for row in rows)
    assert len(rows) >= 12
    world.stage.rows(f"REVOKE EXECUTE ON FUNCTION {names} FROM holdfast_engine")
    try:
        for method, path in world.endpoints():
            # the feed is read by all of a process together, the switch is the robot's own
            if method == "GET" and path not in {"/v1/feed", "/v1/dead-mans-switch"}:
                name = "client order" if "client" in path else "profile" if "profiles" in path else "order"
                named = "victims-key" if "requests" in path else world.ids[name]
                real = re.sub(r"\{[^}]+\}", named, path.replace("{version}", "1"))
                answer = world.stage.call("GET", real, key=world.victim.key)
                assert 200 == answer.status, f"{path} {answer.text}"
    finally:
        world.stage.rows(f"GRANT EXECUTE ON FUNCTION {names} TO holdfast_engine")


def test_an_attempt_is_counted_audited_and_told(world: World) -> None:
    """A foreign order asked for by id: a plain 404; metric, audit row and notice name who asked."""
    world.notes.posted.clear()
    asked = world.call("GET", f"/v1/orders/{world.ids['order']}", "robot")
    nowhere = world.call("GET", f"/v1/orders/{uuid4()}", "robot")
    assert (404, 404) == (asked.status, nowhere.status)
    assert set(asked.body) == set(nowhere.body)
    tenant, module = str(world.attacker.tenant_id), "GET /v1/orders/{order_id}"
    notice = until("the notice", lambda: [each for each in world.notes.posted if each["module"] == module])[0]
    assert ("cross_tenant", "critical", tenant) == (notice["kind"], notice["severity"], notice["tenant"])
    assert world.ids["order"] not in json.dumps(notice)
    metrics = world.stage.call("GET", "/metrics").text
    labels = f'{{module="{module}",tenant="{tenant}"}}'
    assert f"holdfast_cross_tenant_access_attempts_total{labels}" in metrics
    assert f"holdfast_tenant_violation_rate{labels}" in metrics
    rows = world.stage.rows(
        "SELECT actor, detail->>'id' AS id FROM engine.audit"
        " WHERE tenant_id = $1 AND code = 'CROSS_TENANT' AND action = $2",
        world.attacker.tenant_id,
        module,
    )
    assert world.ids["order"] in {row["id"] for row in rows}
    assert all(row["actor"].startswith(("robot:", "user:")) for row in rows)
    assert [] == world.stage.rows(
        "SELECT 1 FROM engine.audit WHERE tenant_id = $1 AND code = 'CROSS_TENANT'", world.victim.tenant_id
    )


def test_a_revoked_key_ends_within_a_second(world: World) -> None:
    """A key that has just been used is refused by the running daemon within a second of its revocation."""
    settings = Settings(data_dir=world.stage.folder / "data")

    async def make(ledger: Any, _: Settings) -> str:
        return str((await robots.create(ledger, world.attacker.name, "short"))["key"])

    async def revoke(ledger: Any, _: Settings) -> None:
        await robots.revoke_key(ledger, world.attacker.name, "short", None)

    key = asyncio.run(on_ledger(world.stage.database_url, settings, make))
    assert 200 == world.stage.call("GET", "/v1/orders", key=key).status
    asyncio.run(on_ledger(world.stage.database_url, settings, revoke))
    until(
        "the key is refused",
        lambda: 401 == world.stage.call("GET", "/v1/orders", key=key).status,
        wait_s=1.0,
    )


def test_no_secret_is_anywhere(world: World) -> None:
    """Keys, tokens, exchange secrets and addresses stand in no log line and in no row of the database."""
    secrets = [text for text in world.callers.values() if text] + [world.victim.key, MASTER_KEY]
    secrets += [HS256_SECRET, "canary-hook"]
    log = world.stage.daemon.log.read_text()
    assert len(log) > 100
    tables = world.stage.rows(
        "SELECT relname FROM pg_class WHERE relnamespace = 'engine'::regnamespace AND relkind = 'r'"
    )
    rows = [
        str(world.stage.rows(f"SELECT t::text FROM engine.{row['relname']} t"))  # noqa: S608 - the catalog's
        for row in tables
    ]
    everywhere = "\n".join([log, *rows])
    for secret in secrets:
        pieces = secret.split(".")[1:] if secret.startswith("eyJ") else [secret]
        assert not [piece for piece in pieces if piece in everywhere]
