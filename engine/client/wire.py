"""One request, one answer: what went out and what came back, or why nothing did."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp

from engine.client.errors import AnswerError, NoAnswerError

CONNECT_TIMEOUT_S = 5.0
REPLAYED = "idempotency-replayed"

_ERROR_STATUS_MIN = 400


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of Holdfast: always a JSON object."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: dict[str, Any]

    @property
    def code(self) -> str:
        """The error's code; empty if it is none."""
        return str(self.body.get("code", ""))

    @property
    def outcome(self) -> str:
        return str(self.body.get("outcome", ""))

    @property
    def retryable(self) -> bool:
        return self.body.get("retryable") is True

    @property
    def replayed(self) -> bool:
        """Whether the key was known before this request."""
        return self.headers.get(REPLAYED) == "true"

    @property
    def retry_after_s(self) -> float | None:
        """What the answer asks to wait; None if it says nothing that is a number of seconds."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isdecimal() else None

    def checked(self) -> Self:
        """Return itself, or raise AnswerError."""
        if self.status >= _ERROR_STATUS_MIN:
            raise AnswerError(self.status, self.body)
        return self


class Wire:
    """Connections to one Holdfast with one robot's key. Redirects, cookies and proxies play no part."""

    def __init__(self, url: str, key: str, timeout_s: float) -> None:
        address = urlsplit(url)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ValueError(f"an address of Holdfast is like http://127.0.0.1:8080, not {url!r}")
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"}
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_S))
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: str | None = None,
        key: str | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Reply:
        """Make one request. Raises NoAnswerError, which says whether anything may have arrived."""
        headers = {} if key is None else {"Idempotency-Key": key}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with self.session().request(
                method,
                self._url + path,
                data=None if body is None else body.encode(),
                headers=headers,
                params=query,
                allow_redirects=False,
                timeout=self._timeout,
            ) as response:
                raw = await response.read()
                received = {name.lower(): value for name, value in response.headers.items()}
                return Reply(response.status, received, _object(raw, response.status))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NoAnswerError(f"not connected: {error}", sent=False) from None
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise NoAnswerError(f"no answer: {type(error).__name__} {error}".rstrip(), sent=True) from None

    def session(self) -> aiohttp.ClientSession:
        """Return the connections; made at the first request, in its event loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )
        return self._session

    def address(self, path: str) -> str:
        """Return the whole address of a path."""
        return self._url + path

    async def close(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _object(raw: bytes, status: int) -> dict[str, Any]:
    """Return the answer's object; what is none (a proxy's page, half an answer) tells nothing of an order."""
    try:
        found = json.loads(raw, parse_float=Decimal)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NoAnswerError(f"status {status} without a JSON object", sent=True)
    return found
