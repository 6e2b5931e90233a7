"""The older way to an account's events: a listen key, asked for by REST and named in a stream's address."""

import hashlib
from typing import TYPE_CHECKING, Any

from engine.paper import refusals, tickets

if TYPE_CHECKING:
    from engine.paper.accounts import Account
    from engine.paper.calls import Call
    from engine.paper.matching import Matching

VALID_MS = 60 * 60_000


def create(call: "Call") -> Any:
    """Give the account's listen key, a new one if it has none, valid for an hour from now."""
    keys, now_ms = _keys(call), call.matching.clock.now_ms()
    living = [key for key, until_ms in keys.items() if until_ms > now_ms]
    if not living:
        drawn = f"{call.owner.key}:{len(keys)}".encode()
        living = [hashlib.sha256(call.owner.secret + drawn).hexdigest()]
    _prolong(call, living[-1])
    return {"listenKey": living[-1]}


def extend(call: "Call") -> Any:
    _, key = _known(call)
    _prolong(call, key)
    return {}


def close(call: "Call") -> Any:
    """End a listen key and what streams by it."""
    keys, key = _known(call)
    keys[key] = 0
    for subscription in [one for one in call.owner.subscriptions if one.listen_key == key]:
        call.owner.subscriptions.remove(subscription)
    return {}


def account_of(matching: "Matching", listen_key: str) -> "Account | None":
    """Find whose events a living listen key streams."""
    now_ms = matching.clock.now_ms()
    for account in matching.accounts.values():
        if (account.listen_keys or {}).get(listen_key, 0) > now_ms:
            return account
    return None


def _prolong(call: "Call", key: str) -> None:
    """Let a key live for an hour from now; at its end those who stream by it are told."""
    clock, owner, keys = call.matching.clock, call.owner, _keys(call)
    keys[key] = until_ms = clock.now_ms() + VALID_MS

    def expire() -> None:
        if keys[key] != until_ms:
            return
        for subscription in [one for one in owner.subscriptions if one.listen_key == key]:
            owner.subscriptions.remove(subscription)
            subscription.send({"e": "listenKeyExpired", "E": clock.now_ms(), "listenKey": key})

    clock.call_at(until_ms, expire)


def _known(call: "Call") -> tuple[dict[str, int], str]:
    keys, key = _keys(call), tickets.require(call.params, "listenKey")
    if keys.get(key, 0) <= call.matching.clock.now_ms():
        raise refusals.Refusal(-1125, "This listenKey does not exist.")
    return keys, key


def _keys(call: "Call") -> dict[str, int]:
    if call.owner.listen_keys is None:
        raise refusals.Refusal(-1020, "This operation is not supported.", 410)
    return call.owner.listen_keys
