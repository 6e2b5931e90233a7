"""What goes back to a client: status, payload and headers, and the two ways not to answer well."""

import json
import json.encoder
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

HTML = b"<html><head><title>Bad gateway</title></head><body>cloudfront</body></html>"


def _encoder() -> Callable[[Any], str]:
    """Give a function that writes compact JSON; with the C encoder made once, not for every answer."""
    usual = json.JSONEncoder(separators=(",", ":"))
    made = getattr(json.encoder, "c_make_encoder", None)
    if made is None:
        return usual.encode
    quick = made(
        None, usual.default, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, True
    )

    def encode(payload: Any) -> str:
        return "".join(quick(payload, 0))

    return encode


_encode = _encoder()


@dataclass(slots=True)
class Reply:
    """An answer; `payload` bytes are sent as they are, everything else as JSON."""

    status: int
    payload: Any
    headers: dict[str, str]

    def encoded(self) -> bytes:
        payload = self.payload
        return payload if isinstance(payload, bytes) else _encode(payload).encode()


class Dropped(Exception):  # noqa: N818 - the connection is to be cut, nothing failed
    """Cut the connection instead of answering."""
