"""One command's work: settings, the database for its time, a ledger on it, errors for operators."""

import asyncio
import getpass
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from engine.cli.database import current_settings, open_database
from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.ids import uuid7
from engine.ledger.choice import direct, over_http
from engine.ledger.seam import Ledger, Options
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from engine.runtime.settings import Settings

T = TypeVar("T")

# Undefined function, schema or table, and a role that is not there: the schema was never deployed.
_NOT_DEPLOYED = frozenset({"42883", "3F000", "42P01", "22023"})
_SHOWN_NAMES = 10
_POOL_SIZE = 2


def perform(action: Callable[[Ledger, Settings], Awaitable[T]]) -> T:
    """Run `action` on the database of the settings."""
    settings = current_settings()

    async def main() -> T:
        http = over_http(settings)
        if http is not None:
            return await _with_ledger(http, settings, action)
        async with open_database(settings) as url:
            return await on_ledger(url, settings, action)

    return asyncio.run(main())


async def on_ledger(url: str, settings: Settings, action: Callable[[Ledger, Settings], Awaitable[T]]) -> T:
    """Run `action` with a ledger on the database at `url`."""
    return await _with_ledger(direct(settings, url, _POOL_SIZE), settings, action)


async def _with_ledger(
    options: Options, settings: Settings, action: Callable[[Ledger, Settings], Awaitable[T]]
) -> T:
    try:
        ledger = await Ledger.connect(options, Metrics(), Clock())
    except HoldfastError as error:
        raise _understood(error) from error
    try:
        return await action(ledger, settings)
    except HoldfastError as error:
        raise _understood(error) from error
    finally:
        await ledger.close()


def actor() -> str:
    """Who the audit names: the operator by the login of this machine."""
    try:
        return f"operator:{getpass.getuser()}"
    except (KeyError, OSError):  # a container's user need not have a name
        return f"operator:uid-{os.getuid()}"


def new_id() -> UUID:
    """A time-ordered id for a new row."""
    return uuid7(time.time_ns() // 1_000_000, secrets.token_bytes(10))


def find(rows: Sequence[Mapping[str, Any]], wanted: str, what: str, id_field: str) -> Mapping[str, Any]:
    """Return the row whose name or id is `wanted`. Raises NOT_FOUND with the names there are."""
    for row in rows:
        if wanted in {row["name"], str(row[id_field])}:
            return row
    names = sorted(str(row["name"]) for row in rows)
    known = ", ".join(names[:_SHOWN_NAMES]) + (", …" if len(names) > _SHOWN_NAMES else "")
    raise HoldfastError(ErrorCode.NOT_FOUND, f"There is no {what} {wanted!r}; there is: {known or 'none'}.")


def checked(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a result that is OK. Raises the denial it carries, with its numbers."""
    if result["code"] != "OK":
        details = {name: value for name, value in result.items() if name != "code"}
        raise HoldfastError(ErrorCode(result["code"]), **details)
    return result


def _understood(error: HoldfastError) -> HoldfastError:
    if error.details.get("sqlstate") in _NOT_DEPLOYED or "does not exist" in str(error.details.get("cause")):
        return HoldfastError(
            ErrorCode.CONFIGURATION,
            "The database does not carry the schema yet; run `holdfast db deploy`.",
            cause=str(error.details.get("cause", error)),
        )
    return error
