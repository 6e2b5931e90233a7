"""Users' tokens: which are accepted, and every way to forge one that is not."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from engine.api.jwks import Jwks
from engine.api.users import TokenRules, Users, open_users
from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.scopes import ROBOT_SCOPES, Scope
from engine.runtime.clock import Clock
from engine.runtime.log import configure, get_logger
from engine.runtime.settings import Settings
from tests.api.issuer import (
    AUDIENCE,
    EC_KEY,
    EC_PEM,
    HS256_SECRET,
    ISSUER,
    OTHER_EC_KEY,
    RSA_KEY,
    RSA_PEM,
    by_hand,
    claims,
    jwks,
    part,
    public,
    token,
)

TENANT, ROBOT = uuid4(), uuid4()
GOOD_HEADER = '{"alg":"ES256","kid":"ec-1","typ":"JWT"}'
WEAK_RSA = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the weakness is what is refused
P384 = ec.generate_private_key(ec.SECP384R1())


async def _look_up(tenant_id: UUID, robot_name: str | None) -> Mapping[str, Any] | None:
    robot = str(ROBOT) if robot_name == "desk" else None
    return {"tenant_mode": "active", "robot_id": robot} if tenant_id == TENANT else None


async def _fetch() -> bytes:
    weak = public("RS256", WEAK_RSA, "weak")
    shared = {"kty": "oct", "kid": "oct", "alg": "HS256", "k": part(HS256_SECRET)}
    return jwks(weak, shared, public("ES256", OTHER_EC_KEY, "for-encryption", use="enc"))


def users(**changes: Any) -> Users:
    rules = {"algorithms": frozenset({"ES256", "RS256"}), **changes}
    clock = Clock()
    return Users(TokenRules(ISSUER, AUDIENCE, **rules), Jwks(_fetch, clock.monotonic), _look_up, clock)


def hs256(header: Mapping[str, Any], given: Mapping[str, Any], secret: bytes) -> str:
    signed = f"{part(json.dumps(header))}.{part(json.dumps(given))}"
    return f"{signed}.{part(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def good(**changes: Any) -> dict[str, Any]:
    return claims(TENANT, **changes)


def text_of(**changes: Any) -> str:
    return json.dumps(good(**changes))


def cut(whole: str, place: int, instead: str) -> str:
    parts = whole.split(".")
    parts[place] = instead
    return ".".join(parts)


def now() -> int:
    return int(time.time())


def _weakly_signed() -> str:
    signed = part('{"alg":"RS256","kid":"weak"}') + f".{part(text_of())}"
    return f"{signed}.{part(WEAK_RSA.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"


@pytest.fixture(autouse=True)
def _log() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


VECTORS: dict[str, Callable[[], str]] = {
    "alg none": lambda: part('{"alg":"none","typ":"JWT"}') + f".{part(text_of())}.",
    "alg None with a signature": lambda: cut(token(good()), 0, part('{"alg":"None","kid":"ec-1"}')),
    "alg missing": lambda: by_hand('{"kid":"ec-1"}', text_of()),
    "alg a list": lambda: by_hand('{"alg":["ES256"],"kid":"ec-1"}', text_of()),
    "HS256 with the EC public key": lambda: hs256({"alg": "HS256", "kid": "ec-1"}, good(), EC_PEM),
    "HS256 with the RSA public key": lambda: hs256({"alg": "HS256", "kid": "rsa-1"}, good(), RSA_PEM),
    "HS256 with the set's shared key": lambda: hs256(
        {"alg": "HS256", "kid": "oct"}, good(), HS256_SECRET.encode()
    ),
    "HS256 with nothing": lambda: hs256({"alg": "HS256"}, good(), b""),
    "HS512": lambda: token(good(), HS256_SECRET * 2, "HS512"),
    "PS256, not allowed": lambda: token(good(), RSA_KEY, "PS256", kid="rsa-1"),
    "RS512, not allowed": lambda: token(good(), RSA_KEY, "RS512", kid="rsa-1"),
    "RS256 under an EC key's id": lambda: token(good(), RSA_KEY, "RS256", kid="ec-1"),
    "ES256 under an RSA key's id": lambda: token(good(), kid="rsa-1"),
    "ES384": lambda: token(good(), P384, "ES384", kid="ec-1"),
    "a stranger's key": lambda: token(good(), OTHER_EC_KEY),
    "a weak key of the set": _weakly_signed,
    "a key for encryption": lambda: token(good(), OTHER_EC_KEY, kid="for-encryption"),
    "kid missing": lambda: token(good(), kid=None),
    "kid unknown": lambda: token(good(), kid="ec-2"),
    "kid a path": lambda: token(good(), kid="../../etc/passwd"),
    "kid an address": lambda: token(good(), kid="https://evil.example/key"),
    "kid an injection": lambda: token(good(), kid="ec-1' OR '1'='1"),
    "kid a number": lambda: by_hand('{"alg":"ES256","kid":1}', text_of()),
    "kid of 10,000 characters": lambda: token(good(), kid="k" * 10_000),
    "key in the header": lambda: token(good(), OTHER_EC_KEY, jwk=public("ES256", OTHER_EC_KEY, "ec-1")),
    "key set in the header": lambda: token(good(), OTHER_EC_KEY, jku="https://evil.example/jwks.json"),
    "certificate in the header": lambda: token(
        good(), OTHER_EC_KEY, x5c=["AAAA"], x5u="https://evil.example"
    ),
    "crit": lambda: token(good(), crit=["exp"], exp=1),
    "another type": lambda: token(good(), typ="logout+jwt"),
    "wrong audience": lambda: token(good(aud="others")),
    "audience a part of ours": lambda: token(good(aud="hold")),
    "no audience": lambda: token(good(aud=None)),
    "wrong issuer": lambda: token(good(iss="https://id.example.evil")),
    "issuer with a slash": lambda: token(good(iss=ISSUER + "/")),
    "no issuer": lambda: token(good(iss=None)),
    "expired": lambda: token(good(exp=now() - 60)),
    "no end": lambda: token(good(exp=None)),
    "an end in the far future": lambda: token(good(exp=now() + 365 * 86_400)),
    "an end as text": lambda: by_hand(GOOD_HEADER, text_of(exp="9999999999")),
    "an end as true": lambda: by_hand(GOOD_HEADER, text_of(exp=True)),
    "an end at infinity": lambda: by_hand(GOOD_HEADER, text_of(exp="X").replace('"X"', "1e999")),
    "not yet": lambda: token(good(nbf=now() + 600)),
    "issued in the future": lambda: token(good(iat=now() + 600)),
    "no subject": lambda: token(good(sub=None)),
    "a subject with a line break": lambda: token(good(sub="user\nadmin")),
    "no tenant": lambda: token(good(tenant_id=None)),
    "a tenant that is no id": lambda: token(good(tenant_id="' OR 1=1 --")),
    "a tenant in another form": lambda: token(good(tenant_id="{" + str(TENANT) + "}")),
    "two tenants in a list": lambda: token(good(tenant_id=[str(TENANT), str(uuid4())])),
    "a tenant that does not exist": lambda: token(good(tenant_id=str(uuid4()))),
    "a claim twice": lambda: by_hand(GOOD_HEADER, text_of()[:-1] + f', "tenant_id": "{uuid4()}"}}'),
    "a header twice": lambda: by_hand('{"alg":"none","alg":"ES256","kid":"ec-1"}', text_of()),
    "claims swapped": lambda: cut(token(good()), 1, part(text_of(sub="admin"))),
    "signature cut": lambda: token(good())[:-4],
    "signature missing": lambda: token(good()).rpartition(".")[0] + ".",
    "signature of another token": lambda: cut(token(good()), 2, token(good(sub="x")).split(".")[2]),
    "two parts": lambda: token(good()).rpartition(".")[0],
    "five parts": lambda: token(good()) + ".a.b",
    "padding": lambda: token(good()) + "==",
    "claims no object": lambda: by_hand(GOOD_HEADER, "[]"),
    "claims no JSON": lambda: by_hand(GOOD_HEADER, "{"),
    "claims nested without end": lambda: by_hand(GOOD_HEADER, "[" * 5_000),
    "header no UTF-8": lambda: cut(token(good()), 0, part(b"\xff\xfe")),
    "a robot key's form": lambda: "hf_2_" + "a" * 43 + "_000000",
}


@pytest.mark.parametrize("name", VECTORS)
async def test_a_forged_token_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each way to forge a token ends in the same UNAUTHORIZED, and nothing of it is written anywhere."""
    forged = VECTORS[name]()
    configure(json_lines=True, level="DEBUG")
    with pytest.raises(HoldfastError) as caught:
        await users().caller(forged)
    assert (ErrorCode.UNAUTHORIZED, {}) == (caught.value.code, caught.value.details)
    said = capsys.readouterr()
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    longest = max(forged.split("."), key=len)
    assert longest not in said.out + said.err + str(caught.value)


@pytest.mark.parametrize(
    ("key", "algorithm", "header"),
    [(EC_KEY, "ES256", {}), (RSA_KEY, "RS256", {}), (EC_KEY, "ES256", {"typ": "at+jwt", "x5t": "abc"})],
)
async def test_a_good_token_reads_as_its_tenant(key: Any, algorithm: str, header: dict[str, Any]) -> None:
    """Both algorithms are accepted; a user reads, and trades only where it is configured."""
    signed = token(good(aud=["x", AUDIENCE]), key, algorithm, **header)
    reader = await users().caller(signed)
    assert (TENANT, "user:user-1", {Scope.READ}, UUID(int=0)) == (
        reader.tenant_id,
        reader.actor,
        set(reader.scopes),
        reader.robot_id,
    )
    trader = await users(robot_name="desk").caller(signed)
    assert (ROBOT_SCOPES, ROBOT) == (trader.scopes, trader.robot_id)
    assert {Scope.READ} == set((await users(robot_name="nobody").caller(signed)).scopes)


async def test_hs256_needs_its_secret_to_be_set() -> None:
    """A shared secret is accepted only where it is configured, and then for HS256 alone."""
    signed = token(good(), HS256_SECRET, "HS256")
    assert TENANT == (await users(hs256_secret=HS256_SECRET).caller(signed)).tenant_id
    for forged in (VECTORS["HS256 with the EC public key"](), VECTORS["HS512"]()):
        with pytest.raises(HoldfastError):
            await users(hs256_secret=HS256_SECRET).caller(forged)
    assert HS256_SECRET not in repr(TokenRules("i", "a", frozenset(), hs256_secret=HS256_SECRET))


async def test_the_tenant_may_stand_inside() -> None:
    """A claim's path leads inwards, as for Supabase's app_metadata; what a user may edit is not looked at."""
    inside = good(tenant_id=None, app_metadata={"tenant_id": str(TENANT)})
    assert TENANT == (await users(tenant_claim="app_metadata.tenant_id").caller(token(inside))).tenant_id
    outside = good(tenant_id=None, user_metadata={"tenant_id": str(TENANT)})
    with pytest.raises(HoldfastError):
        await users(tenant_claim="app_metadata.tenant_id").caller(token(outside))


def test_wrong_settings_are_told_at_the_start() -> None:
    """An issuer without audience, a short secret, plain http and an unknown algorithm are refused."""
    base = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}
    assert open_users(Settings(), _look_up, Clock()) is None
    assert open_users(Settings(**base), _look_up, Clock()) is not None
    wrong: list[dict[str, Any]] = [
        {"jwt_issuer": ISSUER},
        {**base, "jwt_hs256_secret": "short"},
        {**base, "jwt_jwks_url": "http://id.example/jwks"},
        {**base, "jwt_jwks_url": "file:///etc/passwd"},
    ]
    for given in wrong:
        with pytest.raises(HoldfastError) as caught:
            open_users(Settings(**given), _look_up, Clock())
        assert ErrorCode.CONFIGURATION is caught.value.code
    for name, value in (
        ("jwt_algorithms", ("none",)),
        ("jwt_algorithms", ("HS256",)),
        ("jwt_tenant_claim", "a..b"),
    ):
        with pytest.raises(ValueError, match=name):
            Settings(**{name: value})


def test_a_token_never_reaches_a_log_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever logs a text with a token in it writes it hidden."""
    configure(json_lines=True, level="INFO")
    signed = token(good())
    get_logger(__name__).info("seen", header=f"Bearer {signed}", more={"t": [signed]})
    said = capsys.readouterr().err
    assert "seen" in said
    assert not [piece for piece in signed.split(".") if piece in said]
