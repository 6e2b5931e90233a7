"""Users' tokens (people, dashboards): who signed them, for whom, until when, for which tenant."""

import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import jwt
from jwt.utils import base64url_decode

from engine.api.auth import KEY_TTL_S, Caller
from engine.api.jwks import Jwks, over_http
from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.scopes import ROBOT_SCOPES, Scope
from engine.runtime.clock import Clock
from engine.runtime.settings import Settings

_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
_KEY_ID = re.compile(r"[A-Za-z0-9._=+-]{1,128}")
_SUBJECT = re.compile(r"[\x21-\x7e]{1,128}")
# What a token may say of itself. Not: jku, jwk, x5u, x5c (it would bring its own key), crit, b64, zip.
_HEADERS = frozenset({"alg", "kid", "typ", "cty", "x5t", "x5t#S256"})
_TYPES = frozenset({"jwt", "at+jwt"})
_REQUIRED = ["exp", "sub", "aud", "iss"]
_LIFETIME_S_MAX = 30 * 86_400
_NO_ROBOT = UUID(int=0)
_HS256, _HS256_BYTES_MIN = "HS256", 32
_TENANTS_MAX = 4_096
# look_up(tenant, robot's name) -> None if there is no such tenant, else the robot users trade as
LookUp = Callable[[UUID, str | None], Awaitable[Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must be. `tenant_claim` is a path of names joined by dots."""

    issuer: str
    audience: str
    algorithms: frozenset[str]
    tenant_claim: str = "tenant_id"
    hs256_secret: str | None = field(default=None, repr=False)
    robot_name: str | None = None  # the robot that users trade as; None: they may not
    leeway_s: float = 5.0


class Users:
    """Verifies tokens. Each refusal is UNAUTHORIZED, the same for every reason; nothing of one is logged."""

    def __init__(self, rules: TokenRules, jwks: Jwks | None, look_up: LookUp, clock: Clock) -> None:
        self._rules = rules
        self._jwks = jwks
        self._look_up = look_up
        self._clock = clock
        self._tenants: OrderedDict[UUID, tuple[float, Mapping[str, Any] | None]] = OrderedDict()

    async def caller(self, token: str) -> Caller:
        """Return the user of a token. Raises UNAUTHORIZED, IDENTITY_UNAVAILABLE, DATABASE_UNAVAILABLE."""
        try:
            claims = await self._claims(token)
            tenant_id = self._tenant_of(claims)
        except (ValueError, TypeError, RecursionError, jwt.PyJWTError):
            raise HoldfastError(ErrorCode.UNAUTHORIZED) from None
        tenant = await self._tenant(tenant_id)
        if tenant is None:
            raise HoldfastError(ErrorCode.UNAUTHORIZED)
        robot_id = tenant.get("robot_id")
        trades = self._rules.robot_name is not None and robot_id is not None
        return Caller(
            tenant_id,
            UUID(robot_id) if trades and robot_id is not None else _NO_ROBOT,
            self._rules.robot_name or "",
            ROBOT_SCOPES if trades else frozenset({Scope.READ}),
            user=str(claims["sub"]),
        )

    async def _claims(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a token that passes every rule. Raises ValueError or what jwt raises."""
        segments = token.split(".")
        if len(segments) != 3 or not all(_SEGMENT.fullmatch(part) for part in segments):  # noqa: PLR2004
            raise ValueError("no compact token")
        header = _object(segments[0])
        _object(segments[1])  # before the signature: a claim that stands twice is two tokens in one
        algorithm, key = await self._key(header)
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=self._rules.audience,
            issuer=self._rules.issuer,
            leeway=self._rules.leeway_s,
            options={
                "require": _REQUIRED,
                "strict_aud": False,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        self._check_times(claims)
        if not isinstance(claims["sub"], str) or not _SUBJECT.fullmatch(claims["sub"]):
            raise ValueError("no subject")
        return claims

    async def _key(self, header: Mapping[str, Any]) -> tuple[str, Any]:
        """Return algorithm and key by what we allow; what the token says only chooses among that."""
        algorithm = header.get("alg")
        named = str(header.get("typ", "JWT")).lower()
        if set(header) - _HEADERS or named not in _TYPES or not isinstance(algorithm, str):
            raise ValueError("a header that is not allowed")
        if algorithm == _HS256 and self._rules.hs256_secret is not None:
            return _HS256, self._rules.hs256_secret
        key_id = header.get("kid")
        if algorithm not in self._rules.algorithms or self._jwks is None:
            raise ValueError("an algorithm that is not allowed")
        if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
            raise ValueError("no key id")
        found = await self._jwks.key(key_id)
        if found is None or found.algorithm != algorithm:
            raise ValueError("no key of that id for that algorithm")
        return algorithm, found.key

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        """Compare times by our own clock: whole or broken seconds, never text, never true or false."""
        now, leeway_s = self._clock.now().timestamp(), self._rules.leeway_s
        times: dict[str, float] = {}
        for name in ("exp", "nbf", "iat"):
            value = claims.get(name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise TypeError(name)
            times[name] = float(value)
        if not now - leeway_s < times["exp"] < now + _LIFETIME_S_MAX:
            raise ValueError("past its end, or without one that counts")
        if max(times.get("nbf", now), times.get("iat", now)) > now + leeway_s:
            raise ValueError("not yet")

    def _tenant_of(self, claims: Mapping[str, Any]) -> UUID:
        value: Any = claims
        for name in self._rules.tenant_claim.split("."):
            if not isinstance(value, Mapping):
                raise TypeError("no tenant")
            value = value.get(name)
        if not isinstance(value, str):
            raise TypeError("no tenant")
        found = UUID(value)
        if str(found) != value.lower():
            raise ValueError("an id in another form")
        return found

    async def _tenant(self, tenant_id: UUID) -> Mapping[str, Any] | None:
        now = self._clock.monotonic()
        known = self._tenants.get(tenant_id)
        if known is not None and now < known[0]:
            return known[1]
        found = await self._look_up(tenant_id, self._rules.robot_name)
        self._tenants[tenant_id] = (now + KEY_TTL_S, found)
        self._tenants.move_to_end(tenant_id)
        if len(self._tenants) > _TENANTS_MAX:
            self._tenants.popitem(last=False)
        return found


def open_users(settings: Settings, look_up: LookUp, clock: Clock) -> Users | None:
    """Return the verifier of the settings, None where users have no tokens. Raises CONFIGURATION."""
    if settings.jwt_issuer is None:
        return None
    if settings.jwt_audience is None:
        raise HoldfastError(ErrorCode.CONFIGURATION, "HOLDFAST_JWT_ISSUER needs HOLDFAST_JWT_AUDIENCE.")
    secret = settings.jwt_hs256_secret
    given = None if secret is None else secret.get_secret_value()
    if given is not None and len(given.encode()) < _HS256_BYTES_MIN:
        raise HoldfastError(
            ErrorCode.CONFIGURATION, f"HOLDFAST_JWT_HS256_SECRET has under {_HS256_BYTES_MIN} bytes."
        )
    rules = TokenRules(
        settings.jwt_issuer,
        settings.jwt_audience,
        frozenset(settings.jwt_algorithms),
        settings.jwt_tenant_claim,
        given,
        settings.jwt_trade_robot,
        settings.jwt_leeway_s,
    )
    url = settings.jwt_jwks_url or f"{settings.jwt_issuer.rstrip('/')}/.well-known/jwks.json"
    jwks = Jwks(over_http(url), clock.monotonic) if rules.algorithms else None
    return Users(rules, jwks, look_up, clock)


def _object(segment: str) -> dict[str, Any]:
    """Decode one part strictly: canonical base64url, UTF-8, one JSON object, no name twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            raise ValueError("a name stands twice")
        return made

    def never(_text: str) -> None:
        raise ValueError("no number")

    found = json.loads(base64url_decode(segment).decode(), object_pairs_hook=once, parse_constant=never)
    if not isinstance(found, dict):
        raise TypeError("no object")
    return found
