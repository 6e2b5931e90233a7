"""Robot keys: how one is made, told from a mistyped one without asking anybody, and stored as a hash."""

import hashlib
import re
import secrets
import zlib

ROBOT_KEY_PREFIX = "hf_"

_FORM = "2"  # the second form: with a checksum
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_DIGITS = 43  # of 62 each: 256 bits
_CHECK_DIGITS = 6  # of 62 each: 32 bits and a little
# hf_2_<random>_<checksum of all before>: letters, digits and _, so that a double click takes all of it.
_CHECKED = re.compile(
    rf"{ROBOT_KEY_PREFIX}{_FORM}_[0-9A-Za-z]{{{_RANDOM_DIGITS}}}_[0-9A-Za-z]{{{_CHECK_DIGITS}}}"
)
_FIRST = re.compile(rf"{ROBOT_KEY_PREFIX}[A-Za-z0-9_-]{{43}}")  # 32 bytes in base64url, no checksum


def new_robot_key() -> str:
    """Return a fresh robot key; shown once, only its hash is stored."""
    body = "".join(secrets.choice(_DIGITS) for _ in range(_RANDOM_DIGITS))
    unchecked = f"{ROBOT_KEY_PREFIX}{_FORM}_{body}"
    return f"{unchecked}_{_checksum(unchecked)}"


def hash_robot_key(key: str) -> bytes:
    """Return what is stored of a robot key: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(key.encode()).digest()


def looks_like_robot_key(text: str) -> bool:
    """Tell whether it can be a key at all: its form is right, and its checksum where the form has one.

    Keys of the first form, which has none, go on working: they are looked up.
    """
    if _CHECKED.fullmatch(text):
        unchecked, _, check = text.rpartition("_")
        return check == _checksum(unchecked)
    return _FIRST.fullmatch(text) is not None


def _checksum(text: str) -> str:
    """CRC-32 finds every wrong, missing or swapped neighbour; it is no secret and proves nothing."""
    rest = zlib.crc32(text.encode())
    digits = []
    for _ in range(_CHECK_DIGITS):
        rest, digit = divmod(rest, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
