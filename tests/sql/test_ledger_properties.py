"""Random lives of a profile: whatever happens, the ledger balances and names the exchange's own balances."""

import os
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.servers import Database
from tests.sql.capital.trading import EXCHANGE_TIME, fill_item, order_item
from tests.sql.capital.world import OPERATOR, Tenant, call

LOT = Decimal("0.0001")
BNB_PRICE = Decimal(600)
_names = count(1)

FEES = ["none", "quote", "rebate", "base", "third", "unvalued"]
PRICES = ["50000", "41234.56", "61000.01"]
shares = st.sampled_from([100, 60, 33, 5])
fills = st.lists(
    st.tuples(shares, st.sampled_from(["1", "0.98", "1.03"]), st.sampled_from(FEES)), min_size=1, max_size=3
)
ends = st.sampled_from(["canceled", "canceled", "left open"])
BUY = st.tuples(st.just("buy"), st.sampled_from([40, 7, 113, 250, 2]), st.sampled_from(PRICES), fills, ends)
SELL = st.tuples(st.just("sell"), shares, st.sampled_from(PRICES), fills, ends)
MOVE = st.tuples(st.sampled_from(["allocate", "withdraw"]), st.integers(1, 6000))
OTHER = st.sampled_from([("again",), ("value",), ("late",)])
STEPS = st.tuples(
    BUY, st.one_of(BUY, SELL, MOVE), SELL, st.one_of(BUY, OTHER), SELL, st.one_of(MOVE, OTHER), SELL
)


Part = tuple[int, str, str]  # share of what is open, price as a factor of the limit, kind of fee


@dataclass(slots=True)
class Order:
    """An order as the exchange knows it."""

    id: str
    intent: str
    side: str
    quantity: Decimal
    price: Decimal
    filled: Decimal = Decimal(0)


@dataclass(slots=True)
class Life:
    """One tenant beside a simple model of the exchange: its balances and its open orders, nothing of ours."""

    conn: Any
    admin: Any
    tenant: Tenant
    balances: dict[str, Decimal]
    orders: list[Order] = field(default_factory=list)
    unvalued: list[dict[str, Any]] = field(default_factory=list)
    last_fill: dict[str, Any] | None = None

    async def hot(self, function: str, item: dict[str, Any]) -> dict[str, Any]:
        (result,) = await call(self.conn, function, self.tenant.id, [item])
        return dict(result)

    async def allocate(self, amount: int) -> None:
        args = (self.tenant.profile, Decimal(amount), f"k{next(_names)}", OPERATOR, None)
        answer = await call(self.conn, "fn_allocate", self.tenant.id, *args)
        assert answer["code"] in {"OK", "ACCOUNT_CAPITAL_EXCEEDED"}

    async def withdraw(self, amount: int) -> None:
        args = (self.tenant.profile, Decimal(amount), f"k{next(_names)}", OPERATOR, None)
        answer = await call(self.conn, "fn_withdraw", self.tenant.id, *args)
        assert answer["code"] in {"OK", "INSUFFICIENT_CAPITAL"}

    async def buy(self, lots: int, price: str, parts: list[Part], end: str) -> None:
        item = order_item(self.tenant, f"e{next(_names)}", quantity=str(LOT * lots), limit_price=price)
        answer = await self.hot("fn_open_entry", item)
        assert answer["code"] in {"OK", "INSUFFICIENT_CAPITAL", "MODE_HALTED"}
        if answer["code"] == "OK":
            order = await self._confirm("fn_persist_entry_lifecycle", item, "buy", LOT * lots)
            await self._live(order, parts, end)

    async def sell(self, share: int, price: str, parts: list[Part], end: str) -> None:
        positions = await call(self.conn, "fn_list_positions", self.tenant.id, self.tenant.profile)
        sellable = Decimal(positions[0]["sellable"]) if positions else Decimal(0)
        lots = (sellable * share / 100 / LOT).to_integral_value(ROUND_FLOOR)
        quantity = "all" if share == 100 else str(max(lots, Decimal(1)) * LOT)
        item = order_item(self.tenant, f"x{next(_names)}", quantity=quantity, limit_price=price)
        answer = await self.hot("fn_open_exit", item)
        assert answer["code"] in {"OK", "INSUFFICIENT_POSITION", "BELOW_MIN_NOTIONAL", "INVALID_QUANTITY"}
        if answer["code"] == "OK":
            quantity = Decimal(answer["quantity"])
            order = await self._confirm("fn_persist_exit_lifecycle", item, "sell", quantity)
            await self._live(order, parts, end)

    async def _live(self, order: Order, parts: list[Part], end: str) -> None:
        await self.check()
        for part in parts:
            if order in self.orders:
                await self._fill(order, *part)
                await self.check()
        if order in self.orders and end != "left open":
            await self._end(order, end)

    async def late(self) -> None:
        """The oldest open order fills at once."""
        if self.orders:
            await self._fill(self.orders[0], 100, "1", "quote")

    async def _confirm(self, function: str, item: dict[str, Any], side: str, quantity: Decimal) -> Order:
        order = Order(f"o{next(_names)}", item["intent_id"], side, quantity, Decimal(item["limit_price"]))
        self.orders.append(order)
        found = {"intent_id": order.intent, "exchange_order_id": order.id, "status": "open", "fills": []}
        assert "OK" == (await self.hot(function, found))["code"]
        return order

    async def _fill(self, order: Order, share: int, factor: str, fee: str) -> None:
        rest = order.quantity - order.filled
        quantity = max((rest * share / 100 / LOT).to_integral_value(ROUND_FLOOR), Decimal(1)) * LOT
        price = order.price * Decimal(factor)
        fee_item = _fee(fee, quantity, price)
        item = fill_item(
            self.tenant,
            order.id,
            f"t{next(_names)}",
            side=order.side,
            price=str(price),
            quantity=str(quantity),
            **fee_item,
        )
        sign = 1 if order.side == "buy" else -1
        self.balances["BTC"] += sign * quantity
        self.balances["USDT"] -= sign * quantity * price
        if fee_item["fee_asset"]:
            self.balances[fee_item["fee_asset"]] -= Decimal(fee_item["fee_quantity"])
        order.filled += quantity
        assert "OK" == (await self.hot("fn_apply_fill", item))["code"]
        self.last_fill = item
        if fee == "unvalued":
            self.unvalued.append(item)
        if order.filled == order.quantity:
            await self._end(order, "filled")

    async def again(self) -> None:
        if self.last_fill:
            assert "DUPLICATE" == (await self.hot("fn_apply_fill", self.last_fill))["code"]

    async def _end(self, order: Order, status: str) -> None:
        self.orders.remove(order)
        ended = {"status": status, "filled_quantity": str(order.filled), "exchange_time": EXCHANGE_TIME}
        answer = await self.hot("fn_finish_order", {"intent_id": order.intent, **ended, "evidence": {}})
        assert ("OK", status) == (answer["code"], answer["order_status"])

    async def value(self) -> None:
        if self.unvalued:
            item = self.unvalued.pop()
            names = ("account_id", "symbol", "exchange_order_id", "exchange_trade_id")
            rate = {"fee_rate": str(BNB_PRICE), "rate_source": "test"}
            assert "OK" == (await self.hot("fn_value_fee", {**{n: item[n] for n in names}, **rate}))["code"]

    async def check(self) -> dict[str, Any]:
        """What must hold after every step; gives the profile's capital."""
        tenant = self.tenant
        rows = await call(self.conn, "fn_account_equations", tenant.id, tenant.account)
        assert self.balances == {row["asset"]: Decimal(row["expected_exchange_balance"]) for row in rows}
        rebuilt = await call(self.conn, "fn_rebuild_capital", tenant.id, tenant.profile)
        assert rebuilt["equal"], rebuilt
        capital = await call(self.conn, "fn_get_capital", tenant.id, tenant.profile)
        figures = {name: Decimal(capital[name]) for name in _FORMULA}
        assert figures["available"] == (
            figures["allocated"]
            - figures["reserved_for_orders"]
            - figures["reserved_for_positions"]
            + figures["realized_pnl"]
        )
        assert figures["available"] >= 0 or capital["mode"] != "active"
        assert [] == await self.admin.fetch(_UNBALANCED, tenant.id)
        assert [] == await self.admin.fetch(_UNEXPLAINED, tenant.id)
        return dict(capital)


_FORMULA = ("allocated", "available", "reserved_for_orders", "reserved_for_positions", "realized_pnl")
_UNBALANCED = """
SELECT event_id FROM engine.ledger_entries WHERE tenant_id = $1
GROUP BY event_id HAVING sum(CASE type WHEN 'DEBIT' THEN amount ELSE -amount END) <> 0
"""

_UNEXPLAINED = """
SELECT h.asset FROM engine.unassigned_holdings h
WHERE h.tenant_id = $1 AND h.quantity <> (
  SELECT coalesce(sum(e.delta), 0) FROM engine.unassigned_events e
  WHERE e.tenant_id = h.tenant_id AND e.account_id = h.account_id AND e.asset = h.asset)
"""


def _fee(kind: str, quantity: Decimal, price: Decimal) -> dict[str, Any]:
    notional = quantity * price
    asset, fee = {
        "none": (None, None),
        "quote": ("USDT", notional / 1000),
        "rebate": ("USDT", -notional / 4000),
        "base": ("BTC", quantity / 1000),
        "third": ("BNB", notional / 1000000),
        "unvalued": ("BNB", notional / 1000000),
    }[kind]
    rate = {"fee_rate": str(BNB_PRICE), "rate_source": "test"} if kind == "third" else {}
    return {"fee_asset": asset, "fee_quantity": None if fee is None else f"{fee:f}", **rate}


@pytest.fixture
async def books(database: Database) -> tuple[Any, Any]:
    """Connections that serve every example, as the engine's role and as a superuser."""
    conn = await database.connect()
    await call(conn, "fn_init_engine", "habc")
    return conn, await database.admin()


@given(steps=STEPS)
@settings(
    max_examples=40,
    deadline=None,
    derandomize="CI" in os.environ,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_any_life_keeps_the_books(books: tuple[Any, Any], steps: tuple[tuple[Any, ...], ...]) -> None:
    """After each step debits equal credits, rebuild equals stored, and the account's equations hold."""
    conn, admin = books
    tenant = Tenant(f"tenant-{next(_names)}")
    await tenant.create(conn)
    args = (tenant.id, tenant.account, "BNB", Decimal(1), "deposit", "bnb", OPERATOR, "for fees")
    await call(conn, "fn_adjust_unassigned", *args)
    life = Life(conn, admin, tenant, {"USDT": Decimal(10000), "BTC": Decimal(1), "BNB": Decimal(1)})
    await life.allocate(5000)
    for name, *values in steps:
        await getattr(life, name)(*values)
        await life.check()
    while life.orders:
        await life._end(life.orders[0], "canceled")
    while life.unvalued:
        await life.value()
    capital = await life.check()
    assert "0" == capital["reserved_for_orders"]
    held = "SELECT count(*) FROM engine.reservations WHERE tenant_id = $1 AND released_at IS NULL"
    assert 0 == await admin.fetchval(held, tenant.id)
