"""What goes back to a client: status, payload and headers, and the two ways not to answer well."""

import json
from dataclasses import dataclass
from typing import Any

HTML = b"<html><head><title>Bad gateway</title></head><body>cloudfront</body></html>"
_encode = json.JSONEncoder(separators=(",", ":")).encode


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
