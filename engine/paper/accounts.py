"""Exchange accounts: key and secret, free and locked balances, fee rates, own orders and fills."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.paper import scale

if TYPE_CHECKING:
    from engine.paper.orders import Execution, Order
    from engine.paper.user_streams import Subscription

DEFAULT_RATE = scale.parse("0.001")
# A quarter off is what Binance gives on fees that are paid in BNB.
THIRD_ASSET_DISCOUNT = scale.parse("0.75")


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money that came (amount above zero) or went; `id` counts over the exchange's life."""

    id: int
    asset: str
    amount: int
    at_ms: int


@dataclass(slots=True, eq=False)
class Account:
    """Rates are fractions in 10^-8 (negative: rebate); `fee_asset` names a third asset to pay fees in."""

    key: str
    secret: bytes = field(repr=False)
    maker_rate: int = DEFAULT_RATE
    taker_rate: int = DEFAULT_RATE
    fee_asset: str | None = None
    can_withdraw: bool = False  # what its key may do, as the exchange tells who asks
    free: dict[str, int] = field(default_factory=dict)
    locked: dict[str, int] = field(default_factory=dict)
    by_client_id: dict[tuple[str, str], "Order"] = field(default_factory=dict)
    open_orders: dict[tuple[str, int], "Order"] = field(default_factory=dict)
    orders: dict[str, list["Order"]] = field(default_factory=dict)
    executions: dict[str, list[tuple["Execution", "Order"]]] = field(default_factory=dict)
    transfers: list[Transfer] = field(default_factory=list)
    subscriptions: list["Subscription"] = field(default_factory=list)
    updated_ms: int = 0
    # What it was opened with, for who wants to begin again.
    opening: dict[str, int] = field(default_factory=dict)
    # Listen keys and when they end; None: the older user streams are switched off.
    listen_keys: dict[str, int] | None = None
    _signer: hmac.HMAC = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # A copy of a keyed signer costs half of what keying a new one does, on every signed request.
        self._signer = hmac.new(self.secret, digestmod="sha256")

    def sign(self, payload: str) -> str:
        """The signature this account's owner must send with a payload."""
        signer = self._signer.copy()
        signer.update(payload.encode("utf-8", "surrogateescape"))
        return signer.hexdigest()

    @property
    def uid(self) -> int:
        """The exchange's own account id: stable for a key, over restarts too."""
        return int.from_bytes(hashlib.sha256(self.key.encode()).digest()[:5], "big")

    def free_of(self, asset: str) -> int:
        return self.free.get(asset, 0)

    def add(self, asset: str, amount: int) -> None:
        """Change what is free; the caller has checked that it stays at zero or above."""
        self.free[asset] = self.free.get(asset, 0) + amount

    def lock(self, asset: str, amount: int) -> None:
        self.free[asset] = self.free.get(asset, 0) - amount
        self.locked[asset] = self.locked.get(asset, 0) + amount

    def unlock(self, asset: str, amount: int) -> None:
        self.lock(asset, -amount)
