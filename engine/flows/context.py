"""What every flow is given: the seams, the clock, the accounts, and the times that must fit together."""

import os
from dataclasses import dataclass
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.ids import uuid7
from engine.flows.accounts import Accounts
from engine.ledger.seam import Ledger
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Timings:
    """Durations of an intent's life. Raises CONFIGURATION if the lock could expire under a living owner.

    `valid_for_ms`: how long the exchange accepts the signed request; `exchange_timeout_s`: how long its
    answer is waited for; `open_timeout_s`: step 1; `record_budget_s`: step 3 with its repetitions;
    `read_gap_s`: between two reads of the exchange that shall prove absence; `clock_skew_max_s`: how far its
    clock may be from ours.
    """

    valid_for_ms: int = 5_000
    exchange_timeout_s: float = 10.0
    open_timeout_s: float = 3.0
    record_budget_s: float = 5.0
    record_call_timeout_s: float = 2.0
    retry_delay_s: float = 0.02
    retry_delay_s_max: float = 1.0
    lock_ttl_ms: int = 30_000
    queue_length_max: int = 64
    read_gap_s: float = 2.0
    clock_skew_max_s: float = 60.0

    def __post_init__(self) -> None:
        needed_ms = (
            round((self.open_timeout_s + self.exchange_timeout_s + self.record_budget_s) * 1000)
            + self.valid_for_ms
        )
        if self.lock_ttl_ms <= needed_ms:
            raise HoldfastError(
                ErrorCode.CONFIGURATION,
                "lock_ttl_ms must exceed the client deadline and the retry budget of recording",
                lock_ttl_ms=self.lock_ttl_ms,
                needed_ms=needed_ms,
            )


@dataclass(frozen=True, slots=True)
class FlowContext:
    """One engine process: `owner` is its id, `tag` the installation's."""

    ledger: Ledger
    accounts: Accounts
    clock: Clock
    metrics: Metrics
    tag: str
    owner: UUID
    timings: Timings


def new_id(clock: Clock) -> UUID:
    """Return a fresh time-ordered id."""
    return uuid7(clock.unix_ms(), os.urandom(10))
