"""The lease of an exchange account as its holder knows it: checked before every outside effect."""

import asyncio
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger import leases
from engine.ledger.leases import Stage
from engine.ledger.seam import Ledger
from engine.runtime.clock import Clock

# Of the lifetime: for clocks that run apart, and for the way from the check to the effect.
_MARGIN_SHARE = 0.1
_ORDER = tuple(Stage)


class Lease:
    """The right of this process to speak for an account.

    The database's clock decides who holds it. Here it counts as live from before the call that renewed it, by
    the monotonic clock and a margin short of its lifetime: so this process stops before another may begin,
    also after it was stopped and resumed. `changed` is set whenever there is news of it.
    """

    def __init__(
        self,
        tenant_id: UUID,
        account_id: UUID,
        token: int,
        clock: Clock,
        *,
        began: float,
        ttl_s: float,
    ) -> None:
        self.tenant_id = tenant_id
        self.account_id = account_id
        self.token = token
        self.changed = asyncio.Event()
        self.stage = Stage.TAKEN
        self.stage_reason: str | None = None
        self.reached = {Stage.TAKEN}
        self._telling = asyncio.Lock()
        self._clock = clock
        self._until = 0.0
        self._lost: str | None = None
        self.renewed(began, ttl_s)

    @property
    def live(self) -> bool:
        """Whether this process may act for the account now."""
        return self._lost is None and self._clock.monotonic() < self._until

    @property
    def lost(self) -> str | None:
        """Why it will never be live again, None if it may be renewed."""
        return self._lost

    def check(self) -> None:
        """Let an outside effect pass. Raises LEASE_LOST: the caller stops without it."""
        if not self.live:
            # for good: who was told so has ended, and a late renewal would leave nobody at work
            self.lose("its lifetime has passed without a renewal")
            raise HoldfastError(
                ErrorCode.LEASE_LOST,
                f"The lease of this exchange account is lost: {self._lost}.",
                account_id=str(self.account_id),
                fencing_token=str(self.token),
            )

    def renewed(self, began: float, ttl_s: float) -> None:
        """Count its lifetime of `ttl_s` from `began`, a monotonic moment before the call that renewed it."""
        self._until = max(self._until, began + ttl_s * (1 - _MARGIN_SHARE))

    def lose(self, reason: str) -> None:
        """End it for good: a later renewal is another lease."""
        if self._lost is None:
            self._lost = reason
            self.changed.set()

    async def tell(self, ledger: Ledger, reason: str | None) -> None:
        """Tell every process the highest stage all of whose predecessors are reached, if that changed."""
        async with self._telling:
            stage = Stage.TAKEN
            for each in _ORDER:
                if each not in self.reached:
                    break
                stage = each
            if (stage, reason) == (self.stage, self.stage_reason):
                return
            self.check()
            told = await leases.set_stage(
                ledger, self.tenant_id, self.account_id, self.token, stage, reason=reason
            )
            if not told:
                self.lose("another process has taken it over")
                self.check()
            self.stage, self.stage_reason = stage, reason
            self.changed.set()


async def advance(ledger: Ledger, lease: Lease, stage: Stage) -> None:
    """Say that a stage is reached, in any order. Raises LEASE_LOST, and SQL's errors."""
    lease.reached.add(stage)
    await lease.tell(ledger, None)


async def fall_back(ledger: Ledger, lease: Lease, stage: Stage, reason: str) -> None:
    """Say that nothing after `stage` holds any more. Raises LEASE_LOST, and SQL's errors."""
    lease.reached.difference_update(_ORDER[_ORDER.index(stage) + 1 :])
    await lease.tell(ledger, reason)
