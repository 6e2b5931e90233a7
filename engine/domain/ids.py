"""Identities: time-ordered row ids, and the client order ids by which we find our orders again anywhere."""

import hashlib
import re
from collections.abc import Callable, Mapping
from uuid import UUID

TAG_CHARACTERS = 4
HASH_CHARACTERS = 14
CLIENT_ORDER_ID = re.compile(r"[a-z][a-z2-7]{17}")

_TAG = re.compile(r"[a-z][a-z2-7]{3}")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_BITS = 5  # of one base32 character
_TAG_BITS = TAG_CHARACTERS * _BITS
_HASH_BITS = HASH_CHARACTERS * _BITS
# Part of the hash: a new rule gets a new number, and the old one stays recognisable by its golden vectors.
_SEPARATION = b"holdfast client order id v1"


_GATE_PREFIX = "t-"


def uuid7(unix_ms: int, random_bytes: bytes) -> UUID:
    """Return the time-ordered UUID of RFC 9562 section 5.7 for a moment and 10 random bytes."""
    if len(random_bytes) != 10:  # noqa: PLR2004 - 74 of these 80 bits are used
        raise ValueError("10 random bytes are wanted")
    noise = int.from_bytes(random_bytes, "big")
    value = (unix_ms & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76 | (noise >> 62 & 0xFFF) << 64
    value |= 0b10 << 62 | noise & ((1 << 62) - 1)
    return UUID(int=value)


def is_tag(text: str) -> bool:
    """Tell whether `text` can be an installation tag: a letter, then three of a-z and 2-7."""
    return _TAG.fullmatch(text) is not None


def tag_from_random(random_bytes: bytes) -> str:
    """Return the installation tag that 3 or more random bytes choose."""
    number = int.from_bytes(random_bytes, "big")
    number, first = divmod(number, 26)
    return _ALPHABET[first] + _base32(number, TAG_CHARACTERS - 1)


def client_order_id(tag: str, tenant_id: UUID | str, profile_id: UUID | str, intent_id: UUID | str) -> str:
    """Return the 18 characters sent to the exchange: the tag and 70 bits of a hash of the three ids.

    The same intent always has the same id, and the tag shows an order to be ours without any database.
    """
    if not is_tag(tag):
        raise ValueError(f"not an installation tag: {tag!r}")
    digest = hashlib.sha256(_SEPARATION)
    for part in (tenant_id, profile_id, intent_id):
        text = str(part).lower().encode()
        digest.update(len(text).to_bytes(4, "big") + text)
    return tag + _base32(int.from_bytes(digest.digest()[:9], "big") >> 2, HASH_CHARACTERS)


def render(exchange: str, coid: str) -> str:
    """Return the form in which `exchange` takes a client order id; unchanged for most."""
    if CLIENT_ORDER_ID.fullmatch(coid) is None:
        raise ValueError(f"not a client order id: {coid!r}")
    form = _FORMS.get(exchange)
    return coid if form is None else form(_number(coid))


def is_ours(tag: str, exchange: str, rendered: str | None) -> bool:
    """Tell whether an id that an exchange shows carries our installation tag."""
    if exchange in _TAG_ONLY:
        return rendered is not None and _TAG_ONLY[exchange](rendered) == _number(tag)
    own = canonical(exchange, rendered)
    return own is not None and CLIENT_ORDER_ID.fullmatch(own) is not None and own.startswith(tag)


def canonical(exchange: str, rendered: str | None) -> str | None:
    """Return the client order id behind the form that an exchange shows; what is not of our form, unchanged.

    Of Bitfinex's 45 bits no id can be made again.
    """
    reader = _READERS.get(exchange)
    own = reader(rendered) if reader is not None and rendered else None
    return rendered if own is None else own


def _base32(number: int, characters: int) -> str:
    """Return the lowest bits of a number, most significant first."""
    return "".join(_ALPHABET[number >> _BITS * place & 31] for place in reversed(range(characters)))


def _number(text: str) -> int:
    number = 0
    for character in text:
        number = number << _BITS | _ALPHABET.index(character)
    return number


def _plain(number: int) -> str:
    return _base32(number, TAG_CHARACTERS + HASH_CHARACTERS)


def _gate(number: int) -> str:
    return _GATE_PREFIX + _plain(number)  # ccxt omits it for an id that begins with t, and Gate refuses that


def _check(number: int, bits: int) -> int:
    """Return bits that fill a longer form, so that a stranger's number is not taken for ours."""
    digest = hashlib.sha256(_SEPARATION + number.to_bytes(12, "big")).digest()
    return int.from_bytes(digest, "big") >> 256 - bits


def _hex32(number: int) -> str:
    return f"0x{number << 38 | _check(number, 38):032x}"


def _read_gate(text: str) -> str | None:
    own = text.removeprefix(_GATE_PREFIX)
    return own if CLIENT_ORDER_ID.fullmatch(own) is not None else None


def _read_hex32(text: str) -> str | None:
    if re.fullmatch(r"0x[0-9a-f]{32}", text.lower()) is None:
        return None
    number = int(text, 16) >> 38
    return _plain(number) if _hex32(number) == text.lower() else None


def _uuid(number: int) -> str:
    free = number << 32 | _check(number, 32)  # the 122 bits that version and variant leave
    head, tail = free >> 62, free & ((1 << 62) - 1)
    value = (head >> 12) << 80 | 0x4 << 76 | (head & 0xFFF) << 64 | 0b10 << 62 | tail
    return str(UUID(int=value))


def _read_uuid(text: str) -> str | None:
    try:
        value = UUID(text).int
    except ValueError:
        return None
    free = ((value >> 80) << 12 | value >> 64 & 0xFFF) << 62 | value & ((1 << 62) - 1)
    number = free >> 32
    return _plain(number) if _uuid(number) == text.lower() else None


def _int45(number: int) -> str:
    return str(number >> _HASH_BITS - 25)  # the tag and 25 bits of the hash


def _read_int45(text: str) -> int | None:
    if not text.isascii() or not text.isdigit() or int(text) >> _TAG_BITS + 25:
        return None
    return int(text) >> 25


_FORMS: Mapping[str, Callable[[int], str]] = {
    "gate": _gate,
    "gateio": _gate,
    "bitvavo": _uuid,
    "hyperliquid": _hex32,
    "bitfinex": _int45,
}
_READERS: Mapping[str, Callable[[str], str | None]] = {
    "gate": _read_gate,
    "gateio": _read_gate,
    "bitvavo": _read_uuid,
    "hyperliquid": _read_hex32,
}
_TAG_ONLY: Mapping[str, Callable[[str], int | None]] = {"bitfinex": _read_int45}
