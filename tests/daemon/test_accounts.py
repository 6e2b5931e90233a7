"""A daemon with no exchange account at all, then with one that is away: it stops no other."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from engine.cli.acts import accounts
from engine.cli.acts.session import on_ledger
from engine.domain.errors import ErrorCode, HoldfastError
from engine.runtime.settings import Settings
from tests.daemon.stage import Answer, Stage, Tenant, until

RESTING = {"profile": "main", "symbol": "BTC/USDT", "type": "limit", "quantity": "0.01"}


@pytest.fixture(scope="module")
def own() -> Iterator[Stage]:
    """A stage that has no tenant yet."""
    with Stage.started() as made:
        yield made


def enter(stage: Stage, tenant: Tenant) -> Answer:
    return stage.call(
        "POST", "/v1/entries", {**RESTING, "limit_price": "49000"}, key=tenant.key, idem=uuid4().hex
    )


def exchange(stage: Stage, tenant: Tenant) -> Any:
    """Return what the daemon says of a tenant's exchange account."""
    rows = stage.call("GET", "/internal/health").body["exchange"]
    (row,) = [row for row in rows if row["tenant_id"] == str(tenant.tenant_id)]
    return row


def test_no_account(own: Stage) -> None:
    """A daemon for which no account is registered is up and says so; it takes the first one by itself."""
    said = own.call("GET", "/readyz")
    assert (503, "accounts", "no exchange account is registered") == (
        said.status,
        said.body["gate"],
        said.body["reason"],
    )
    assert 200 == own.call("GET", "/livez").status
    tenant = own.tenant()
    until("it is ready", lambda: own.gate() is None)
    assert 201 == enter(own, tenant).status


def test_an_exchanges_timer(own: Stage) -> None:
    """Off by default nothing is shown or sent; by command Binance is refused; a stranger's order ends any."""
    tenant = own.tenant()
    assert exchange(own, tenant)["exchange_timer"] is None
    with pytest.raises(HoldfastError) as refused:
        asyncio.run(on_ledger(own.database_url, Settings(data_dir=own.folder / "data"), _turn_on(tenant)))
    assert ErrorCode.EXCHANGE_TIMER_UNAVAILABLE == refused.value.code
    loops = {row["loop"]: row["ok"] for row in own.call("GET", "/internal/health").body["loops"]}
    assert {True} == {ok for name, ok in loops.items() if name.startswith("exchange timer")}
    assert "holdfast_exchange_timer_calls_total{" not in own.call("GET", "/metrics").text
    own.rows(  # as no command would
        "SELECT engine.fn_set_exchange_timer($1, $2::uuid, 60, true, 'operator:test', 'planted')",
        tenant.tenant_id,
        tenant.account,
    )
    shown = until("it is shown", lambda: exchange(own, tenant)["exchange_timer"])
    assert (True, False) == (shown["enabled"], shown["armed"])
    until("its problem is told", lambda: "binance has no timer" in str(_timer(own, tenant)["problem"]))
    by_hand = {"account": tenant.name, "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT"}
    own.steer("POST", "/order", {**by_hand, "timeInForce": "GTC", "quantity": "0.01", "price": "40000"})
    until("the stream's stranger turned it off", lambda: _timer(own, tenant)["off_cause"] == "stranger")
    (row,) = own.rows("SELECT enabled, off_sign FROM engine.exchange_timers")
    assert (False, "stream") == (row["enabled"], json.loads(row["off_sign"])["seen"])


def _timer(stage: Stage, tenant: Tenant) -> Any:
    return exchange(stage, tenant)["exchange_timer"]


def _turn_on(tenant: Tenant) -> Any:
    return lambda ledger, _: accounts.cancel_all_after(ledger, tenant.name, "paper", 60, "nights")


def test_an_account_that_is_away(own: Stage) -> None:
    """Of two accounts one cannot be reached at the start: the other trades, and readiness names the one."""
    here, away = own.tenant(), own.tenant()
    own.daemon.stop()
    own.steer("POST", "/faults", {"kind": "drop_before", "match": {"account": away.name}, "count": None})
    try:
        own.restart()
        until("the other one is connected", lambda: own.connected(here))
        closed = until("it was tried", lambda: (row := exchange(own, away))["problem"] and row)
        assert not closed["connected"]
        said = own.call("GET", "/readyz")
        assert (503, "accounts") == (said.status, said.body["gate"])
        assert said.body["reason"].endswith(closed["problem"])
        assert 201 == enter(own, here).status
        refused = enter(own, away)
        assert (503, "NOT_READY", "not_placed") == (
            refused.status,
            refused.body["code"],
            refused.body["outcome"],
        )
    finally:
        own.steer("DELETE", "/faults")
    until("both are connected", lambda: own.connected(away) and own.gate() is None)
    assert 201 == enter(own, away).status
    rows = own.call("GET", "/internal/health").body["exchange"]
    assert [len(rows)] * len(rows) == [row["budget_shared_by"] for row in rows]  # all speak to one address
