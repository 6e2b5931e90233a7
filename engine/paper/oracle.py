"""The oracle: independent books of every order, fill and balance, computed from an append-only record.

The matching engine appends facts; nothing here reads its balances, locks or order states except to compare.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from engine.paper import scale

if TYPE_CHECKING:
    from engine.paper.matching import Matching
    from engine.paper.orders import Execution, Order

_UNIT = Decimal("1e-8")
_ZERO = Decimal(0)
# What Binance leaves of a fee that is paid in BNB.
_THIRD_ASSET_SHARE = Decimal("0.75")
# Everything that is checked, in the order in which it is told.
CHECKS = ("order_ids", "fills", "limits", "fees", "balances", "orders", "conservation")


class Record:
    """Append-only facts as plain values: a later change of an object cannot change history."""

    def __init__(self) -> None:
        self.facts: list[tuple[Any, ...]] = []

    def deposit(self, key: str, asset: str, amount: int) -> None:
        self.facts.append(("deposit", key, asset, amount))

    def order(self, key: str, order: "Order") -> None:
        self.facts.append(
            (
                "order",
                key,
                order.instrument.symbol,
                order.id,
                order.client_order_id,
                order.buy,
                order.type,
                order.time_in_force,
                order.price,
                order.quantity,
                order.created_ms,
                order.instrument.base,
                order.instrument.quote,
            )
        )

    def trade(self, execution: "Execution") -> None:
        for order, fee, fee_asset in (
            (execution.buyer, execution.buyer_fee, execution.buyer_fee_asset),
            (execution.seller, execution.seller_fee, execution.seller_fee_asset),
        ):
            if order.account is not None:
                maker = execution.buyer_is_maker is order.buy
                self.facts.append(
                    (
                        "fill",
                        execution.symbol,
                        order.id,
                        execution.id,
                        execution.price,
                        execution.quantity,
                        fee,
                        fee_asset,
                        maker,
                        *execution.terms_of(order.buy),
                        execution.time_ms,
                    )
                )

    def late(self, symbol: str, order_id: int) -> None:
        """A fill that was before the order's end is told after it."""
        self.facts.append(("late", symbol, order_id))

    def end(self, symbol: str, order_id: int, status: str) -> None:
        self.facts.append(("end", symbol, order_id, status))


@dataclass(slots=True)
class OracleOrder:
    """One order as the record tells it."""

    account: str
    symbol: str
    id: int
    client_order_id: str
    buy: bool
    type: str
    time_in_force: str
    price: Decimal
    quantity: Decimal
    time_ms: int
    base: str
    quote: str
    ended: str | None = None
    fills: list[dict[str, Any]] = field(default_factory=list)
    executed: Decimal = _ZERO
    executed_quote: Decimal = _ZERO

    @property
    def status(self) -> str:
        if self.executed >= self.quantity:
            return "FILLED"
        if self.ended is not None:
            return self.ended
        return "PARTIALLY_FILLED" if self.executed else "NEW"

    @property
    def lock(self) -> tuple[str, Decimal]:
        """Asset and amount that the open rest of the order holds."""
        asset = self.quote if self.buy else self.base
        if self.status not in {"NEW", "PARTIALLY_FILLED"}:
            return asset, _ZERO
        rest = self.quantity - self.executed
        return asset, (self.price * rest).quantize(_UNIT, ROUND_CEILING) if self.buy else rest

    def shown(self) -> dict[str, Any]:
        return {
            "account": self.account,
            "symbol": self.symbol,
            "orderId": self.id,
            "clientOrderId": self.client_order_id,
            "side": "BUY" if self.buy else "SELL",
            "type": self.type,
            "timeInForce": self.time_in_force,
            "price": _text(self.price),
            "origQty": _text(self.quantity),
            "executedQty": _text(self.executed),
            "cummulativeQuoteQty": _text(self.executed_quote),
            "status": self.status,
            "time": self.time_ms,
            "fills": self.fills,
        }


class Oracle:
    """Reads the record, as far as it has grown, into books of its own."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._read = 0
        self._problems: dict[str, list[str]] = {name: [] for name in CHECKS}
        self._late: set[tuple[str, int]] = set()
        self.orders: dict[tuple[str, int], OracleOrder] = {}
        self.totals: dict[str, dict[str, Decimal]] = {}
        self.deposits: dict[str, Decimal] = defaultdict(Decimal)
        self.outside: dict[str, Decimal] = defaultdict(Decimal)
        self.fees: dict[str, Decimal] = defaultdict(Decimal)

    def catch_up(self) -> None:
        facts = self._record.facts
        while self._read < len(facts):
            kind, *rest = facts[self._read]
            self._read += 1
            if kind == "deposit":
                self._deposit(*rest)
            elif kind == "order":
                self._order(*rest)
            elif kind == "fill":
                self._fill(*rest)
            elif kind == "late":
                self._late.add((rest[0], rest[1]))
            else:
                self._end(*rest)

    def _deposit(self, key: str, asset: str, amount: int) -> None:
        self._move(key, asset, scale.decimal(amount))
        self.deposits[asset] += scale.decimal(amount)

    def _order(
        self, key: str, symbol: str, order_id: int, client_order_id: str, buy: bool, *rest: Any
    ) -> None:
        order_type, time_in_force, price, quantity, time_ms, base, quote = rest
        if (symbol, order_id) in self.orders:
            self._problems["order_ids"].append(f"order id {symbol} {order_id} used twice")
        self.orders[symbol, order_id] = OracleOrder(
            account=key,
            symbol=symbol,
            id=order_id,
            client_order_id=client_order_id,
            buy=buy,
            type=order_type,
            time_in_force=time_in_force,
            price=scale.decimal(price),
            quantity=scale.decimal(quantity),
            time_ms=time_ms,
            base=base,
            quote=quote,
        )

    def _fill(self, symbol: str, order_id: int, trade_id: int, price: int, quantity: int, *rest: Any) -> None:
        fee_amount, fee_asset, maker, rate, fee_price, time_ms = rest
        order = self.orders[symbol, order_id]
        paid, got, fee = scale.decimal(price), scale.decimal(quantity), scale.decimal(fee_amount)
        notional = (paid * got).quantize(_UNIT, ROUND_DOWN)
        order.executed += got
        order.executed_quote += notional
        if order.executed > order.quantity:
            self._problems["fills"].append(f"order {symbol} {order_id} filled beyond its quantity")
        if order.ended is not None and (symbol, order_id) not in self._late:
            self._problems["fills"].append(f"order {symbol} {order_id} filled after its end")
        if order.type != "MARKET" and (paid > order.price if order.buy else paid < order.price):
            self._problems["limits"].append(f"order {symbol} {order_id} filled beyond its limit")
        owed = _fee(order, got, notional, scale.decimal(rate), fee_price)
        if owed != (fee, fee_asset) and not (fee_price and owed[0] == fee):
            self._problems["fees"].append(
                f"order {symbol} {order_id} paid {fee} {fee_asset} as fee instead of {owed[0]} {owed[1]}"
            )
        sign = 1 if order.buy else -1
        self._move(order.account, order.base, sign * got)
        self._move(order.account, order.quote, -sign * notional)
        self._move(order.account, fee_asset, -fee)
        self.outside[order.base] -= sign * got
        self.outside[order.quote] += sign * notional
        self.fees[fee_asset] += fee
        order.fills.append(
            {
                "tradeId": trade_id,
                "price": _text(paid),
                "qty": _text(got),
                "quoteQty": _text(notional),
                "commission": _text(fee),
                "commissionAsset": fee_asset,
                "isMaker": maker,
                "time": time_ms,
            }
        )

    def _end(self, symbol: str, order_id: int, status: str) -> None:
        self.orders[symbol, order_id].ended = status

    def _move(self, key: str, asset: str, amount: Decimal) -> None:
        totals = self.totals.setdefault(key, {})
        totals[asset] = totals.get(asset, _ZERO) + amount

    def balances(self, key: str) -> dict[str, dict[str, str]]:
        """Free, locked and total per asset of one account, from the record alone."""
        return {
            asset: {"free": _text(total - locked), "locked": _text(locked), "total": _text(total)}
            for asset, (total, locked) in sorted(self._positions(key).items())
        }

    def _positions(self, key: str) -> dict[str, tuple[Decimal, Decimal]]:
        locks: dict[str, Decimal] = defaultdict(Decimal)
        for order in self.orders.values():
            if order.account == key:
                asset, amount = order.lock
                locks[asset] += amount
        return {asset: (total, locks[asset]) for asset, total in self.totals.get(key, {}).items()}

    def differences(self, matching: "Matching") -> list[str]:
        """Everything in which the exchange's own state differs from these books; empty means consistent."""
        return [found for failed in self.checks(matching).values() for found in failed]

    def checks(self, matching: "Matching") -> dict[str, list[str]]:
        """What failed, per check; every check is there, also those that hold."""
        self.catch_up()
        found = {name: list(problems) for name, problems in self._problems.items()}
        for key, account in matching.accounts.items():
            ours = self._positions(key)
            for asset in sorted({*ours, *account.free, *account.locked}):
                total, locked = ours.get(asset, (_ZERO, _ZERO))
                free = scale.decimal(account.free.get(asset, 0))
                held = scale.decimal(account.locked.get(asset, 0))
                if (free, held) != (total - locked, locked):
                    found["balances"].append(
                        f"{key} {asset}: oracle {total - locked}+{locked}, exchange {free}+{held}"
                    )
                if free < 0 or held < 0:
                    found["balances"].append(f"{key} {asset}: negative balance {free}+{held}")
            found["orders"] += self._order_differences(key, account.orders)
        found["conservation"] += self._created(matching)
        return found

    def _order_differences(self, key: str, theirs: "dict[str, list[Order]]") -> list[str]:
        listed = {(symbol, order.id): order for symbol, orders in theirs.items() for order in orders}
        ours = {place: order for place, order in self.orders.items() if order.account == key}
        found = [
            f"{key} order {place} stands in one book only" for place in sorted(listed.keys() ^ ours.keys())
        ]
        for place in listed.keys() & ours.keys():
            mine, other = ours[place], listed[place]
            if (mine.status, mine.executed) != (other.status.value, scale.decimal(other.filled)):
                found.append(
                    f"{key} order {place}: oracle {mine.status} {mine.executed}, exchange {other.status}"
                )
        return found

    def _created(self, matching: "Matching") -> list[str]:
        """Compare the sum of all money with what came in: nothing may be created or lost."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for account in matching.accounts.values():
            for balances in (account.free, account.locked):
                for asset, amount in balances.items():
                    sums[asset] += scale.decimal(amount)
        return [
            f"{asset}: deposits {self.deposits[asset]} but {sums[asset]} held"
            for asset in sorted({*sums, *self.deposits})
            if sums[asset] + self.outside[asset] + self.fees[asset] != self.deposits[asset]
        ]

    def shown(self, matching: "Matching", key: str | None = None, *, orders: bool = True) -> dict[str, Any]:
        """The whole of it as JSON, for one account or all; without the orders where they are too many."""
        checks = self.checks(matching)
        differences = [found for failed in checks.values() for found in failed]
        keys = [key] if key is not None else list(matching.accounts)
        return {
            "consistent": not differences,
            "differences": differences,
            "checks": checks,
            "facts": self._read,
            "accounts": {
                one: {
                    "balances": self.balances(one),
                    "orders": self._orders_of(one) if orders else [],
                }
                for one in keys
            },
        }

    def _orders_of(self, key: str) -> list[dict[str, Any]]:
        return [order.shown() for order in self.orders.values() if order.account == key]


def _fee(
    order: OracleOrder, got: Decimal, notional: Decimal, rate: Decimal, fee_price: int
) -> tuple[Decimal, str]:
    """What one fill owes: a part of what it received or, with a price of one, of a third asset.

    Each step is cut to 8 decimals, as the exchange says it does.
    """
    if fee_price:
        value = (notional * rate).quantize(_UNIT, ROUND_DOWN)
        value = (value * _THIRD_ASSET_SHARE).quantize(_UNIT, ROUND_DOWN)
        return (value / scale.decimal(fee_price)).quantize(_UNIT, ROUND_DOWN), "of the third asset"
    received, asset = (got, order.base) if order.buy else (notional, order.quote)
    return (received * rate).quantize(_UNIT, ROUND_DOWN), asset


def _text(value: Decimal) -> str:
    return f"{value:.8f}"
