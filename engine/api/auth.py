"""Who calls: a robot's bearer key, looked up by its hash and remembered for seconds only."""

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError

KEY_LENGTH_MAX = 256


@dataclass(frozen=True, slots=True)
class Caller:
    """A robot that has shown its key."""

    tenant_id: UUID
    robot_id: UUID
    robot_name: str


class KeyRing:
    """Known keys for `ttl_s` seconds: a revoked one works at most that much longer.

    Unknown keys are remembered too, so that a robot with a wrong key costs the database little. Neither
    table grows over `size_max`; the oldest goes first. Times are seconds of a monotonic clock.
    """

    def __init__(
        self,
        look_up: Callable[[bytes], Awaitable[Caller | None]],
        monotonic: Callable[[], float],
        ttl_s: float = 3.0,
        size_max: int = 4096,
    ) -> None:
        self._look_up = look_up
        self._monotonic = monotonic
        self._ttl_s = ttl_s
        self._size_max = size_max
        self._known: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()

    async def caller(self, authorization: str | None, *, last_known: bool = False) -> Caller:
        """Return whose key the header carries. Raises UNAUTHORIZED, the same for every reason.

        Raises DATABASE_UNAVAILABLE if it cannot be asked for; with `last_known` only if it never was.
        """
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or len(token) > KEY_LENGTH_MAX or not token.isascii():
            raise HoldfastError(ErrorCode.UNAUTHORIZED)
        key_hash = hashlib.sha256(token.encode()).digest()
        now = self._monotonic()
        known = self._known.get(key_hash)
        if known is not None and now < known[0]:
            return known[1]
        refused_until = self._unknown.get(key_hash)
        if refused_until is not None and now < refused_until:
            raise HoldfastError(ErrorCode.UNAUTHORIZED)
        try:
            return await self._ask(key_hash)
        except HoldfastError as error:
            if last_known and known is not None and error.code is ErrorCode.DATABASE_UNAVAILABLE:
                return known[1]
            raise

    async def _ask(self, key_hash: bytes) -> Caller:
        caller = await self._look_up(key_hash)
        until = self._monotonic() + self._ttl_s
        if caller is None:
            self._known.pop(key_hash, None)
            # Shorter: a key that has just been made must work at once for a robot that was too early.
            self._unknown[key_hash] = until - self._ttl_s * 2 / 3
            if len(self._unknown) > self._size_max:
                self._unknown.popitem(last=False)
            raise HoldfastError(ErrorCode.UNAUTHORIZED)
        self._unknown.pop(key_hash, None)
        self._known[key_hash] = (until, caller)
        self._known.move_to_end(key_hash)
        if len(self._known) > self._size_max:
            self._known.popitem(last=False)
        return caller
