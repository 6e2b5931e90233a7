"""Robot keys: how long an answer about one is remembered."""

import contextlib
from dataclasses import replace
from uuid import UUID

import pytest

from engine.api.auth import Caller, KeyRing, bearer
from engine.domain.errors import ErrorCode, HoldfastError
from engine.runtime.clock import Clock
from engine.runtime.robot_keys import new_robot_key

CALLER = Caller(tenant_id=UUID(int=1), robot_id=UUID(int=2), robot_name="r2")
KEY = new_robot_key()


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
def test_header_without_a_token_is_unauthorized(header: str | None) -> None:
    """A header that carries no token, or a longer one than there is, goes no further."""
    with pytest.raises(HoldfastError) as caught:
        bearer(header, 256)
    assert ErrorCode.UNAUTHORIZED == caught.value.code


def test_the_scheme_is_read_as_http_says() -> None:
    """The scheme's letters may be small or large, and blanks around the token are not part of it."""
    assert ["k", "k"] == [bearer("bearer k", 256), bearer("BEARER  k ", 256)]


async def test_mistyped_key_costs_no_look_up() -> None:
    """A key whose checksum is wrong is refused without asking the database."""
    keys = Keys(CALLER)
    typed = KEY[:-1] + ("A" if KEY[-1] != "A" else "B")
    for wrong in (typed, KEY[:-1], "k", ""):
        with pytest.raises(HoldfastError) as caught:
            await KeyRing(keys.look_up, Clock().monotonic).caller(wrong)
        assert (ErrorCode.UNAUTHORIZED, 0) == (caught.value.code, keys.asked)


async def test_revoked_key_works_no_longer_than_a_second() -> None:
    """A key is asked for again within a second of when it was last asked for, however slow the answer."""
    keys, clock = Keys(CALLER), Clock()

    async def slow(key_hash: bytes) -> Caller | None:
        found = await keys.look_up(key_hash)
        clock.advance(0.5)
        return found

    ring = KeyRing(slow, clock.monotonic)
    assert [CALLER] * 2 == [await ring.caller(KEY), await ring.caller(KEY)]
    assert 1 == keys.asked
    keys.caller = None
    clock.advance(0.45)
    with pytest.raises(HoldfastError):
        await ring.caller(KEY)
    assert 2 == keys.asked


async def test_key_at_its_end_is_asked_for_again() -> None:
    """What is remembered of a key ends no later than the key."""
    keys, clock = Keys(replace(CALLER, expires_in_s=0.2)), Clock()
    ring = KeyRing(keys.look_up, clock.monotonic)
    await ring.caller(KEY)
    keys.caller = None
    clock.advance(0.25)
    with pytest.raises(HoldfastError):
        await ring.caller(KEY)


async def test_unknown_key_is_remembered_for_less_than_a_second() -> None:
    """A wrong key does not reach the database each time, and a key made a moment later works soon."""
    keys, clock = Keys(None), Clock()
    ring = KeyRing(keys.look_up, clock.monotonic)
    for _ in range(3):
        with pytest.raises(HoldfastError):
            await ring.caller(KEY)
    assert 1 == keys.asked
    keys.caller = CALLER
    clock.advance(1.0)
    assert CALLER == await ring.caller(KEY)


async def test_cache_is_bounded() -> None:
    """Any number of different keys, right or wrong, leaves at most the newest ones in memory."""
    for found in (CALLER, None):
        ring = KeyRing(Keys(found).look_up, Clock().monotonic, size_max=3)
        for _ in range(10):
            with contextlib.suppress(HoldfastError):
                await ring.caller(new_robot_key())
        assert 3 == len(ring._known) + len(ring._unknown)


async def test_outage_of_the_database_lets_known_keys_cancel() -> None:
    """While the database is away a key that it knew is good enough for a cancel, and for nothing else."""
    keys, clock = Keys(CALLER), Clock()

    async def look_up(key_hash: bytes) -> Caller | None:
        if keys.caller is None:
            raise HoldfastError(ErrorCode.DATABASE_UNAVAILABLE)
        return await keys.look_up(key_hash)

    ring = KeyRing(look_up, clock.monotonic)
    await ring.caller(KEY)
    keys.caller = None
    clock.advance(5)
    assert CALLER == await ring.caller(KEY, last_known=True)
    with pytest.raises(HoldfastError) as caught:
        await ring.caller(KEY)
    assert ErrorCode.DATABASE_UNAVAILABLE == caught.value.code
