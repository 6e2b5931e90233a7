"""Robot keys: how long an answer about one is remembered."""

from uuid import UUID, uuid4

import pytest

from engine.api.auth import Caller, KeyRing
from engine.domain.errors import ErrorCode, HoldfastError
from engine.runtime.clock import Clock

CALLER = Caller(tenant_id=UUID(int=1), robot_id=UUID(int=2), robot_name="r2")


class Keys:
    """A table of keys that counts how often it is asked."""

    def __init__(self, caller: Caller | None) -> None:
        self.caller = caller
        self.asked = 0

    async def look_up(self, key_hash: bytes) -> Caller | None:
        assert 32 == len(key_hash)
        self.asked += 1
        return self.caller


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer " + "x" * 300, "Bearer ключ"]
)
async def test_header_without_a_key_is_unauthorized(header: str | None) -> None:
    """A header that carries no key of the right form costs no look-up."""
    keys = Keys(CALLER)
    with pytest.raises(HoldfastError) as caught:
        await KeyRing(keys.look_up, Clock().monotonic).caller(header)
    assert (ErrorCode.UNAUTHORIZED, 0) == (caught.value.code, keys.asked)


async def test_revoked_key_works_no_longer_than_the_cache() -> None:
    """A key is asked for once in three seconds, and its revocation is honoured after them."""
    keys, clock = Keys(CALLER), Clock()
    ring = KeyRing(keys.look_up, clock.monotonic)
    assert [CALLER] * 2 == [await ring.caller("bearer k"), await ring.caller("Bearer k")]
    assert 1 == keys.asked
    keys.caller = None
    clock.advance(3.1)
    with pytest.raises(HoldfastError):
        await ring.caller("Bearer k")


async def test_unknown_key_is_remembered_for_one_second() -> None:
    """A wrong key does not reach the database each time, and a key made a moment later works soon."""
    keys, clock = Keys(None), Clock()
    ring = KeyRing(keys.look_up, clock.monotonic)
    for _ in range(3):
        with pytest.raises(HoldfastError):
            await ring.caller("Bearer k")
    assert 1 == keys.asked
    keys.caller = CALLER
    clock.advance(1.1)
    assert CALLER == await ring.caller("Bearer k")


async def test_cache_is_bounded() -> None:
    """Any number of different keys leaves at most the newest ones in memory."""
    ring = KeyRing(Keys(CALLER).look_up, Clock().monotonic, size_max=3)
    for _ in range(10):
        await ring.caller(f"Bearer {uuid4()}")
    assert 3 == len(ring._known)
