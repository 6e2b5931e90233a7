"""What records a lone confirmation in few statements must record what the functions for everything do."""

import json
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from tests.sql.capital.trading import EXCHANGE_TIME, fill_item, next_intent, order_item
from tests.sql.capital.world import OPERATOR, Tenant, World
from tests.sql.lifecycle.leftovers import left

_WITHOUT = """
CREATE OR REPLACE FUNCTION engine.book_plain_fill(p_order engine.orders, p_item jsonb, p_now timestamptz)
RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb'
"""
_SHORT = (
    "SELECT count(*) FROM engine.facts WHERE tenant_id = $1 AND intent_id = $2 AND type = 'fill' AND part = 0"
)


@dataclass(frozen=True)
class Told:
    """What the exchange says of a buy of 0.01 at 50,000 or a sell of 0.007; plain: the short way takes it."""

    name: str
    status: str | None = "open"
    fills: list[dict[str, Any]] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    plain: bool = True
    before: str = ""  # what else the profile has seen
    kind: str = "entry"

    @property
    def side(self) -> str:
        return "buy" if self.kind == "entry" else "sell"

    @property
    def function(self) -> str:
        return f"fn_persist_{self.kind}_lifecycle"

    def item(self, tenant: Tenant, intent: UUID) -> dict[str, Any]:
        fills = [
            fill_item(tenant, "e1", f"t{number}", **{"maker": None, "side": self.side, **one})
            for number, one in enumerate(self.fills)
        ]
        told = {"intent_id": str(intent), "exchange_order_id": "e1", "exchange_time": EXCHANGE_TIME}
        return {**told, "status": self.status, "fills": fills, **self.more}


def part(quantity: str, price: str = "50000", fee: str = "0", asset: str | None = "USDT", **more: Any) -> Any:
    return {"quantity": quantity, "price": price, "fee_quantity": fee, "fee_asset": asset, **more}


WHOLE = part("0.01", "49990.5", "0.4999")
INFERRED = {**WHOLE, "inferred": True, "exchange_trade_id": "inferred:0.01", "average_price": "49990.5"}
HALF = part("0.005", "49990", "0.000005", "BTC")
CASES = [
    Told("resting"),
    Told("no word of a status", status=None, more={"fills": None}),
    Told("filled", "filled", [WHOLE], {"filled_quantity": "0.01", "evidence": {"raw": "x"}}),
    Told("filled without a fee", "filled", [part("0.01", asset=None)]),
    Told("filled at its limit, nothing left to release", "filled", [part("0.01", "50000", "0.5")]),
    Told("filled in three parts", "filled",
         [part("0.003", "49000", "0.1"), HALF, part("0.002", "49999.99", "0", None)]),
    Told("a part, still open", "open", [HALF], {"filled_quantity": "0.005"}),
    Told("a part, then canceled", "canceled", [HALF], {"filled_quantity": "0.005"}),
    Told("a part, then expired, too small to sell", "expired", [part("0.0001", "49990", "0.00005", "BTC")]),
    Told("canceled unfilled", "canceled"),
    Told("rejected", "rejected", more={"filled_quantity": "0"}),
    Told("all filled, yet called canceled", "canceled", [WHOLE]),
    Told("bought again", "filled", [WHOLE], before="held"),
    Told("bought to dust", "filled", [WHOLE], before="dust"),
    Told("canceled unfilled beside dust to be", "canceled", before="dust held back"),
    Told("cancel requested", "canceled", before="cancel"),
    Told("a fee in a third asset", "filled", [part("0.01", "50000", "0.001", "BNB")], plain=False),
    Told("a valued fee", "filled",
         [part("0.01", "49000", "0.001", "BNB", fee_rate="600", rate_source="x")], plain=False),
    Told("a rebate", "filled", [part("0.01", "50000", "-0.1")], plain=False),
    Told("dearer than it reserved", "filled", [part("0.01", "51000", "0.5")], plain=False),
    Told("fills are missing", "filled", [HALF], plain=False),
    Told("canceled, fills are missing", "canceled", [HALF], {"filled_quantity": "0.007"}, plain=False),
    Told("filled without any fill", "filled", plain=False),
    Told("a fill is inferred", "filled", [INFERRED], plain=False),
    Told("one trade told twice", "open",
         [{**HALF, "exchange_trade_id": "t"}, {**HALF, "exchange_trade_id": "t"}], plain=False),
    Told("fills are parked", "filled", [HALF], plain=False, before="parked"),
    Told("it was held for absent", "filled", [WHOLE], plain=False, before="absent"),
    Told("replay", "filled", [WHOLE], plain=False, before="told"),
]  # fmt: skip
SOLD = part("0.007", "51000.5", "0.357")
THIRD = part("0.002333", "49000.01", "0.1")
EXITS = [
    Told("resting"),
    Told("all sold with a profit", "filled", [SOLD], {"filled_quantity": "0.007"}),
    Told("all sold with a loss", "filled", [part("0.007", "40000", "0")]),
    Told("sold in three parts", "filled", [THIRD, THIRD, part("0.002334", "52000", "0", None)]),
    Told("a part, still open", "open", [THIRD]),
    Told("a part, then canceled", "canceled", [THIRD], {"filled_quantity": "0.002333"}),
    Told("a part, then expired, the rest too small to sell", "expired", [part("0.00695", "50000", "0.3")]),
    Told("canceled unfilled", "canceled"),
    Told("rejected", "rejected"),
    Told("cancel requested", "filled", [SOLD], before="cancel"),
    Told("another exit holds the rest", "filled", [part("0.0035", "51000", "0.1")], before="two exits"),
    Told("another exit is open, canceled unfilled", "canceled", before="two exits"),
    Told("a fee in base", "canceled", [part("0.001", "50000", "0.000001", "BTC")], plain=False),
    Told("a fee in a third asset", "filled", [part("0.007", "50000", "0.001", "BNB")], plain=False),
    Told("a fee above the price", "filled", [part("0.007", "50000", "400")], plain=False),
    Told("a rebate", "filled", [part("0.007", "50000", "-0.1")], plain=False),
    Told("fills are missing", "filled", [THIRD], plain=False),
    Told("fills are parked", "filled", [THIRD], plain=False, before="parked"),
    Told("it was held for absent", "filled", [SOLD], plain=False, before="absent"),
    Told("replay", "filled", [SOLD], plain=False, before="told"),
]  # fmt: skip
ALL = [*CASES, *(replace(told, kind="exit") for told in EXITS)]


async def prepare(world: World, tenant: Tenant, told: Told, intent: UUID, past: UUID) -> None:
    """Give the profile its past, then an intent that is being sent."""
    item = order_item(tenant, "e1", intent_id=str(intent), client_order_id="ce1")
    if told.kind == "exit":
        item |= {"quantity": "0.0035" if told.before == "two exits" else "0.007"}
    size = {"held": ("0.004", "0"), "dust": ("0.0001", "0.00002"), "dust held back": ("0.0001", "0.00002")}
    if told.kind == "exit" or told.before in size:
        quantity, fee = size.get(told.before, ("0.007", "0"))
        earlier = order_item(tenant, "past", quantity=quantity, intent_id=str(past), client_order_id="cpast")
        await world.call("fn_open_entry", tenant.id, [earlier])
        order = {"intent_id": str(past), "exchange_order_id": "past", "status": "open"}
        await world.call("fn_persist_entry_lifecycle", tenant.id, [order])
        if told.before == "dust held back":  # by the reservation of the entry, until that has ended
            await world.call("fn_open_entry", tenant.id, [item])
        fill = fill_item(tenant, "past", "past", **part(quantity, "50000", fee, "BTC"))
        await world.call("fn_apply_fill", tenant.id, [fill])
    if told.before == "two exits":
        further = str(UUID(int=past.int + (1 << 40)))
        other = order_item(tenant, "x2", quantity="0.0035", intent_id=further, client_order_id="cx2")
        await world.call("fn_open_exit", tenant.id, [other])
    if told.before != "dust held back":
        await world.call(f"fn_open_{told.kind}", tenant.id, [item])
    if told.before == "cancel":
        await world.call("fn_request_cancel", tenant.id, [{"intent_id": str(intent), "actor": OPERATOR}])
    elif told.before == "parked":
        parked = {**HALF, **part("0.003", "50000", "0.1"), "side": told.side}
        await world.call("fn_apply_fill", tenant.id, [fill_item(tenant, "e1", "t8", **parked)])
    elif told.before == "told":
        await world.call(told.function, tenant.id, [told.item(tenant, intent)])
    elif told.before == "absent":
        token = (await world.call("fn_get_order", tenant.id, intent))["fencing_token"]
        absent = {"intent_id": str(intent), "fencing_token": token, "reason": "absent"}
        await world.call("fn_not_placed", tenant.id, [absent])


async def is_plain(world: World, told: Told, intent: UUID) -> bool:
    """Whether the short way would take the first tenant's; nothing of it is kept."""
    trying = world.admin.transaction()
    await trying.start()
    item = json.dumps(told.item(world.one, intent))
    taken: bool = await world.admin.fetchval(
        "SELECT engine.persist_lone($1, $2, $3, engine.fn_clock()) IS NOT NULL", world.one.id, item, told.kind
    )
    await trying.rollback()
    return taken


@pytest.mark.parametrize("told", ALL, ids=lambda told: f"{told.kind}: {told.name}")
async def test_few_statements_leave_what_all_of_them_do(world: World, told: Told) -> None:
    """The same confirmation by the short way and by the functions for everything: all rows are equal."""
    intent, past = next_intent(), next_intent()
    await world.call("fn_allocate", world.other.id, world.other.profile, 1000, "first", OPERATOR, "start")
    for tenant in (world.one, world.other):
        await prepare(world, tenant, told, intent, past)
    assert await left(world, world.one) == await left(world, world.other)
    assert told.plain == await is_plain(world, told, intent)
    await world.admin.execute(_WITHOUT)
    (short,) = await world.call(told.function, world.one.id, [told.item(world.one, intent)])
    (whole,) = json.loads(
        await world.admin.fetchval(
            "SELECT engine.persist_lifecycle($1, $2, $3, engine.fn_clock())",
            world.other.id,
            json.dumps([told.item(world.other, intent)]),
            told.kind,
        )
    )
    assert whole == short
    assert await left(world, world.other) == await left(world, world.one)
    await world.consistent()


@pytest.mark.parametrize(
    "wrong", [{"price": "1e3"}, {"quantity": "0"}, {"side": "sell"}, {"fee_asset": None}]
)
async def test_what_is_no_fill_is_refused_whole(world: World, wrong: dict[str, Any]) -> None:
    """A number or side that no fill has is refused by its code, and nothing of the confirmation stays."""
    intent = next_intent()
    await prepare(world, world.one, CASES[0], intent, intent)
    item = Told("wrong", "filled", [{**WHOLE, **wrong}]).item(world.one, intent)
    code = "23514" if "quantity" in wrong else "HF422"
    await world.leaves_nothing(
        lambda: world.refused(code, "fn_persist_entry_lifecycle", world.one.id, [item])
    )


async def test_an_array_is_recorded_as_one_by_one(world: World) -> None:
    """Filled, resting, ended and unknown ones in one array: each gets what it gets alone."""
    profiles = [await world.one.add_profile(world.conn, next_intent(), f"p{number}") for number in range(4)]
    items = []
    for number, profile in enumerate(profiles):
        await world.call("fn_allocate", world.one.id, profile, 600, f"give-{number}", OPERATOR, None)
        entry = order_item(world.one, f"e{number}", profile_id=str(profile))
        await world.call("fn_open_entry", world.one.id, [entry])
        items.append({"intent_id": entry["intent_id"], "exchange_order_id": f"e{number}"})
    filled = {**items[0], "status": "filled", "fills": [fill_item(world.one, "e0", "t0", **WHOLE)]}
    third = part("0.01", "49000", "0.001", "BNB")
    valued = {**items[1], "status": "filled", "fills": [fill_item(world.one, "e1", "t1", **third)]}
    resting, canceled = {**items[2], "status": "open"}, {**items[3], "status": "canceled"}
    unknown = {**items[3], "intent_id": str(next_intent())}
    told = [resting, filled, unknown, valued, canceled]
    answer = await world.call("fn_persist_entry_lifecycle", world.one.id, told)
    assert ["OK", "OK", "NOT_FOUND", "OK", "OK"] == [one["code"] for one in answer]
    assert ["open", "filled", None, "filled", "canceled"] == [one.get("order_status") for one in answer]
    assert [[], ["OK"], None, ["OK"], []] == [one.get("fills") for one in answer]
    twice = await world.call("fn_persist_entry_lifecycle", world.one.id, [filled, resting, filled])
    assert [True, True, True] == [one["replay"] for one in twice]
    await world.consistent()


_TWENTIETH = part("0.0005", "49990", "0.02")


@dataclass(frozen=True)
class Streamed:
    """Fills that come one by one to a buy of 0.01 at 50,000 or a sell of 0.007; plain: how many are."""

    name: str
    fills: list[dict[str, Any]]
    plain: int
    kind: str = "entry"
    end: dict[str, Any] | None = None  # what the exchange has said of the order's end before
    before: str = ""


STREAMED = [
    Streamed("one whole", [WHOLE], 1),
    Streamed("three parts", [HALF, part("0.002", "49000", "0"), part("0.003", "50000", "0.15")], 3),
    Streamed("a part", [HALF], 1),
    Streamed("too small to sell", [part("0.0001", "49990", "0.00005", "BTC")], 1),
    Streamed("into dust", [HALF, HALF], 2, before="dust"),
    Streamed("a third asset's fee first", [part("0.002", "49000", "0.001", "BNB"), HALF], 0),
    Streamed("a third asset's fee last", [HALF, part("0.005", "49000", "0.001", "BNB")], 1),
    Streamed("dearer than what is left", [HALF, part("0.005", "51000", "0.5")], 1),
    Streamed("its end waits for them", [HALF, _TWENTIETH], 0, end={"status": "canceled", "filled": "0.0055"}),
    Streamed("after its end", [HALF], 0, end={"status": "canceled", "filled": "0"}),
    Streamed("sold whole", [SOLD], 1, "exit"),
    Streamed("sold in parts", [THIRD, THIRD, part("0.002334", "52000", "0", None)], 3, "exit"),
    Streamed(
        "sold in part, with a fee in base", [THIRD, part("0.001", "50000", "0.000001", "BTC")], 1, "exit"
    ),
    Streamed("sold after its end", [THIRD], 0, "exit", end={"status": "expired", "filled": "0"}),
    Streamed("sold beside another exit", [part("0.0035", "51000", "0.1")], 1, "exit", before="two exits"),
]


@pytest.mark.parametrize("told", STREAMED, ids=lambda told: f"{told.kind}: {told.name}")
async def test_a_plain_fill_leaves_what_any_does(world: World, told: Streamed) -> None:
    """The same fills of an open order with and without the short way: all answers and rows are equal."""
    intent, past = next_intent(), next_intent()
    await world.call("fn_allocate", world.other.id, world.other.profile, 1000, "first", OPERATOR, "start")
    order = Told(told.name, kind=told.kind, before=told.before)
    answers = []
    for tenant in (world.one, world.other):
        if tenant is world.other:
            await world.admin.execute(_WITHOUT)
        await prepare(world, tenant, order, intent, past)
        await world.call(order.function, tenant.id, [order.item(tenant, intent)])
        if told.end:
            end = {"intent_id": str(intent), "status": told.end["status"]}
            await world.call("fn_finish_order", tenant.id, [{**end, "filled_quantity": told.end["filled"]}])
        for number, fill in enumerate(told.fills):
            item = fill_item(tenant, "e1", f"t{number}", **{"maker": None, "side": order.side, **fill})
            (answer,) = await world.call("fn_apply_fill", tenant.id, [item])
            answers.append({name: value for name, value in answer.items() if name != "event_id"})
    assert answers[: len(told.fills)] == answers[len(told.fills) :]
    assert await left(world, world.other) == await left(world, world.one)
    assert told.plain == await world.admin.fetchval(_SHORT, world.one.id, intent)
    assert 0 == await world.admin.fetchval(_SHORT, world.other.id, intent)
    await world.consistent()
