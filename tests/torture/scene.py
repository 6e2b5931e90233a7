"""One schedule's own tenant: an exchange account, profiles, robots, and what they ask for."""

from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID, uuid4

from engine.flows.commands import Answer, CancelCommand, EntryCommand, ExitCommand
from engine.ledger import admin, capital
from engine.ledger.capital import By
from engine.paper import scale
from engine.paper.faults import Fault, FaultKind, Match
from tests.torture.world import MARKETS, World

BTC, ETH = "BTC/USDT", "ETH/USDT"
DEPOSITS = {"USDT": "100000", "BTC": "2", "ETH": "10", "BNB": "5"}
Command = EntryCommand | ExitCommand


@dataclass(slots=True)
class Asked:
    """What a robot asked for and what it was told last; None: nobody answered."""

    command: Command
    answer: Answer | None = None
    told: list[Answer] = field(default_factory=list)


@dataclass(slots=True)
class Scene:
    """A tenant with one account at the exchange; `key` names it there."""

    world: World
    tenant_id: UUID
    account_id: UUID
    robots: list[UUID]
    profiles: dict[str, UUID]
    key: str
    registered: dict[str, Decimal]  # balances at registration
    asked: dict[str, Asked] = field(default_factory=dict)
    given: dict[str, Decimal] = field(default_factory=dict)  # capital moved by operators, by profile name
    halted: set[str] = field(default_factory=set)  # profiles that may end halted
    operators: set[str] = field(default_factory=set)  # idempotency keys that may end with an operator
    moves: list[Any] = field(default_factory=list)  # of capital: profile, function, amount, by
    account_mode: str = "active"  # what it must be in the end
    broken: list[str] = field(default_factory=list)  # promises that a flow saw broken
    may_be_below_zero: bool = False
    unsettled: bool = False  # whether something may stay open until an operator speaks
    foreign: set[str] = field(default_factory=set)  # client order ids of the account's owner

    # -- what robots ask ----------------------------------------------------------------------------

    def entry(self, name: str, quantity: str = "0.001", price: str | None = "50100", **more: Any) -> Command:
        """Return a marketable limit entry unless told otherwise; price None is market."""
        return self._keep(name, EntryCommand, quantity, price, more)

    def exit(self, name: str, quantity: str | None = None, price: str | None = None, **more: Any) -> Command:
        """Return a market exit of all unless told otherwise."""
        return self._keep(name, ExitCommand, quantity, price, more)

    def cancel_of(self, name: str, intent_id: UUID | str) -> CancelCommand:
        """Return the cancel of an intent."""
        return CancelCommand(self.tenant_id, UUID(str(intent_id)), f"robot:{name}")

    def _keep(
        self, name: str, made: type[Any], quantity: str | None, price: str | None, more: dict[str, Any]
    ) -> Command:
        if name in self.asked:
            return self.asked[name].command
        command = made(
            self.tenant_id,
            self.robots[more.pop("robot", 0)],
            more.pop("profile", "first"),
            name,
            f"{name} {quantity} {price}",
            more.pop("symbol", BTC),
            "market" if price is None else "limit",
            None if quantity is None else Decimal(quantity),
            None if price is None else Decimal(price),
            **more,
        )
        self.asked[name] = Asked(command)
        return command

    # -- what the exchange does ---------------------------------------------------------------------

    def fault(
        self, kind: FaultKind, *, path: str | None = None, method: str | None = None, **more: Any
    ) -> None:
        """Order a fault for requests of this account."""
        match = Match(method=method, path=path, account=self.key, skip=more.pop("skip", 0))
        self.world.paper.faults.add(Fault(kind=kind, match=match, **more))

    def late(self) -> None:
        """Let the next request that changes something be done three seconds after its connection broke."""
        for method in ("POST", "DELETE"):
            self.fault(FaultKind.LATE_APPLY, path="/api/v3/order", method=method, delay_s=3, answer="drop")

    def fills(self, parts: int = 1, *, side: str | None = None) -> int:
        """Let outsiders fill open orders of the account in part (one of `parts` each); returns how many."""
        account, done = self.world.paper.matching.accounts[self.key], 0
        for order in list(account.open_orders.values()):
            if side is None or order.buy is (side == "buy"):
                lot = order.instrument.lot
                part = max(order.remaining // parts // lot * lot, lot)
                self.world.paper.matching.fill(order, min(part, order.remaining))
                done += 1
        return done

    def by_owner(self, method: str, **params: str) -> Any:
        """Place or cancel as the account's owner does by hand."""
        if "newClientOrderId" in params:
            self.foreign.add(params["newClientOrderId"])
        reply = self.world.paper.rest.by_owner(method, "/api/v3/order", self.key, params)
        assert 200 == reply.status, reply.payload
        return reply.payload

    def move_money(self, asset: str, amount: str) -> None:
        """Let the account's owner deposit, or withdraw with a minus."""
        sign = -1 if amount.startswith("-") else 1
        self.world.paper.deposit(self.key, asset, sign * scale.parse(amount.lstrip("-")))


async def open_scene(
    world: World,
    *,
    profiles: dict[str, str] | None = None,
    robots: int = 1,
    deposits: dict[str, str] | None = None,
) -> Scene:
    """Make a tenant, its account with baseline, and profiles with their capital in USDT."""
    observer, tenant_id, account_id = world.observer, uuid4(), uuid4()
    world.pin(MARKETS)  # as deep again as before the last schedule
    key, held = f"key-{tenant_id.hex}", deposits or DEPOSITS
    world.open_account(key, held)
    balances = {asset: Decimal(amount) for asset, amount in held.items()}
    await admin.create_tenant(observer, tenant_id, f"t{tenant_id.hex[:16]}", "test")
    made = [uuid4() for _ in range(robots)]
    for number, robot_id in enumerate(made):
        await admin.create_robot(observer, tenant_id, robot_id, f"robot{number}", "test")
    uid = str(world.paper.matching.accounts[key].uid)
    account = admin.NewAccount(account_id, "paper", "binance", uid, "A", {}, b"sealed")
    await admin.register_account(observer, tenant_id, account, balances, "test")
    await admin.upsert_instruments(observer, tenant_id, account_id, world.instruments)
    scene = Scene(world, tenant_id, account_id, made, {}, key, balances)
    for name, amount in (profiles or {"first": "1000"}).items():
        await add_profile(scene, name, amount)
    return scene


async def add_profile(scene: Scene, name: str, amount: str) -> None:
    """Make a profile and give it capital."""
    observer, profile_id = scene.world.observer, uuid4()
    profile = admin.NewProfile(profile_id, scene.account_id, name, "USDT", {}, "hash")
    await admin.create_profile(observer, scene.tenant_id, profile, "test")
    by = By("test", "start", f"start {name}")
    given = await capital.allocate(observer, scene.tenant_id, profile_id, Decimal(amount), by)
    assert "OK" == given["code"], given
    scene.profiles[name] = profile_id
    scene.given[name] = Decimal(amount)


def seeded(*parts: object) -> Random:
    """Return a generator that the parts name."""
    return Random(":".join(map(str, parts)))  # noqa: S311 - choices of a test, to be repeated by seed
