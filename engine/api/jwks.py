"""The issuer's public keys: fetched within bounds, kept for a while, found by their id and nothing else."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWKError

from engine.domain.errors import ErrorCode, HoldfastError
from engine.runtime.log import get_logger

_log = get_logger(__name__)
BYTES_MAX = 65_536
KEYS_MAX = 32
_TIMEOUT_S = 3.0
_FRESH_S = 600.0  # after that it is fetched again with the next token
_STALE_S = 3_600.0  # so long old keys stand while the issuer does not answer
_PAUSE_S = 15.0  # between two fetches, whatever ids tokens name: a stranger cannot make us ask more often
_RSA_BITS_MIN = 2_048
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
Fetch = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A public key and the one algorithm it may be used with."""

    algorithm: str
    key: Any


class Jwks:
    """Keys by id. A token's key id is looked up in a table, and is never part of an address or a path."""

    def __init__(self, fetch: Fetch, monotonic: Callable[[], float]) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._keys: Mapping[str, IssuerKey] = {}
        self._got_at = float("-inf")
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def key(self, key_id: str) -> IssuerKey | None:
        """Return the key of an id, None if there is none. Raises IDENTITY_UNAVAILABLE without any keys."""
        if key_id not in self._keys or self._age_s() > _FRESH_S:
            async with self._asking:  # one fetch, however many wait for it
                if key_id not in self._keys or self._age_s() > _FRESH_S:
                    await self._refresh()
        if self._age_s() > _STALE_S:
            raise HoldfastError(ErrorCode.IDENTITY_UNAVAILABLE)
        return self._keys.get(key_id)

    def _age_s(self) -> float:
        return self._monotonic() - self._got_at

    async def _refresh(self) -> None:
        now = self._monotonic()
        if now - self._asked_at < _PAUSE_S:
            return
        self._asked_at = now
        try:
            self._keys = read_keys(await self._fetch())
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            _log.warning("issuer's keys not fetched", cause=type(error).__name__)
            return
        self._got_at = now


def read_keys(body: bytes) -> dict[str, IssuerKey]:
    """Return the signing keys of a JWKS that we can use. Raises ValueError for what is no JWKS."""
    if len(body) > BYTES_MAX:
        raise ValueError("the key set is too large")
    document = json.loads(body)
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > KEYS_MAX:
        raise ValueError("no key set, or too many keys")
    found: dict[str, IssuerKey] = {}
    for one in listed:
        key_id = one.get("kid") if isinstance(one, dict) else None
        if not isinstance(key_id, str) or one.get("use", "sig") != "sig":
            continue
        if key_id in found:
            raise ValueError("two keys have one id")
        usable = _usable(one)
        if usable is not None:
            found[key_id] = usable
    return found


def _usable(one: Mapping[str, Any]) -> IssuerKey | None:
    """Return an ES256 or RS256 public key. A symmetric key in a public set is none, whatever it says."""
    algorithm = {"EC": "ES256", "RSA": "RS256"}.get(str(one.get("kty")))
    if algorithm is None or one.get("alg", algorithm) != algorithm or "d" in one:
        return None
    try:
        key = PyJWK.from_dict(dict(one), algorithm).key
    except (PyJWKError, ValueError, TypeError):
        return None
    if isinstance(key, EllipticCurvePublicKey):
        return IssuerKey(algorithm, key) if isinstance(key.curve, SECP256R1) else None
    if isinstance(key, RSAPublicKey) and key.key_size >= _RSA_BITS_MIN:
        return IssuerKey(algorithm, key)
    return None


def over_http(url: str) -> Fetch:
    """Return what fetches a key set: bounded in time and size, no redirects, no plain http but on this host.

    Raises CONFIGURATION for another address.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise HoldfastError(ErrorCode.CONFIGURATION, "HOLDFAST_JWT_JWKS_URL is no https:// address.")

    async def fetch() -> bytes:
        timeout = aiohttp.ClientTimeout(_TIMEOUT_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            if response.status != 200:  # noqa: PLR2004 - HTTP's own number
                raise ValueError("the issuer did not answer with its keys")
            body = bytearray()
            async for part in response.content.iter_chunked(8_192):
                body += part
                if len(body) > BYTES_MAX:
                    raise ValueError("the key set is too large")
            return bytes(body)

    return fetch
