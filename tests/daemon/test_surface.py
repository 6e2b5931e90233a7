"""The surface of /v1 beside the orders themselves: specs, modes, lists, cancel-all, preview."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.daemon.stage import Answer, Stage, Tenant, until

RESTING = {
    "profile": "main",
    "symbol": "BTC/USDT",
    "type": "limit",
    "quantity": "0.01",
    "limit_price": "49000",
}


@pytest.fixture(scope="module")
def ours(stage: Stage) -> Tenant:
    """A tenant whose specs and modes change without harm to others."""
    return stage.tenant()


def get(stage: Stage, tenant: Tenant, path: str) -> Answer:
    return stage.call("GET", path, key=tenant.key)


def enter(stage: Stage, tenant: Tenant, **changes: Any) -> Answer:
    body = {**RESTING, **changes}
    return stage.call("POST", "/v1/entries", body, key=tenant.key, idem=uuid4().hex)


def put_spec(stage: Stage, tenant: Tenant, spec: Any, etag: str, idem: str | None = None) -> Answer:
    return stage.call(
        "PUT", "/v1/profiles/main/spec", spec, key=tenant.key, idem=idem or uuid4().hex, If_Match=etag
    )


def put_mode(stage: Stage, tenant: Tenant, mode: str, idem: str | None = None, **changes: Any) -> Answer:
    body = {"level": "profile", "id": "main", "mode": mode, "reason": "a test", **changes}
    body = {name: value for name, value in body.items() if value is not ...}
    return stage.call("PUT", "/v1/mode", body, key=tenant.key, idem=idem or uuid4().hex)


def test_spec_is_read_with_its_etag_and_written_with_if_match(stage: Stage, ours: Tenant) -> None:
    """A version is replaced only by who has read it; the new rules hold for the next entry."""
    read = get(stage, ours, "/v1/profiles/main/spec")
    etag = read.headers["etag"]
    assert f'"{read.body["version"]}-{read.body["revision"]}"' == etag
    rules = {"symbols": ["BTC/USDT"], "max_order_notional": "100"}
    written = put_spec(stage, ours, rules, etag)
    assert (200, read.body["version"] + 1, rules) == (
        written.status,
        written.body["version"],
        written.body["spec"],
    )
    denied = enter(stage, ours)
    assert ("LIMIT_EXCEEDED", "max_order_notional") == (denied.body["code"], denied.body["limit"])
    late = put_spec(stage, ours, {}, etag)
    assert (412, "PRECONDITION_FAILED", written.headers["etag"]) == (
        late.status,
        late.body["code"],
        late.body["current_etag"],
    )
    bare = stage.call("PUT", "/v1/profiles/main/spec", {}, key=ours.key, idem=uuid4().hex)
    assert (428, "PRECONDITION_REQUIRED") == (bare.status, bare.body["code"])
    assert 200 == put_spec(stage, ours, read.body["spec"], "*").status


def test_spec_that_is_not_of_the_form_is_named(stage: Stage, ours: Tenant) -> None:
    """Whatever is wrong, the field is named, and the version stays."""
    before = get(stage, ours, "/v1/profiles/main/spec").body["version"]
    cases: list[tuple[Any, str]] = [
        (b"[]", "spec"),
        (b"{", "spec"),
        (b'{"symbols": [], "symbols": []}', "spec"),
        ({"max_order_notional": 5}, "max_order_notional"),
        ({"max_order_notional": "5\n"}, "max_order_notional"),
        ({"max_open_orders": {"account": 1}}, "max_open_orders"),
        ({"identical_orders": {"count": 1}}, "identical_orders"),
        ({"max_entries_per_minute": 0}, "max_entries_per_minute"),
        ({"leverage": "10"}, "leverage"),
        ({"slippage_cap": "0.1", "max_slippage": "0.1"}, "max_slippage"),
        ({"symbols": ["B" * 60 for _ in range(10_000)]}, "spec"),
    ]
    for spec, field in cases:
        refused = put_spec(stage, ours, spec, "*")
        assert (422, "SPEC_INVALID_SCHEMA", field) == (
            refused.status,
            refused.body["code"],
            refused.body["field"],
        )
    large = put_spec(stage, ours, b" " * (1024 * 1024 + 1), "*")
    assert (413, "BAD_REQUEST") == (large.status, large.body["code"])
    assert before == get(stage, ours, "/v1/profiles/main/spec").body["version"]


def test_repeated_write_gives_the_first_answer(stage: Stage, ours: Tenant) -> None:
    """The same key and body: the same version, marked; another body: refused; each version can be read."""
    first = put_spec(stage, ours, {"symbols": ["BTC/USDT"]}, "*", "spec-1")
    again = put_spec(stage, ours, b' { "symbols" : [ "BTC/USDT" ] } ', "*", "spec-1")
    assert (200, "true", first.body) == (again.status, again.headers["idempotency-replayed"], again.body)
    other = put_spec(stage, ours, {}, "*", "spec-1")
    assert (422, "IDEMPOTENCY_KEY_REUSED") == (other.status, other.body["code"])
    second = put_spec(stage, ours, {"symbols": ["BTC/USDT"], "quote_max_age_ms": 60_000}, "*")
    page = get(stage, ours, "/v1/profiles/main/specs?limit=1").body
    rest = get(stage, ours, f"/v1/profiles/main/specs?limit=500&cursor={page['next_cursor']}").body
    assert [second.body["version"], first.body["version"]] == [
        page["specs"][0]["version"],
        rest["specs"][0]["version"],
    ]
    assert None is rest["next_cursor"]
    old = get(stage, ours, f"/v1/profiles/main/specs/{first.body['version']}")
    assert (first.headers["etag"], False) == (old.headers["etag"], old.body["current"])


def test_modes_stop_entries_at_once_and_nothing_else(stage: Stage, ours: Tenant) -> None:
    """Each level stops entries with its reason; cancels pass; a resume says why; a repeat changes nothing."""
    order = enter(stage, ours)
    assert 201 == order.status, order.body
    for level, id_ in (("tenant", ...), ("account", "paper"), ("profile", "main")):
        stopped = put_mode(stage, ours, "halted", f"stop-{level}", level=level, id=id_)
        assert (200, level, "active") == (stopped.status, stopped.body["level"], stopped.body["before"])
        denied = enter(stage, ours, symbol="BTC/USDT")
        assert (422, "MODE_HALTED", level, "a test") == (
            denied.status,
            denied.body["code"],
            denied.body["level"],
            denied.body["reason"],
        )
        limits = get(stage, ours, "/v1/profiles/main/limits").body
        assert (False, level) == (limits["may_enter"], limits["mode"]["level"])
        silent = put_mode(stage, ours, "active", level=level, id=id_, reason=...)
        assert (400, "BAD_REQUEST") == (silent.status, silent.body["code"])
        if level == "tenant":
            gone = stage.call("DELETE", f"/v1/orders/{order.body['id']}", key=ours.key, idem="while-halted")
            assert (200, "done") == (gone.status, gone.body["cancel"])
        assert 200 == put_mode(stage, ours, "active", level=level, id=id_).status
        replayed = put_mode(stage, ours, "halted", f"stop-{level}", level=level, id=id_)
        assert ("true", stopped.body) == (replayed.headers["idempotency-replayed"], replayed.body)
    shown = get(stage, ours, "/v1/mode").body
    assert ("active", "active") == (shown["tenant"]["mode"], shown["profiles"][0]["effective"]["mode"])


def test_cancel_is_keyed(stage: Stage, ours: Tenant) -> None:
    """The key again is a replay that speaks of the same order; for another order it is refused."""
    first, second = enter(stage, ours), enter(stage, ours)
    path = f"/v1/orders/{first.body['id']}"
    gone = stage.call("DELETE", path, key=ours.key, idem="one-cancel")
    assert (200, "done", None) == (gone.status, gone.body["cancel"], gone.headers.get("idempotency-replayed"))
    again = stage.call("DELETE", path, key=ours.key, idem="one-cancel")
    assert (200, "final", "true") == (
        again.status,
        again.body["cancel"],
        again.headers["idempotency-replayed"],
    )
    other = stage.call("DELETE", f"/v1/orders/{second.body['id']}", key=ours.key, idem="one-cancel")
    assert (422, "IDEMPOTENCY_KEY_REUSED") == (other.status, other.body["code"])


def test_cancel_all_ends_every_order(stage: Stage, ours: Tenant) -> None:
    """Every open order is ended; the key again speaks of the same ones; {} needs no filter."""
    placed = {enter(stage, ours, limit_price=price).body["id"] for price in ("48000", "48100", "48200")}
    done = stage.call("POST", "/v1/orders/cancel-all", {"symbol": "BTC/USDT"}, key=ours.key, idem="all-1")
    assert 200 == done.status, done.body
    assert placed <= {row["id"] for row in done.body["orders"]}
    assert {"done"} == {row["cancel"] for row in done.body["orders"]}
    assert [] == get(stage, ours, "/v1/orders?open=true").body["orders"]
    later = enter(stage, ours)
    again = stage.call("POST", "/v1/orders/cancel-all", {"symbol": "BTC/USDT"}, key=ours.key, idem="all-1")
    assert ("true", {"final"}) == (
        again.headers["idempotency-replayed"],
        {row["cancel"] for row in again.body["orders"]},
    )
    assert [later.body["id"]] == [
        row["id"] for row in get(stage, ours, "/v1/orders?open=true").body["orders"]
    ]
    none = stage.call("POST", "/v1/orders/cancel-all", {"profile": "nobody"}, key=ours.key, idem="all-2")
    assert (404, "NOT_FOUND") == (none.status, none.body["code"])
    rest = stage.call("POST", "/v1/orders/cancel-all", {}, key=ours.key, idem="all-3")
    assert [later.body["id"]] == [row["id"] for row in rest.body["orders"]]


def test_preview_says_what_the_order_would_and_leaves_nothing(stage: Stage, ours: Tenant) -> None:
    """Accepted with what it would reserve, denied with the numbers; nothing is touched."""
    before = get(stage, ours, "/v1/capital").body, get(stage, ours, "/v1/orders").body
    told = stage.call("POST", "/v1/orders/preview", {"kind": "entry", "order": RESTING}, key=ours.key)
    assert (200, True, "490.49") == (told.status, told.body["accepted"], told.body["reserved"])
    large = {**RESTING, "quantity": "5"}
    told = stage.call("POST", "/v1/orders/preview", {"kind": "entry", "order": large}, key=ours.key)
    assert (200, False, "INSUFFICIENT_CAPITAL", "245245") == (
        told.status,
        told.body["accepted"],
        told.body["code"],
        told.body["details"]["required"],
    )
    sale = {"profile": "main", "symbol": "BTC/USDT", "type": "market", "quantity": "all"}
    told = stage.call("POST", "/v1/orders/preview", {"kind": "exit", "order": sale}, key=ours.key)
    assert (200, "INSUFFICIENT_POSITION") == (told.status, told.body["code"])
    off = {"kind": "entry", "order": {**RESTING, "limit_price": "1.001"}}
    assert "INVALID_PRICE" == stage.call("POST", "/v1/orders/preview", off, key=ours.key).body["code"]
    bad = stage.call("POST", "/v1/orders/preview", {"kind": "swap"}, key=ours.key)
    assert (400, "BAD_REQUEST") == (bad.status, bad.body["code"])
    assert before == (get(stage, ours, "/v1/capital").body, get(stage, ours, "/v1/orders").body)


def test_lists_go_on_where_they_ended(stage: Stage, ours: Tenant) -> None:
    """Orders, fills and events page by page are the whole list, although new ones come in between."""
    market = {"profile": "main", "symbol": "BTC/USDT", "type": "market", "quantity": "0.001"}
    until(
        "the ask is fresh",
        lambda: stage.call("POST", "/v1/entries", market, key=ours.key, idem=uuid4().hex).status == 201,
    )
    exit_ = {**market, "quantity": "all"}
    assert 201 == stage.call("POST", "/v1/exits", exit_, key=ours.key, idem=uuid4().hex).status
    for name, key in (("orders", "id"), ("fills", "exchange_trade_id"), ("events", "event_id")):
        whole = [row[key] for row in get(stage, ours, f"/v1/{name}?limit=500").body[name]]
        seen, cursor = [], ""
        while cursor is not None:
            page = get(stage, ours, f"/v1/{name}?limit=2{cursor and '&cursor=' + cursor}").body
            seen += [row[key] for row in page[name]]
            cursor = page["next_cursor"]
            if len(seen) == 2:
                order = enter(stage, ours)
                stage.call("DELETE", f"/v1/orders/{order.body['id']}", key=ours.key, idem=uuid4().hex)
        assert whole == seen, name
        foreign = get(stage, ours, f"/v1/{name}?cursor=Zm9v")
        assert (400, "cursor") == (foreign.status, foreign.body["errors"][0]["field"])
    fills = get(stage, ours, "/v1/fills?profile=main&symbol=BTC/USDT").body["fills"]
    assert {"buy", "sell"} == {row["side"] for row in fills}
    of_order = get(stage, ours, f"/v1/fills?order={fills[0]['order_id']}").body["fills"]
    assert {fills[0]["order_id"]} == {row["order_id"] for row in of_order}
    types = {row["type"] for row in get(stage, ours, "/v1/events?type=fill&profile=main").body["events"]}
    assert {"fill"} == types


def test_profiles_and_exchanges_are_told(stage: Stage, ours: Tenant) -> None:
    """A profile shows its figures and version; exchanges show their tier, why, and the tenant's accounts."""
    one = get(stage, ours, "/v1/profiles/main").body
    assert [one] == get(stage, ours, "/v1/profiles").body["profiles"]
    assert one == get(stage, ours, f"/v1/profiles/{ours.profile_id}").body
    figures = get(stage, ours, "/v1/capital?profile=main").body["capital"][0]
    assert figures == {name: one[name] for name in figures}
    shown = {row["exchange"]: row for row in get(stage, ours, "/v1/exchanges").body["exchanges"]}
    assert ("A", True, ours.account) == (
        shown["binance"]["tier"],
        shown["binance"]["verified"],
        shown["binance"]["accounts"][0]["account_id"],
    )
    assert ("C", []) == (shown["kraken"]["tier"], shown["kraken"]["accounts"])


def test_one_key_from_fifty_connections(stage: Stage, ours: Tenant) -> None:
    """One order, one body, 49 replays or 409s; the same for a mode, and for the cancel of that order."""

    def at_once(ask: Callable[[], Answer]) -> list[Answer]:
        with ThreadPoolExecutor(50) as threads:
            return list(threads.map(lambda _: ask(), range(50)))

    def replays(answers: list[Answer]) -> int:
        return sum(
            answer.status == 409 or answer.headers.get("idempotency-replayed") == "true" for answer in answers
        )

    entries = at_once(lambda: stage.call("POST", "/v1/entries", RESTING, key=ours.key, idem="fifty"))
    assert 49 == replays(entries)
    assert {"INTENT_SENDING"} >= {answer.body["code"] for answer in entries if answer.status == 409}
    (order,) = {answer.body["id"] for answer in entries if answer.status == 201}
    final = stage.call("POST", "/v1/entries", RESTING, key=ours.key, idem="fifty")
    assert [final.body] * sum(answer.status == 201 and replays([answer]) for answer in entries) == [
        answer.body for answer in entries if answer.status == 201 and replays([answer])
    ]
    first = next(answer for answer in entries if not replays([answer]))
    own = ("created_at", "updated_at")
    assert {name: value for name, value in final.body.items() if name not in own} == {
        name: value for name, value in first.body.items() if name not in own
    }
    sent = stage.steer("GET", f"/requests?clientOrderId={final.body['client_order_id']}&method=POST")
    assert 1 == len(sent["requests"])

    modes = at_once(lambda: put_mode(stage, ours, "reducing", "fifty-mode"))
    assert ([modes[0].body] * 50, 49) == ([answer.body for answer in modes], replays(modes))
    assert 1 == len(
        stage.rows(
            "SELECT FROM engine.outbox WHERE tenant_id = $1 AND type = 'mode.changed'"
            " AND payload ->> 'mode' = 'reducing'",
            ours.tenant_id,
        )
    )
    assert 200 == put_mode(stage, ours, "active").status

    cancels = at_once(lambda: stage.call("DELETE", f"/v1/orders/{order}", key=ours.key, idem="fifty-cancel"))
    assert 49 == replays(cancels)
    assert "canceled" == get(stage, ours, f"/v1/orders/{order}").body["order"]["status"]
    assert 1 == len(
        stage.rows(
            "SELECT FROM engine.outbox WHERE intent_id = $1 AND type = 'cancel.requested'", UUID(order)
        )
    )
