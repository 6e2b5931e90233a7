"""The catalogue of events against the SQL that tells them, what is really told, and the page about it."""

import re
from decimal import Decimal
from uuid import UUID, uuid4

from engine.domain.events import EVENTS, unknown_fields
from engine.domain.states import INTENT_TRANSITIONS, ORDER_TRANSITIONS
from tests.checks.test_caps import ROOT
from tests.database.servers import Database
from tests.sql.capital.trading import in_doubt, order_item, round_trip, sending
from tests.sql.capital.world import OPERATOR, Tenant, World, call

_LITERAL = re.compile(r"'((?:[a-z_]+\.[a-z_]+)|fill)'")
_COMPOSED = re.compile(r"(?:kind|p_kind) \|\| '(\.[a-z_]+)'")
NO_EVENTS = {
    "engine.event_ids", "engine.fencing_tokens", "holdfast.tenant_id", "lease.released", "lease.taken",
}  # fmt: skip


def told_by_sql() -> set[str]:
    """Every event type in the SQL functions, those put together at run time included."""
    texts = [path.read_text() for path in (ROOT / "sql/functions").rglob("*.sql")]
    found = {name for text in texts for name in _LITERAL.findall(text)} - NO_EVENTS
    found |= {kind + end for text in texts for end in _COMPOSED.findall(text) for kind in ("entry", "exit")}
    found |= {
        f"{kind}.{state}" for kind in ("entry", "exit") for state in ("rejected", "not_placed")
        if state in {str(each) for each in INTENT_TRANSITIONS}
    }  # fmt: skip
    found |= {f"alert.{state}" for state in ("done", "refused", "dead")}  # the ends of fn_finish_alert
    return found | {f"order.{state}" for state in map(str, ORDER_TRANSITIONS) if state != "open"}


def test_catalogue_and_sql_name_the_same_types() -> None:
    """No function tells a type that the catalogue lacks, and the catalogue has none that nobody tells."""
    assert set(EVENTS) == told_by_sql()


def test_page_has_every_type_with_its_fields() -> None:
    """docs/reference/events.md lists exactly the catalogue, field by field."""
    page = (ROOT / "docs/reference/events.md").read_text()
    rows = re.findall(r"^\| `([a-z_.]+)` \| (.*?) \| (.*) \|$", page.partition("## Types")[2], re.MULTILINE)
    shown = {name: (text, re.findall(r"`(\w+)`", fields)) for name, text, fields in rows}
    assert shown == {
        name: (each.text, [field for field in each.fields if field != "…"]) for name, each in EVENTS.items()
    }


async def test_what_is_told_is_in_the_catalogue(database: Database) -> None:
    """Events of a day's work have no field that the catalogue lacks, no key and no operator's name."""
    conn = await database.connect()
    await call(conn, "fn_init_engine", "habc")
    one, other = Tenant("one"), Tenant("other")
    await one.create(conn)
    await other.create(conn)
    world = World(database, conn, await database.admin(), one, other)
    await round_trip(world)
    await world.call("fn_open_entry", one.id, [order_item(one, "poor", quantity="10")])
    await in_doubt(world, "doubt")
    intent: UUID = await sending(world, "second", quantity="0.0002", profile_id=str(await second(world)))
    token = (await world.call("fn_get_order", one.id, intent))["fencing_token"]
    told = {"intent_id": str(intent), "fencing_token": token, "exchange_code": "-2010", "message": "no"}
    await world.call("fn_reject_entry", one.id, [told])
    await world.call("fn_withdraw", one.id, one.profile, Decimal(1), "w", "operator:ada", "less")
    await world.call("fn_set_mode", one.id, "tenant", None, "reducing", "operator:ada", "odd")
    await world.call("fn_revoke_robot_key", one.id, one.key, "operator:ada")
    await world.call("fn_sequence_feed", one.id, 10_000)
    page = await world.call("fn_read_feed", one.id, 0, 10_000, None)
    assert {} == {
        event["type"]: unknown
        for event in page["events"]
        if (unknown := unknown_fields(event["type"], event["data"]))
    }
    assert 18 < len({event["type"] for event in page["events"]})
    assert not {"ada", one.key_hash.hex(), "c2VjcmV0"} & set(re.findall(r"\w+", str(page)))


async def second(world: World) -> UUID:
    """Another profile with capital."""
    profile = await world.one.add_profile(world.conn, uuid4(), "second")
    await world.call("fn_allocate", world.one.id, profile, Decimal(100), uuid4().hex, OPERATOR, "start")
    return profile
