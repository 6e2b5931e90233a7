"""Random lives with hidden, late, doubled and unordered trades end as if every trade had come at once."""

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

fees = st.sampled_from(["none", "quote", "rebate", "base", "third", "unvalued"])
trades = st.lists(
    st.tuples(
        st.integers(1, 60),  # lots
        st.sampled_from(["50000", "49311.17", "51999.99", "33333.33"]),
        fees,
        st.booleans(),  # it comes late
        st.booleans(),  # what is filled by then is inferred
    ),
    min_size=1,
    max_size=4,
)
late = st.lists(st.integers(0, 20), max_size=3)  # which of the late ones come now
STEPS = st.lists(st.tuples(trades, st.sampled_from([0, 35, 80, 100]), trades, late), min_size=1, max_size=3)
Trade = tuple[int, str, str, bool, bool]


@dataclass(slots=True)
class Books:
    """One tenant's ledger, and the trades whose fee it has not valued."""

    conn: Any
    tenant: Tenant
    unvalued: list[dict[str, Any]] = field(default_factory=list)

    async def open(self, side: str, quantity: Decimal, order: str) -> str:
        price = "60000" if side == "buy" else "30000"
        item = order_item(self.tenant, order, quantity=str(quantity), limit_price=price)
        kind = "entry" if side == "buy" else "exit"
        assert "OK" == (await self.hot(f"fn_open_{kind}", item))["code"]
        found = {"intent_id": item["intent_id"], "exchange_order_id": order, "status": "open", "fills": []}
        assert "OK" == (await self.hot(f"fn_persist_{kind}_lifecycle", found))["code"]
        return str(item["intent_id"])

    async def fill(self, item: dict[str, Any]) -> str:
        mine = {**item, "account_id": str(self.tenant.account)}
        answer = await self.hot("fn_apply_fill", mine)
        if answer["code"] == "OK" and item["fee_asset"] == "BNB" and item["fee_rate"] is None:
            self.unvalued.append(mine)
        return str(answer["code"])

    async def finish(self, intent: str, status: str, filled: Decimal) -> str:
        ended = {"status": status, "filled_quantity": str(filled), "exchange_time": EXCHANGE_TIME}
        answer = await self.hot("fn_finish_order", {"intent_id": intent, **ended, "evidence": {}})
        assert "OK" == answer["code"], answer
        return str(answer["order_status"])

    async def value(self) -> None:
        for item in self.unvalued:
            rate = {"fee_rate": str(BNB_PRICE), "rate_source": "test"}
            assert "OK" == (await self.hot("fn_value_fee", {**item, **rate}))["code"]

    async def sellable(self) -> Decimal:
        positions = await call(self.conn, "fn_list_positions", self.tenant.id, self.tenant.profile)
        return Decimal(positions[0]["sellable"]) if positions else Decimal(0)

    async def check(self) -> dict[str, Any]:
        """What must hold at every moment; gives the profile's capital."""
        rebuilt = await call(self.conn, "fn_rebuild_capital", self.tenant.id, self.tenant.profile)
        assert rebuilt["equal"], rebuilt
        capital = await call(self.conn, "fn_get_capital", self.tenant.id, self.tenant.profile)
        assert capital["available"] == capital["invariant"]
        return {**capital, **rebuilt["stored"]}

    async def outcome(self) -> dict[str, Any]:
        """What must not depend on when the trades came."""
        now = await self.check()
        rows = await call(self.conn, "fn_list_positions", self.tenant.id, self.tenant.profile)
        equations = await call(self.conn, "fn_account_equations", self.tenant.id, self.tenant.account)
        cost = Decimal(now["RESERVED_FOR_POSITIONS"]) + Decimal(now["DUST"])
        return {
            "available": Decimal(now["AVAILABLE"]),
            "reserved": Decimal(now["RESERVED_FOR_ORDERS"]),
            "cost less pnl": cost - Decimal(now["TRADING_PNL"]) + Decimal(now["FEES"]),
            "held": sum((Decimal(row["quantity"]) for row in rows), Decimal(0)),
            "mode": now["mode"],
            "exchange": {each["asset"]: Decimal(each["expected_exchange_balance"]) for each in equations},
        }

    async def hot(self, function: str, item: dict[str, Any]) -> dict[str, Any]:
        (result,) = await call(self.conn, function, self.tenant.id, [item])
        return dict(result)


@dataclass(slots=True)
class Life:
    """The same orders in two ledgers: one is told each trade at once, the other as the exchange pleases."""

    told: Books
    guessing: Books
    balances: dict[str, Decimal]
    hidden: list[dict[str, Any]] = field(default_factory=list)

    async def order(self, side: str, wanted: list[Trade], share: int) -> None:
        """Live through an order; a sell sells a share of what both hold, and trades what of that it can."""
        lots = sum(lots for lots, *_ in wanted)
        if side == "sell":
            held = min(await self.told.sellable(), await self.guessing.sellable())
            lots = int((held * share / 100 / LOT).to_integral_value(ROUND_FLOOR))
            if lots * LOT * 30000 < 5:
                return
        name = f"o{next(_names)}"
        intents = [await each.open(side, lots * LOT, name) for each in (self.told, self.guessing)]
        filled = notional = Decimal(0)
        for most, price, fee, comes_late, guessed in wanted:
            quantity = min(most, lots - int(filled / LOT)) * LOT
            if quantity == 0:
                break
            all_sold = (side, share, fee) == ("sell", 100, "base")  # then nothing is left to pay a base fee
            item = self._trade(side, name, quantity, Decimal(price), "quote" if all_sold else fee)
            filled += quantity
            notional += quantity * Decimal(price)
            assert "OK" == await self.told.fill(item)
            if comes_late:
                self.hidden.append(item)
            else:
                assert "OK" == await self.guessing.fill(item)
            if guessed:
                await self._infer(side, name, filled, notional / filled)
        await self._infer(side, name, filled, notional / filled)
        status = "filled" if filled == lots * LOT else "canceled"
        assert status == await self.told.finish(intents[0], status, filled)
        assert status == await self.guessing.finish(intents[1], status, filled)
        await self.guessing.check()

    async def arrive(self, number: int) -> None:
        """A late trade arrives, and arrives again."""
        if self.hidden:
            item = self.hidden.pop(number % len(self.hidden))
            assert ["OK", "DUPLICATE"] == [await self.guessing.fill(item) for _ in range(2)]
            await self.guessing.check()

    async def _infer(self, side: str, order: str, filled: Decimal, average: Decimal) -> None:
        item = fill_item(self.guessing.tenant, order, f"inferred:{filled:f}", side=side, fee_quantity=None)
        item |= {"inferred": True, "fee_asset": None, "price": "1", "average_price": f"{average:.8f}"}
        assert await self.guessing.fill(item) in {"OK", "DUPLICATE"}
        assert "DUPLICATE" == await self.guessing.fill(item)

    def _trade(self, side: str, order: str, quantity: Decimal, price: Decimal, fee: str) -> dict[str, Any]:
        given = _fee(fee, quantity, price)
        sign = 1 if side == "buy" else -1
        self.balances["BTC"] += sign * quantity
        self.balances["USDT"] -= sign * quantity * price
        if given["fee_asset"]:
            self.balances[given["fee_asset"]] -= Decimal(given["fee_quantity"])
        return fill_item(
            self.told.tenant,
            order,
            f"t{next(_names)}",
            side=side,
            price=f"{price:f}",
            quantity=f"{quantity:f}",
            **given,
        )


_LEFT = """
SELECT intent_id::text FROM engine.orders WHERE tenant_id = $1 AND (inferred_quantity <> 0 OR status = 'open')
UNION ALL
SELECT exchange_trade_id FROM engine.fills WHERE tenant_id = $1 AND inferred AND superseded_at IS NULL
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


async def _books(conn: Any, admin: Any) -> Books:
    tenant = Tenant(f"tenant-{next(_names)}")
    await tenant.create(conn)
    bnb = (tenant.id, tenant.account, "BNB", Decimal(1), "deposit", "bnb", OPERATOR, "for fees")
    await call(conn, "fn_adjust_unassigned", *bnb)
    given_in = (tenant.profile, Decimal(9000), f"k{next(_names)}", OPERATOR, None)
    assert "OK" == (await call(conn, "fn_allocate", tenant.id, *given_in))["code"]
    assert 1 == await admin.fetchval("SELECT count(*) FROM engine.tenants WHERE tenant_id = $1", tenant.id)
    return Books(conn, tenant)


@pytest.fixture
async def servers(database: Database) -> tuple[Any, Any]:
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
async def test_inferred_fills_end_as_real_ones(servers: tuple[Any, Any], steps: list[Any]) -> None:
    """However late and in whatever order the trades come, money, holdings and equations end the same."""
    told, guessing = [await _books(*servers) for _ in range(2)]
    life = Life(told, guessing, {"USDT": Decimal(10000), "BTC": Decimal(1), "BNB": Decimal(1)})
    for bought, share, sold, now in steps:
        await life.order("buy", bought, 100)
        for number in now:
            await life.arrive(number)
        await life.order("sell", sold, share)
    while life.hidden:
        await life.arrive(len(steps))
    await told.value()
    await guessing.value()
    ended = await told.outcome()
    assert ended == await guessing.outcome()
    assert (life.balances, "active", 0) == (ended["exchange"], ended["mode"], ended["reserved"])
    assert [] == await servers[1].fetch(_LEFT, guessing.tenant.id)
