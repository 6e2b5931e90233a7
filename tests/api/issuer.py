"""An issuer of users' tokens with real keys: signs what a test asks for, right or wrong."""

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER, AUDIENCE = "https://id.example", "holdfast"
EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
OTHER_EC_KEY = ec.generate_private_key(ec.SECP256R1())
HS256_SECRET = "canary-hs256-secret-0123456789abcdef"
EC_PEM = EC_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
RSA_PEM = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def public(algorithm: str, key: Any, kid: str, **more: Any) -> dict[str, Any]:
    """Return a public key as a JWK."""
    made = (ECAlgorithm if algorithm == "ES256" else RSAAlgorithm).to_jwk(key.public_key(), as_dict=True)
    return {**made, "kid": kid, "alg": algorithm, "use": "sig", **more}


def jwks(*more: Mapping[str, Any]) -> bytes:
    """Return the issuer's key set."""
    keys = [public("ES256", EC_KEY, "ec-1"), public("RS256", RSA_KEY, "rsa-1"), *more]
    return json.dumps({"keys": keys}).encode()


def claims(tenant: object, **changes: Any) -> dict[str, Any]:
    """Return good claims, with changes; None takes a claim away."""
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "exp": now + 300, "iat": now}
    made = {**good, "tenant_id": str(tenant), **changes}
    return {name: value for name, value in made.items() if value is not None}


def token(given: Mapping[str, Any], key: Any = EC_KEY, algorithm: str = "ES256", **header: Any) -> str:
    """Sign claims as an issuer does."""
    kid = {"ES256": "ec-1", "RS256": "rsa-1"}.get(algorithm)
    named = {"kid": kid, **header} if kid else header
    return jwt.encode(dict(given), key, algorithm, {k: v for k, v in named.items() if v is not None})


def part(text: str | bytes) -> str:
    """Return a part of a token: base64url without padding."""
    raw = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def by_hand(header: str, payload: str, key: Any = EC_KEY) -> str:
    """Sign texts as they stand with ES256: what no library would make."""
    signed = f"{part(header)}.{part(payload)}"
    signature = ECAlgorithm(ECAlgorithm.SHA256).sign(signed.encode(), key)
    return f"{signed}.{part(signature)}"
