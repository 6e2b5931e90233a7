"""Who is asking: API key, HMAC signature over exactly what was sent, and the request's validity window."""

import hmac
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from engine.paper import refusals

if TYPE_CHECKING:
    from engine.paper.accounts import Account
    from engine.paper.clock import ExchangeClock

_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SIGNATURE = re.compile(r"&?signature=([^&]*)")
_TIME = re.compile(r"[0-9]{1,20}")
_WINDOW = re.compile(r"[0-9]{1,5}(\.[0-9]{1,3})?")
# No time in milliseconds gets this large before the year 5138: the client sent microseconds.
_MICROSECONDS_FROM = 10**14
_DEFAULT_WINDOW_MS = 5000
_WINDOW_MAX_MS = 60000
_AHEAD_MAX_MS = 1000


def parameters(text: str) -> dict[str, str]:
    """Read a query string; the fast way when nothing in it is escaped, as in nearly every order."""
    if not text:
        return {}
    if "%" in text or "+" in text:
        return dict(parse_qsl(text, keep_blank_values=True))
    return dict([part.partition("=")[::2] for part in text.split("&") if part])


def account_of(accounts: "dict[str, Account]", key: str | None) -> "Account":
    """Find the account by its key, or refuse as the exchange does."""
    if not key or not _KEY.fullmatch(key):
        raise refusals.bad_key_format()
    account = accounts.get(key)
    if account is None:
        raise refusals.unknown_key()
    return account


def check_signature(account: "Account", query: str, body: str, given: str | None) -> None:
    """Compare the signature with what was sent, byte for byte, without `signature` itself."""
    if not given:
        raise refusals.missing("signature")
    payload = _unsigned(query) if query else ""
    if body:
        payload += _unsigned(body)
    check_payload(account, payload, given)


def _unsigned(text: str) -> str:
    """Cut the signature out; nearly always it stands once, at the end."""
    if text.count("signature=") == 1:
        before, _, after = text.partition("&signature=")
        if after and "&" not in after:
            return before
    return _SIGNATURE.sub("", text)


def check_payload(account: "Account", payload: str, given: str) -> None:
    """Compare a signature in constant time."""
    if not hmac.compare_digest(
        account.sign(payload).encode(), given.lower().encode("utf-8", "surrogateescape")
    ):
        raise refusals.bad_signature()


def window_end(params: dict[str, str], clock: "ExchangeClock") -> int:
    """Check timestamp and recvWindow now; returns the last moment (ms) at which the request is valid."""
    raw_time, raw_window = params.get("timestamp"), params.get("recvWindow")
    if not raw_time:
        raise refusals.missing("timestamp")
    if not _TIME.fullmatch(raw_time):
        raise refusals.illegal_characters("timestamp", "^[0-9]{1,20}$")
    window_ms = _DEFAULT_WINDOW_MS
    if raw_window is not None:
        if not _WINDOW.fullmatch(raw_window):
            raise refusals.illegal_characters("recvWindow", "^[0-9]{1,5}(\\.[0-9]{1,3})?$")
        window_ms = int(raw_window.partition(".")[0])
        if window_ms > _WINDOW_MAX_MS:
            raise refusals.Refusal(-1131, "recvWindow must be less than 60000.")
    sent_ms = int(raw_time)
    if sent_ms > _MICROSECONDS_FROM:
        sent_ms //= 1000
    now_ms = clock.now_ms()
    if sent_ms >= now_ms + _AHEAD_MAX_MS:
        raise refusals.ahead_of_server()
    if now_ms - sent_ms > window_ms:
        raise refusals.outside_window()
    return sent_ms + window_ms


def check_still_valid(valid_until_ms: int, clock: "ExchangeClock") -> None:
    """Check once more just before matching: a request that waited too long is refused."""
    if clock.now_ms() > valid_until_ms:
        raise refusals.outside_window()
