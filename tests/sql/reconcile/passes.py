"""A reconciliation pass as the tests make it, step by step, and what an exchange would show to it."""

import json
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID, uuid4

from tests.sql.capital.world import SYMBOL, Tenant, World

REGISTERED_LATER = "2099-01-01T00:00:00+00:00"
COLUMNS = ("intent_id", "exchange_order_id", "status", "side", "filled_quantity", "quantity")
BALANCES = {"USDT": "10000", "BTC": "1"}


@dataclass(slots=True)
class Passes:
    """The holder of the first account's lease, and its passes."""

    world: World
    token: int
    holder: UUID = field(default_factory=uuid4)
    pass_id: int = 0
    began_at: str = ""
    lock_token: int = 0

    @classmethod
    async def of(cls, world: World) -> Self:
        holder = uuid4()
        lease = await world.call("fn_take_lease", world.one.id, world.one.account, holder, 600_000)
        assert "OK" == lease["code"]
        return cls(world, lease["fencing_token"], holder)

    async def begin(
        self, *, cause: str = "test", profile: UUID | None = None, dry_run: bool = False
    ) -> dict[str, Any]:
        """Begin a pass and take the profile's lock; its plan."""
        one = self.world.one
        plan: dict[str, Any] = await self.world.call(
            "fn_begin_pass", one.id, one.account, self.token, cause, profile, dry_run
        )
        self.pass_id, self.began_at = plan["pass_id"], plan["began_at"]
        (lock,) = await self.lock(self.holder, 600_000)
        self.lock_token = lock["fencing_token"]
        return plan

    async def lock(self, holder: UUID, ttl_ms: int, *profiles: UUID) -> list[dict[str, Any]]:
        """Take the locks of some profiles of the first account, of its first if none is named."""
        one = self.world.one
        args = (one.id, one.account, profiles or (one.profile,), holder, self.token, ttl_ms)
        answer: list[dict[str, Any]] = await self.world.call("fn_lock_reconciliation", *args)
        return answer

    def part(self, **shown: Any) -> dict[str, Any]:
        """A profile's part: nothing is shown, everything was read. `orders` are rows, each from `report`."""
        rows = shown.pop("orders", [])
        return {
            "began_at": self.began_at,
            "open_symbols": [SYMBOL],
            "trade_symbols": [{"symbol": SYMBOL, "since": "2026-01-01T00:00:00+00:00"}],
            "orders": {name: [row[name] for row in rows] for name in COLUMNS},
            "fills": [],
            **shown,
        }

    async def compare(self, **shown: Any) -> dict[str, Any]:
        one = self.world.one
        answer: dict[str, Any] = await self.world.call(
            "fn_compare_profile", one.id, one.profile, self.lock_token, self.part(**shown)
        )
        return answer

    async def account(self, *, dry_run: bool = False, **shown: Any) -> dict[str, Any]:
        """Compare the account: the balances it was registered with, unless told."""
        one = self.world.one
        part = {"began_at": self.began_at, "cursors_same": True, "balances": BALANCES, **shown}
        answer: dict[str, Any] = await self.world.call(
            "fn_compare_account", one.id, one.account, self.token, dry_run, part
        )
        return answer

    async def finish(
        self,
        outcome: str = "clean",
        found: list[dict[str, Any]] | None = None,
        cursors: list[dict[str, Any]] | None = None,
        **compared: Any,
    ) -> dict[str, Any]:
        one = self.world.one
        given = {"complete": True, "skipped": [], **compared}
        args = (one.id, self.pass_id, self.token, outcome, given, found or [], cursors or [], None)
        answer: dict[str, Any] = await self.world.call("fn_finish_pass", *args)
        return answer


async def owners(world: World, tenant: Tenant, *asked: tuple[str, str, str | None]) -> list[Any]:
    """Whose orders (symbol, exchange order id, client order id) are: profile, intent, state, or None."""
    names = ("symbol", "exchange_order_id", "client_order_id")
    columns = {name: [one[place] for one in asked] for place, name in enumerate(names)}
    rows = await world.conn.fetch(
        "SELECT * FROM engine.fn_attribute_orders($1, $2, $3)", tenant.id, tenant.account, json.dumps(columns)
    )
    found = {row["place"]: (row["profile_id"], row["intent_id"], row["state"]) for row in rows}
    assert len(rows) == len(found)
    return [found.get(place) for place in range(len(asked))]


def report(intent: UUID | str, order: str, **changes: Any) -> dict[str, Any]:
    """An order of a part: open, nothing filled."""
    return {
        "intent_id": str(intent),
        "symbol": SYMBOL,
        "exchange_order_id": order,
        "client_order_id": None,
        "status": "open",
        "filled_quantity": "0",
        "side": "buy",
        "quantity": "0.01",
        "exchange_time": None,
        **changes,
    }


def trade(order: str, trade_id: str, **changes: Any) -> dict[str, Any]:
    """A trade of a part, or of foreign_fills."""
    return {
        "symbol": SYMBOL,
        "exchange_order_id": order,
        "exchange_trade_id": trade_id,
        "client_order_id": None,
        "side": "buy",
        "price": "49990",
        "quantity": "0.004",
        "fee_quantity": None,
        "fee_asset": None,
        "exchange_time": REGISTERED_LATER,
        **changes,
    }


def kinds(answer: dict[str, Any], of: str = "mismatches") -> list[tuple[str, str]]:
    """Kind and key of what was found."""
    return sorted((one["kind"], one["key"]) for one in answer[of])


def found(answer: dict[str, Any], outcome: str = "open") -> list[dict[str, Any]]:
    """What was found, as fn_finish_pass takes it."""
    return [
        {
            "profile_id": None,
            "intent_id": None,
            "cause": None,
            **one,
            "detail": {
                **one["detail"],
                "symbol": one.get("symbol"),
                "exchange_order_id": one.get("exchange_order_id"),
            },
            "outcome": outcome,
        }
        for one in answer["mismatches"]
    ]
