"""The judge: the exchange's own books against the ledger, and the ledger against itself."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from engine.ledger import watch
from engine.paper.oracle import OracleOrder
from tests.torture.scene import Scene
from tests.torture.world import TAG

ZERO = Decimal(0)
MUST_BE_ZERO = (
    "duplicate_orders",
    "unknown_orders",
    "capital_errors",
    "premature_releases",
    "invariant_violations",
    "fills_lost",
    "fills_double",
)
NOT_CONVERGED = "not_converged"
_STATUS = {
    "NEW": "open",
    "PARTIALLY_FILLED": "open",
    "FILLED": "filled",
    "CANCELED": "canceled",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
}
_UNRESOLVED = {"sending", "in_doubt", "needs_operator"}
STATE = """
SELECT jsonb_build_object(
  'intents', (SELECT jsonb_object_agg(i.intent_id, to_jsonb(i)) FROM engine.intents i WHERE tenant_id = $1),
  'orders', (SELECT jsonb_object_agg(o.intent_id, to_jsonb(o)) FROM engine.orders o WHERE tenant_id = $1),
  'fills', (SELECT jsonb_agg(to_jsonb(f)) FROM engine.fills f WHERE tenant_id = $1),
  'parked', (SELECT count(*) FROM engine.unmatched_fills WHERE tenant_id = $1),
  'reservations', (SELECT jsonb_object_agg(r.intent_id, to_jsonb(r)) FROM engine.reservations r
                   WHERE tenant_id = $1),
  'capital', (SELECT jsonb_object_agg(c.profile_id, to_jsonb(c)) FROM engine.profile_capital c
              WHERE tenant_id = $1),
  'positions', (SELECT jsonb_agg(to_jsonb(p)) FROM engine.positions p WHERE tenant_id = $1),
  'locks', (SELECT jsonb_agg(to_jsonb(l)) FROM engine.entry_locks l
            WHERE tenant_id = $1 AND intent_id IS NOT NULL),
  'unassigned', (SELECT jsonb_object_agg(u.asset, u.quantity) FROM engine.unassigned_holdings u
                 WHERE tenant_id = $1),
  'unassigned_sums', (SELECT jsonb_object_agg(s.asset, s.total) FROM
                      (SELECT asset, sum(delta) AS total FROM engine.unassigned_events
                       WHERE tenant_id = $1 GROUP BY asset) s),
  'journal', (SELECT jsonb_agg(to_jsonb(s)) FROM
              (SELECT l.profile_id, l.account,
                      sum(CASE WHEN l.side = 'DEBIT' THEN l.amount ELSE -l.amount END) AS total
               FROM (SELECT profile_id, debit_account::text AS account, 'DEBIT' AS side, amount
                     FROM engine.journal WHERE tenant_id = $1
                     UNION ALL
                     SELECT profile_id, credit_account::text, 'CREDIT', amount
                     FROM engine.journal WHERE tenant_id = $1) l GROUP BY 1, 2) s),
  'releases', (SELECT jsonb_agg(jsonb_build_object('intent_id', intent_id, 'type', type, 'event_id', event_id,
                                                   'at', extract(epoch FROM recorded_at)))
               FROM engine.economic_events WHERE tenant_id = $1 AND type::text = 'release'),
  'events', (SELECT count(*) FROM engine.economic_events WHERE tenant_id = $1),
  'outbox', (SELECT count(*) FROM engine.outbox WHERE tenant_id = $1),
  'account_mode', (SELECT mode FROM engine.exchange_accounts WHERE tenant_id = $1))
"""
_SIGNS = {  # of a ledger account's figure in terms of debit minus credit
    "AVAILABLE": ("available", 1),
    "RESERVED_FOR_ORDERS": ("reserved_for_orders", 1),
    "RESERVED_FOR_POSITIONS": ("reserved_for_positions", 1),
    "DUST": ("dust", 1),
    "CAPITAL": ("allocated", -1),
    "TRADING_PNL": ("trading_pnl", -1),
    "FEES": ("fees", 1),
}


@dataclass(slots=True)
class Findings:
    """What must be zero, with what was seen."""

    counts: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)

    def add(self, kind: str, detail: str) -> None:
        """Note something that must not be."""
        self.counts[kind] += 1
        self.details.append(f"{kind}: {detail}")

    def merge(self, other: "Findings") -> None:
        """Take what another check found."""
        self.counts.update(other.counts)
        self.details.extend(other.details)

    def __bool__(self) -> bool:
        return bool(self.details)


@dataclass(slots=True)
class State:
    """The ledger of one tenant, read at one moment, and the exchange's own books of its account."""

    scene: Scene
    rows: dict[str, Any]
    theirs: list[OracleOrder]
    totals: dict[str, Decimal]
    tag: str = TAG

    @property
    def intents(self) -> dict[str, Any]:
        return self.rows["intents"] or {}

    @property
    def orders(self) -> dict[str, Any]:
        return self.rows["orders"] or {}

    @property
    def mark(self) -> tuple[Any, ...]:
        """What a pass that finds nothing leaves as it is."""
        intents = sorted((key, each["state"], each["fencing_token"]) for key, each in self.intents.items())
        orders = sorted((key, each["status"], each["booked_quantity"]) for key, each in self.orders.items())
        counts = tuple(self.rows[name] for name in ("events", "outbox", "parked"))
        return (
            tuple(intents),
            tuple(orders),
            counts,
            len(self.rows["fills"] or []),
            self.rows["account_mode"],
        )

    def ours(self) -> dict[str, list[OracleOrder]]:
        """Return the exchange's orders with our tag, by client order id."""
        found: dict[str, list[OracleOrder]] = {}
        for order in self.theirs:
            if order.client_order_id.startswith(self.tag) and order.client_order_id not in self.scene.foreign:
                found.setdefault(order.client_order_id, []).append(order)
        return found


async def read_state(scene: Scene) -> State:
    """Read both sides."""
    world = scene.world
    rows = (await world.rows(STATE, scene.tenant_id))[0][0]
    world.paper.oracle.catch_up()  # nothing may come between this and its reading
    oracle, account = world.paper.oracle, world.paper.matching.accounts[scene.key]
    theirs = [
        oracle.orders[symbol, order.id] for symbol, orders in account.orders.items() for order in orders
    ]
    return State(scene, rows, theirs, dict(oracle.totals.get(scene.key, {})))


async def check(scene: Scene) -> tuple[Findings, State]:
    """Judge a scene that has come to rest."""
    state = await read_state(scene)
    found = judged(state)
    for name, profile_id in scene.profiles.items():
        checked = await watch.check_profile(scene.world.observer, scene.tenant_id, profile_id, "torture")
        for violation in checked.violations:
            found.add("invariant_violations", f"the watchdog of {name}: {violation}")
    return found, state


def judged(state: State) -> Findings:
    """Return everything that is not as it must be when all is at rest."""
    found = Findings()
    _always(state, found)
    _orders(state, found)
    _fills(state, found)
    _capital(state, found)
    _fees(state, found)
    _positions(state, found)
    _answers(state, found)
    return found


async def check_midway(scene: Scene) -> Findings:
    """Judge what must hold at any moment, also in the middle of it all."""
    state, found = await read_state(scene), Findings()
    _always(state, found)
    return found


def _always(state: State, found: Findings) -> None:
    by_client = {each["client_order_id"]: each for each in state.intents.values()}
    for client_order_id, orders in state.ours().items():
        if len(orders) > 1:
            found.add("duplicate_orders", f"{client_order_id} is {len(orders)} orders at the exchange")
        if client_order_id not in by_client:
            found.add("unknown_orders", f"{client_order_id} has no intent")
            continue
        _held(state, by_client[client_order_id], orders[0], found)
    for intent in state.intents.values():
        reservation = (state.rows["reservations"] or {}).get(intent["intent_id"])
        if intent["state"] in _UNRESOLVED and (
            reservation is None
            or reservation["released_at"] is not None
            or reservation["remaining"] != reservation["amount"]
        ):
            found.add(
                "premature_releases", f"{intent['client_order_id']} {intent['state']} holds {reservation}"
            )
    for profile_id, capital in state.rows["capital"].items():
        if capital["available"] < 0 and capital["mode"] == "active":
            found.add("invariant_violations", f"{profile_id} has {capital['available']} and is active")
    _one_at_a_time(state, found)
    for row in state.rows["positions"] or []:
        # an exit that was held for ended may have been filled after all: then no other may be taken
        halted = state.rows["capital"][row["profile_id"]]["mode"] == "halted"
        if row["reserved_quantity"] > row["quantity"] and not halted:
            found.add("capital_errors", f"{row['reserved_quantity']} in exits of {row['quantity']} held")
    for promise in state.scene.broken:
        found.add("invariant_violations", promise)
    state.scene.broken.clear()
    _journal(state, found)


def _one_at_a_time(state: State, found: Findings) -> None:
    entries: Counter[tuple[str, str]] = Counter()
    for intent in state.intents.values():
        if intent["kind"] == "entry" and intent["state"] in _UNRESOLVED:
            entries[intent["profile_id"], intent["symbol"]] += 1
    for (_, symbol), count in entries.items():
        if count > 1:
            found.add("duplicate_orders", f"{count} entries of one profile on {symbol} at a time")


def _held(state: State, intent: dict[str, Any], order: OracleOrder, found: Findings) -> None:
    """An order that the exchange has is released only after its end, with all its fills booked."""
    name = intent["client_order_id"]
    if intent["state"] in {"rejected", "not_placed"}:
        found.add("premature_releases", f"{name} is {intent['state']}, and at the exchange")
        return
    if intent["exchange_order_id"] not in {None, str(order.id)}:
        found.add("unknown_orders", f"{name} is {order.id}, not {intent['exchange_order_id']}")
    reservation = (state.rows["reservations"] or {}).get(intent["intent_id"])
    if reservation is None:
        found.add("premature_releases", f"{name} has no reservation")
        return
    booked = (state.orders.get(intent["intent_id"]) or {"booked_quantity": ZERO})["booked_quantity"]
    late = (order.symbol, order.id) in state.scene.world.paper.oracle._late
    if reservation["released_at"] is not None and booked < order.executed and not late:
        found.add("premature_releases", f"{name} is released with {booked} of {order.executed} booked")
    if _STATUS[order.status] != "open":
        return
    if reservation["released_at"] is not None:
        found.add("premature_releases", f"{name} is open at the exchange and released")
    rest = order.quantity - order.executed
    needed = rest * (intent["limit_price"] or ZERO) if order.buy else rest
    if reservation["remaining"] < needed:
        found.add("premature_releases", f"{name} holds {reservation['remaining']} of {needed}")


def _journal(state: State, found: Findings) -> None:
    totals = {(row["profile_id"], row["account"]): row["total"] for row in state.rows["journal"] or []}
    for profile_id, capital in state.rows["capital"].items():
        for account, (column, sign) in _SIGNS.items():
            journal = sign * totals.get((profile_id, account), ZERO)
            if journal != capital[column]:
                found.add("capital_errors", f"{column} {capital[column]}, its journal {journal}")
    for asset, total in (state.rows["unassigned_sums"] or {}).items():
        held = (state.rows["unassigned"] or {}).get(asset, ZERO)
        if total != held:
            found.add("capital_errors", f"unassigned {asset} {held}, its events {total}")


def _orders(state: State, found: Findings) -> None:
    theirs = state.ours()
    for intent in state.intents.values():
        name = intent["client_order_id"]
        order = theirs.get(name, [None])[0]
        if intent["state"] in _UNRESOLVED:
            if not (intent["state"] == "needs_operator" and name in state.scene.operators):
                found.add(NOT_CONVERGED, f"{name} is {intent['state']}")
        elif intent["state"] == "confirmed":
            ours = state.orders.get(intent["intent_id"])
            if order is None or ours is None:
                found.add("unknown_orders", f"{name} is confirmed, the exchange has {order}, we have {ours}")
            elif ours["status"] != _STATUS[order.status] or ours["unconfirmed"]:
                found.add(NOT_CONVERGED, f"{name} is {ours['status']}, at the exchange {order.status}")
    unresolved = {each["intent_id"] for each in state.intents.values() if each["state"] in _UNRESOLVED}
    for lock in state.rows["locks"] or []:
        if lock["intent_id"] not in unresolved:
            found.add(NOT_CONVERGED, f"the entry lock of {lock['symbol']} is held by an ended intent")


def _fills(state: State, found: Findings) -> None:
    intents = {each["intent_id"]: each for each in state.intents.values()}
    booked: Counter[tuple[str, str]] = Counter()
    quantities: dict[tuple[str, str], Decimal] = {}
    for fill in state.rows["fills"] or []:
        if fill["inferred"] and fill["superseded_at"] is not None:
            continue
        key = (fill["symbol"].replace("/", ""), fill["exchange_order_id"])
        booked[key] += 1
        quantities[key] = quantities.get(key, ZERO) + fill["quantity"]
    known = {each["client_order_id"] for each in intents.values()}
    for order in state.theirs:
        if order.client_order_id not in known:
            continue
        key = (order.symbol, str(order.id))
        have = quantities.pop(key, ZERO)
        if have < order.executed or booked[key] < len(order.fills):
            found.add("fills_lost", f"{order.client_order_id}: {have} booked of {order.executed}")
        if have > order.executed or booked[key] > len(order.fills):
            found.add("fills_double", f"{order.client_order_id}: {have} booked, {order.executed} filled")
    for key, quantity in quantities.items():
        found.add("fills_double", f"{quantity} booked of an order that is none of ours: {key}")
    if state.rows["parked"]:
        found.add(NOT_CONVERGED, f"{state.rows['parked']} fills wait for their order")


def _capital(state: State, found: Findings) -> None:
    """Cash of each profile follows its own orders at the exchange, and all together is what is held there."""
    flows: dict[str, Decimal] = {}
    owner = {each["client_order_id"]: each["profile_id"] for each in state.intents.values()}
    for order in state.theirs:
        if order.client_order_id in owner:
            profile_id = owner[order.client_order_id]
            flows[profile_id] = flows.get(profile_id, ZERO) + _cash(order)
    if state.rows["account_mode"] != state.scene.account_mode:
        found.add(NOT_CONVERGED, f"the account is {state.rows['account_mode']}")
    cash = ZERO
    for name, profile_id in state.scene.profiles.items():
        capital = state.rows["capital"][str(profile_id)]
        held = capital["available"] + capital["reserved_for_orders"]
        expected = state.scene.given[name] + flows.get(str(profile_id), ZERO)
        if held != expected:
            found.add("capital_errors", f"{name} has {held} in cash instead of {expected}")
        if "false absence" in (capital["mode_reason"] or ""):
            found.add("premature_releases", f"{name} was halted for a false absence")
        if capital["mode"] != "active" and name not in state.scene.halted:
            found.add("capital_errors", f"{name} is {capital['mode']}: {capital['mode_reason']}")
        reserved = sum((_remaining(state, each) for each in _of(state, profile_id)), ZERO)
        if reserved != capital["reserved_for_orders"]:
            found.add(
                "capital_errors", f"{name} reserves {capital['reserved_for_orders']} instead of {reserved}"
            )
        cash += held
    positions = {row["base_asset"]: ZERO for row in state.rows["positions"] or []}
    for row in state.rows["positions"] or []:
        positions[row["base_asset"]] += row["quantity"]
    for asset, total in state.totals.items():
        ours = positions.get(asset, ZERO) + (cash if asset == "USDT" else ZERO)
        ours += (state.rows["unassigned"] or {}).get(asset, ZERO)
        if ours != total:
            found.add("capital_errors", f"{asset}: {ours} in the ledger, {total} at the exchange")


def _fees(state: State, found: Findings) -> None:
    """Fees of a profile are what the exchange charged it, valued in quote."""
    owner = {each["client_order_id"]: each["profile_id"] for each in state.intents.values()}
    fees: dict[str, Decimal] = {}
    for order in state.theirs:
        if order.client_order_id in owner and order.buy:
            profile_id = owner[order.client_order_id]
            fees[profile_id] = fees.get(profile_id, ZERO) + _fee_value(order)
        elif order.client_order_id in owner:
            profile_id = owner[order.client_order_id]
            charged = sum((_fee_in(fill, order.quote) for fill in order.fills), ZERO)
            fees[profile_id] = fees.get(profile_id, ZERO) + charged
    for name, profile_id in state.scene.profiles.items():
        booked = state.rows["capital"][str(profile_id)]["fees"]
        if booked != fees.get(str(profile_id), ZERO):
            found.add(
                "capital_errors", f"{name} paid {fees.get(str(profile_id), ZERO)} in fees, not {booked}"
            )
    for asset, held in (state.rows["unassigned"] or {}).items():
        if held < 0 and not state.scene.unsettled:
            found.add("capital_errors", f"{held} {asset} unassigned")


def _fee_value(order: OracleOrder) -> Decimal:
    in_base = sum((_fee_in(fill, order.base) * Decimal(fill["price"]) for fill in order.fills), ZERO)
    return in_base + sum((_fee_in(fill, order.quote) for fill in order.fills), ZERO)


def _of(state: State, profile_id: Any) -> list[dict[str, Any]]:
    return [
        each
        for each in state.intents.values()
        if each["profile_id"] == str(profile_id) and each["kind"] == "entry"
    ]


def _remaining(state: State, intent: dict[str, Any]) -> Decimal:
    """What an entry must still reserve: all of it until its order is known, its open rest after that."""
    reserved: Decimal = (state.rows["reservations"] or {})[intent["intent_id"]]["amount"]
    if intent["state"] in _UNRESOLVED:
        return reserved
    order = next((each for each in state.theirs if each.client_order_id == intent["client_order_id"]), None)
    if intent["state"] != "confirmed" or order is None or _STATUS[order.status] != "open":
        return ZERO
    spent = sum((_notional(fill) + _fee_in(fill, order.quote) for fill in order.fills), ZERO)
    return reserved - spent


def _positions(state: State, found: Findings) -> None:
    base: dict[tuple[str, str], Decimal] = {}
    in_exits: dict[tuple[str, str], Decimal] = {}
    owner = {each["client_order_id"]: each["profile_id"] for each in state.intents.values()}
    for order in state.theirs:
        if order.client_order_id in owner:
            key = (owner[order.client_order_id], order.symbol)
            moved = sum((Decimal(fill["qty"]) for fill in order.fills), ZERO) * (1 if order.buy else -1)
            moved -= sum((_fee_in(fill, order.base) for fill in order.fills), ZERO)
            base[key] = base.get(key, ZERO) + moved
    for intent in state.intents.values():
        if intent["kind"] == "exit":
            key = (intent["profile_id"], intent["symbol"].replace("/", ""))
            reservation = (state.rows["reservations"] or {}).get(intent["intent_id"])
            in_exits[key] = in_exits.get(key, ZERO) + (reservation["remaining"] if reservation else ZERO)
    for row in state.rows["positions"] or []:
        key = (row["profile_id"], row["symbol"].replace("/", ""))
        expected = base.pop(key, ZERO)
        if row["quantity"] != expected:
            found.add("capital_errors", f"position {key[1]} {row['quantity']} instead of {expected}")
        if row["reserved_quantity"] != in_exits.get(key, ZERO):
            found.add(
                "capital_errors", f"{row['reserved_quantity']} {key[1]} in exits, not {in_exits.get(key)}"
            )
    for key, expected in base.items():
        if expected:
            found.add("capital_errors", f"no position {key[1]}, which must be {expected}")


def _answers(state: State, found: Findings) -> None:
    """What a robot was told last is true: not placed is not there, placed is there."""
    there = state.ours()
    told = [answer for asked in state.scene.asked.values() for answer in asked.told]
    for answer in told:
        if answer.intent is None:
            continue
        name = answer.intent["client_order_id"]
        if answer.outcome == "not_placed" and name in there:
            found.add("premature_releases", f"{name} was told not_placed, and is at the exchange")
        if answer.outcome == "placed" and name not in there:
            found.add("unknown_orders", f"{name} was told placed, and is not at the exchange")
    if len(state.intents) > len(state.scene.asked):
        found.add("duplicate_orders", f"{len(state.intents)} intents of {len(state.scene.asked)} requests")


def _cash(order: OracleOrder) -> Decimal:
    total = ZERO
    for fill in order.fills:
        total += (-1 if order.buy else 1) * _notional(fill) - _fee_in(fill, order.quote)
    return total


def _notional(fill: dict[str, Any]) -> Decimal:
    return Decimal(fill["quoteQty"])


def _fee_in(fill: dict[str, Any], asset: str) -> Decimal:
    return Decimal(fill["commission"]) if fill["commissionAsset"] == asset else ZERO
