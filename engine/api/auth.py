"""Who calls: a robot's bearer key, looked up by its hash and remembered for less than a second."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.scopes import ROBOT_SCOPES, Scope
from engine.runtime.robot_keys import hash_robot_key, looks_like_robot_key

KEY_TTL_S = 0.9  # a revocation counts everywhere within a second, the way to the database included


@dataclass(frozen=True, slots=True)
class Caller:
    """Who has shown a key or a token, and what it may do.

    A user has no robot of its own: `robot_id` is the one it trades as, or the nil id if it may not trade.
    `expires_in_s` counts from when it was looked up.
    """

    tenant_id: UUID
    robot_id: UUID
    robot_name: str
    scopes: frozenset[Scope] = ROBOT_SCOPES
    key_id: UUID | None = None
    user: str | None = None
    expires_in_s: float | None = None

    @property
    def actor(self) -> str:
        """`robot:<id>`, or `user:<subject>` of a token."""
        return f"robot:{self.robot_id}" if self.user is None else f"user:{self.user}"


def bearer(authorization: str | None, length_max: int) -> str:
    """Return the token of a header. Raises UNAUTHORIZED for what is none."""
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > length_max or not token.isascii():
        raise HoldfastError(ErrorCode.UNAUTHORIZED)
    return token


class KeyRing:
    """Known keys for `ttl_s` seconds from before they were asked for: a revoked one works no longer.

    Unknown keys are remembered too, so that a robot with a wrong key costs the database little; one of a
    wrong form or checksum costs it nothing. Neither table grows over `size_max`; the oldest goes first.
    Times are seconds of a monotonic clock.
    """

    def __init__(
        self,
        look_up: Callable[[bytes], Awaitable[Caller | None]],
        monotonic: Callable[[], float],
        ttl_s: float = KEY_TTL_S,
        size_max: int = 4096,
    ) -> None:
        self._look_up = look_up
        self._monotonic = monotonic
        self._ttl_s = ttl_s
        self._size_max = size_max
        self._known: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()

    async def caller(self, key: str, *, last_known: bool = False) -> Caller:
        """Return whose key it is. Raises UNAUTHORIZED, the same for every reason.

        Raises DATABASE_UNAVAILABLE if it cannot be asked for; with `last_known` only if it never was.
        """
        if not looks_like_robot_key(key):
            raise HoldfastError(ErrorCode.UNAUTHORIZED)
        key_hash = hash_robot_key(key)
        now = self._monotonic()
        known = self._known.get(key_hash)
        if known is not None and now < known[0]:
            return known[1]
        refused_until = self._unknown.get(key_hash)
        if refused_until is not None and now < refused_until:
            raise HoldfastError(ErrorCode.UNAUTHORIZED)
        try:
            return await self._ask(key_hash, now)
        except HoldfastError as error:
            if last_known and known is not None and error.code is ErrorCode.DATABASE_UNAVAILABLE:
                return known[1]
            raise

    async def _ask(self, key_hash: bytes, asked_at: float) -> Caller:
        caller = await self._look_up(key_hash)
        if caller is None:
            self._known.pop(key_hash, None)
            self._unknown[key_hash] = asked_at + self._ttl_s
            if len(self._unknown) > self._size_max:
                self._unknown.popitem(last=False)
            raise HoldfastError(ErrorCode.UNAUTHORIZED)
        lifetime_s = self._ttl_s if caller.expires_in_s is None else min(self._ttl_s, caller.expires_in_s)
        self._unknown.pop(key_hash, None)
        self._known[key_hash] = (asked_at + lifetime_s, caller)
        self._known.move_to_end(key_hash)
        if len(self._known) > self._size_max:
            self._known.popitem(last=False)
        return caller
