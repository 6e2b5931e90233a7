"""A rig whose account is reconciled: a lease, passes, and what somebody else does on the same account."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from engine.domain.outcomes import OrderReport
from engine.flows.desk import Desk
from engine.flows.lease import Lease
from engine.flows.reconcile import PassReport, Reconciliation
from engine.flows.resolve import Resolver
from engine.ledger import leases, reads, reconciliation_requests
from tests.flows.rig import SYMBOL, Rig
from tests.paper.clients import KEY, SECRET, ccxt_client

LEASE_S = 600.0


@dataclass(slots=True)
class Stage:
    """What the holder of the account's lease has: its flows, its lease, its passes."""

    rig: Rig
    desk: Desk
    lease: Lease
    reconciliation: Reconciliation
    reports: list[PassReport] = field(default_factory=list)

    async def run(self, cause: str = "test", **more: Any) -> PassReport:
        """Do one pass."""
        report = await self.reconciliation.run_pass(self.rig.session, self.lease, cause, **more)
        self.reports.append(report)
        return report

    async def converge(self) -> PassReport:
        """Reconcile twice; the second pass must find nothing that the first has not, nor change anything."""
        await self.run()
        before = await self.rows()
        report = await self.run()
        assert before == await self.rows(), "the second pass changed something"
        return report

    async def rows(self) -> dict[str, Any]:
        """Return what the ledger holds: intents with their orders, fills, figures, equations."""
        rig, ledger = self.rig, self.rig.observer
        return {
            "intents": await rig.intents(),
            "fills": await reads.list_fills(ledger, rig.tenant_id, {"limit": 500}),
            "capital": [await rig.figures(one) for one in [rig.profile_id, *rig.profiles]],
            "equations": await reads.account_equations(ledger, rig.tenant_id, rig.account_id),
        }

    async def check_equations(self) -> None:
        """Compare with the exchange's own books: the journal balances, and every asset adds up."""
        rig, ledger = self.rig, self.rig.observer
        for profile_id in [rig.profile_id, *rig.profiles]:
            rebuilt = await reads.rebuild_capital(ledger, rig.tenant_id, profile_id)
            assert rebuilt["equal"], rebuilt
        rig.paper.oracle.catch_up()
        held = {asset: Decimal(each["total"]) for asset, each in rig.paper.oracle.balances(KEY).items()}
        told = {
            row["asset"]: Decimal(row["expected_exchange_balance"])
            for row in await reads.account_equations(ledger, rig.tenant_id, rig.account_id)
        }
        assert {k: v for k, v in held.items() if v} == {k: v for k, v in told.items() if v}

    async def unassigned(self) -> dict[str, Decimal]:
        """Return what belongs to no profile, by asset."""
        rows = await reads.account_equations(self.rig.observer, self.rig.tenant_id, self.rig.account_id)
        return {row["asset"]: Decimal(row["unassigned"]) for row in rows}

    async def account_mode(self) -> str:
        """Return the account's mode."""
        (row,) = await reads.list_accounts(self.rig.observer, self.rig.tenant_id)
        return str(row["mode"])

    async def kinds(self, **chosen: Any) -> list[str]:
        """Return the kinds of the mismatches in the ledger, sorted."""
        rows = await reconciliation_requests.list_mismatches(self.rig.observer, self.rig.tenant_id, chosen)
        return sorted(row["kind"] for row in rows)

    async def place(self, quantity: str = "0.001", price: str = "40000", **more: Any) -> UUID:
        """Open an entry through the flows; returns its intent's id."""
        answer = await self.desk.entries.run(self.rig.entry(quantity, price, **more))
        assert "OK" == answer.code, answer
        assert answer.intent is not None
        return UUID(answer.intent["id"])

    async def view(self, intent_id: UUID) -> Any:
        """Return an intent as another process reads it."""
        return await reads.get_order(self.rig.observer, self.rig.tenant_id, intent_id)

    async def foreign(
        self,
        side: str,
        quantity: str,
        price: str | None = None,
        *,
        client_order_id: str = "by-hand",
        **more: str,
    ) -> dict[str, Any]:
        """Let the account's owner trade by another client: at market, or with a limit; `more` as Binance."""
        async with ccxt_client(self.rig.paper, KEY, SECRET) as other:
            kind = "market" if price is None else "limit"
            params = {"newClientOrderId": client_order_id, **more}
            return dict(await other.create_order(SYMBOL, kind, side, quantity, price, params))

    async def report(self, exchange_order_id: str) -> OrderReport:
        """Return an order as the exchange shows it."""
        found = await self.rig.gateway.find_order(SYMBOL, exchange_order_id=exchange_order_id)
        assert found is not None
        return found

    def fill(self, view: Any, quantity: str | None = None) -> None:
        """Let outsiders fill a resting order at the exchange, unseen by any stream."""
        matching = self.rig.paper.matching
        order = matching.markets["BTCUSDT"].orders[int(view["exchange_order_id"])]
        matching.fill(order, order.remaining if quantity is None else int(Decimal(quantity) * 10**8))

    def cancel(self, view: Any) -> None:
        """Let the owner cancel an order at the exchange, unseen."""
        matching = self.rig.paper.matching
        matching.cancel(matching.markets["BTCUSDT"].orders[int(view["exchange_order_id"])])

    async def later(self, minutes: int = 30) -> None:
        """Let time pass at the exchange and in the database, and a pass see all until then."""
        self.rig.paper.clock.advance(minutes * 60_000)
        await self.rig.gateway.measure_clock()
        await self.run()

    def deposit(self, asset: str, amount: str) -> None:
        """Move money in (negative: out) beside all trading."""
        self.rig.paper.deposit(KEY, asset, int(Decimal(amount) * 10**8))


async def open_stage(rig: Rig, *, desk: Desk | None = None, looks_max: int = 25) -> Stage:
    """Take the lease of the rig's account and build what its holder runs."""
    desk = desk or rig.desk
    context = desk.context
    began = context.clock.monotonic()
    taking = await leases.take(
        context.ledger, rig.tenant_id, rig.account_id, context.owner, round(LEASE_S * 1000)
    )
    assert taking.taken, taking
    lease = Lease(
        rig.tenant_id,
        rig.account_id,
        taking.row.fencing_token,
        context.clock,
        began=began,
        ttl_s=LEASE_S,
    )
    resolver = Resolver(context, desk.recorder, desk.cancels)
    return Stage(rig, desk, lease, Reconciliation(context, desk.recorder, resolver, looks_max=looks_max))


def new_key() -> str:
    """Return a key that no call had."""
    return str(uuid4())
