"""An engine without loops and HTTP: flows on a real database and the paper exchange, and how it dies."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from engine.domain.ids import tag_from_random
from engine.exchange.account import AccountConfig, ExchangeUrls
from engine.exchange.gateway import Gateway
from engine.flows.accounts import Accounts, AccountSession
from engine.flows.commands import Answer, CancelCommand, EntryCommand, ExitCommand
from engine.flows.context import FlowContext, Timings
from engine.flows.desk import Desk, open_desk
from engine.flows.record import Sent
from engine.ledger import admin, capital, reads, watch
from engine.ledger.capital import By
from engine.ledger.intents import Ending, IntentView, not_placed
from engine.ledger.seam import Ledger, LedgerOptions
from engine.paper.server import PaperExchange
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from tests.database.servers import Database
from tests.paper.clients import KEY, SECRET

SYMBOL = "BTC/USDT"
TAG = tag_from_random(b"\x01\x02\x03")
# For tests that are not about time: a crowded machine makes none of them fail.
PATIENT = Timings(
    exchange_timeout_s=30.0,
    open_timeout_s=30.0,
    record_budget_s=30.0,
    record_call_timeout_s=30.0,
    retry_delay_s=0.005,
    lock_ttl_ms=120_000,
)
QUICK = Timings(
    valid_for_ms=5_000,
    exchange_timeout_s=2.0,
    open_timeout_s=0.5,
    record_budget_s=0.5,
    record_call_timeout_s=0.25,
    retry_delay_s=0.005,
    retry_delay_s_max=0.05,
)


class CrashError(BaseException):
    """The process is gone: nothing of it acts any more."""


@dataclass(slots=True)
class Plug:
    """Faults at both seams of one engine: `when` names the crossing, `what` happens there.

    After a crash every later crossing crashes too: a dead process does nothing. `crossings` lists what
    was crossed, in order, as "before fn_open_entry", "after submit" … `place` names a crossing by its number
    in that list, from 1.
    """

    what: Callable[[], Any] | None = None
    when: str | None = None
    place: int | None = None
    times: int = 1
    dead: bool = False
    down: bool = False
    crossings: list[str] = field(default_factory=list)

    async def at(self, crossing: str) -> None:
        self.crossings.append(crossing)
        if self.dead:
            raise CrashError
        if self.down and crossing.startswith("before fn_"):
            raise ConnectionRefusedError
        here = crossing == self.when or len(self.crossings) == self.place
        if here and self.times > 0 and self.what is not None:
            self.times -= 1
            waiting = self.what()
            if inspect.isawaitable(waiting):
                await waiting

    def crash(self) -> None:
        self.dead = True
        raise CrashError

    def lose(self) -> None:
        raise ConnectionResetError

    async def sql(self, point: str, function: str, _args: tuple[Any, ...]) -> None:
        await self.at(f"{point} {function}")

    async def before(self, name: str) -> None:
        await self.at(f"before {name}")

    async def after(self, name: str) -> None:
        await self.at(f"after {name}")


@dataclass(slots=True)
class Rig:
    """One tenant with one robot, one account on the paper exchange and one profile of 1,000 USDT."""

    database: Database
    paper: PaperExchange
    ledger: Ledger
    observer: Ledger  # of another process: no fault hits it
    gateway: Gateway
    desk: Desk
    plug: Plug
    session: AccountSession
    tenant_id: UUID
    robot_id: UUID
    account_id: UUID
    profile_id: UUID
    profiles: list[UUID] = field(default_factory=list)

    def entry(self, quantity: str = "0.001", price: str | None = "50100", **more: Any) -> EntryCommand:
        """A marketable limit entry unless told otherwise; price None is market."""
        key = more.pop("key", None) or str(uuid4())
        body = more.pop("body", f"{quantity} {price}")
        return EntryCommand(
            self.tenant_id,
            self.robot_id,
            more.pop("profile", "first"),
            key,
            body,
            more.pop("symbol", SYMBOL),
            "market" if price is None else "limit",
            Decimal(quantity),
            None if price is None else Decimal(price),
            **more,
        )

    def exit(self, quantity: str | None = None, price: str | None = None, **more: Any) -> ExitCommand:
        """A market exit of all unless told otherwise."""
        key = more.pop("key", None) or str(uuid4())
        return ExitCommand(
            self.tenant_id,
            self.robot_id,
            more.pop("profile", "first"),
            key,
            f"{quantity} {price}",
            SYMBOL,
            "market" if price is None else "limit",
            None if quantity is None else Decimal(quantity),
            None if price is None else Decimal(price),
            **more,
        )

    async def fresh(self, name: str) -> UUID:
        """Make another profile, which `entry` and `exit` can name, and forget all faults."""
        self.plug.dead, self.plug.when, self.plug.down, self.plug.times = False, None, False, 1
        profile_id = uuid4()
        profile = admin.NewProfile(profile_id, self.account_id, name, "USDT", {}, "hash")
        await admin.create_profile(self.observer, self.tenant_id, profile, "test")
        by = By("test", "start", name)
        await capital.allocate(self.observer, self.tenant_id, profile_id, Decimal(1000), by)
        self.profiles.append(profile_id)
        self.desk = self._desk(self.ledger)
        return profile_id

    def cancel(self, answer: Answer) -> CancelCommand:
        assert answer.intent is not None
        return CancelCommand(self.tenant_id, UUID(answer.intent["id"]), "robot:test")

    async def quote(self) -> None:
        """Put a fresh quote where the monitor would put it."""
        self.session.quotes.put(await self.gateway.best_ask(SYMBOL))

    def delist(self, symbol: str) -> None:
        """Let the exchange's list of instruments be one that has a symbol no more."""
        client = self.gateway._client
        client.markets_by_id.pop(client.markets.pop(symbol)["id"])
        self.session.instruments = {k: v for k, v in self.session.instruments.items() if k != symbol}

    async def intents(self) -> list[IntentView]:
        """Return all intents as another engine process would read them."""
        return await reads.list_orders(self.observer, self.tenant_id, {"limit": 500})

    async def only_intent(self) -> IntentView:
        (view,) = await self.intents()
        return view

    def restart(self) -> Desk:
        """Return the flows of a fresh engine process on the same database and exchange."""
        self.plug.dead, self.plug.when, self.plug.down = False, None, False
        return self._desk(self.observer)

    def _desk(self, ledger: Ledger) -> Desk:
        old = self.desk.context
        accounts = Accounts(ledger)
        accounts.add(self.session)
        return open_desk(FlowContext(ledger, accounts, old.clock, Metrics(), old.tag, uuid4(), old.timings))

    async def resolve(self, desk: Desk) -> None:
        """Do what a resolver does when it has proof: the exchange is asked, and what it shows is booked."""
        for view in await self.intents():
            if view["state"] not in {"sending", "in_doubt"}:
                continue
            intent_id, token = UUID(view["id"]), view["fencing_token"]
            own = view["client_order_id"]
            report = await self.gateway.find_order(SYMBOL, client_order_id=own)
            if report is None:
                ending = Ending(intent_id, token, "absent")
                assert (await not_placed(self.observer, self.tenant_id, ending)).done
                continue
            sent = Sent(view["kind"], self.session, intent_id, token, own, SYMBOL)
            assert (await desk.recorder.confirmation(sent, report, "proof")).done
            seen = await self.gateway.fills(SYMBOL, exchange_order_id=report.exchange_order_id)
            await desk.recorder.book(self.session, report, seen, "proof")

    async def figures(self, profile_id: UUID | None = None) -> dict[str, Any]:
        """Return a profile's capital view."""
        view = await reads.get_capital(self.observer, self.tenant_id, profile_id or self.profile_id)
        return dict(view[0] if isinstance(view, list) else view)

    def exchange_orders(self) -> dict[str, list[str]]:
        """Return what the exchange's own books have: exchange order ids by client order id."""
        self.paper.oracle.catch_up()
        found: dict[str, list[str]] = {}
        for order in self.paper.oracle.orders.values():
            if order.account == KEY:
                found.setdefault(order.client_order_id, []).append(str(order.id))
        return found

    async def check_books(self) -> None:
        """Compare the ledger with the exchange's own books: nothing doubled, nothing lost, all balanced."""
        ledger = self.observer
        for profile_id in [self.profile_id, *self.profiles]:
            rebuilt = await reads.rebuild_capital(ledger, self.tenant_id, profile_id)
            assert rebuilt["equal"], rebuilt
            checked = await watch.check_profile(ledger, self.tenant_id, profile_id, "test")
            assert not checked.violations, checked
        known = {view["client_order_id"]: view for view in await self.intents()}
        for client_order_id, exchange_ids in self.exchange_orders().items():
            assert 1 == len(exchange_ids), f"{client_order_id} is at the exchange twice"
            assert client_order_id in known, f"{client_order_id} is unknown to us"
            assert known[client_order_id]["exchange_order_id"] in {None, exchange_ids[0]}
        balances = self.paper.oracle.balances(KEY)
        unresolved = any(view["state"] in {"sending", "in_doubt"} for view in known.values())
        for equation in await reads.account_equations(ledger, self.tenant_id, self.account_id):
            if not unresolved:
                held = Decimal(balances[equation["asset"]]["total"])
                assert Decimal(equation["expected_exchange_balance"]) == held, equation


@asynccontextmanager
async def open_rig(
    database: Database,
    paper: PaperExchange,
    *,
    timings: Timings = QUICK,
    allocated: str = "1000",
    spec: dict[str, Any] | None = None,
    call_timeout_s: float = 2.0,
) -> AsyncIterator[Rig]:
    """Build it all, hand it over, and stop it in order."""
    clock, metrics, plug = Clock(), Metrics(), Plug()
    options = LedgerOptions(database.engine_url, pool_size=4, role=None, call_timeout_s=call_timeout_s)
    ledger = await Ledger.connect(options, metrics, clock)
    observer = await Ledger.connect(options, metrics, clock)
    tenant_id, robot_id, account_id, profile_id = (uuid4() for _ in range(4))
    urls = ExchangeUrls(paper.url, f"{paper.ws_url}/ws-api/v3", f"{paper.ws_url}/stream/ws")
    config = AccountConfig(str(account_id), "binance", KEY, SECRET, urls=urls)
    gateway = Gateway(config, clock=clock, faults=plug, timeout_s=call_timeout_s)
    await gateway.open()
    try:
        tag = await admin.init_engine(ledger, TAG)
        await admin.create_tenant(ledger, tenant_id, "tenant", "test")
        await admin.create_robot(ledger, tenant_id, robot_id, "robot", "test")
        account = admin.NewAccount(account_id, "paper", "binance", "1", "A", {}, b"sealed")
        balances = {asset: balance.total for asset, balance in (await gateway.balances()).items()}
        await admin.register_account(ledger, tenant_id, account, balances, "test")
        instruments = await gateway.instruments()
        await admin.upsert_instruments(ledger, tenant_id, account_id, instruments)
        profile = admin.NewProfile(profile_id, account_id, "first", "USDT", spec or {}, "hash")
        await admin.create_profile(ledger, tenant_id, profile, "test")
        given = await capital.allocate(
            ledger, tenant_id, profile_id, Decimal(allocated), By("test", "start", "start")
        )
        assert "OK" == given["code"]
        accounts = Accounts(ledger)
        session = AccountSession(tenant_id, account_id, gateway, {each.symbol: each for each in instruments})
        accounts.add(session)
        desk = open_desk(FlowContext(ledger, accounts, clock, metrics, tag, uuid4(), timings))
        ledger.fault = plug.sql
        rig = Rig(
            database,
            paper,
            ledger,
            observer,
            gateway,
            desk,
            plug,
            session,
            tenant_id,
            robot_id,
            account_id,
            profile_id,
        )
        yield rig
        await desk.close(1.0)
    finally:
        await gateway.close()
        await ledger.close()
        await observer.close()


async def until(condition: Callable[[], bool], timeout_s: float = 3.0) -> None:
    """Wait for a condition, or fail."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what is waited for lies behind sockets, not in this loop
            await asyncio.sleep(0.005)
