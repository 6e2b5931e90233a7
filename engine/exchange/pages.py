"""Reads a list to its end: a page that is missing makes the whole read no evidence."""

from collections.abc import Awaitable, Callable
from typing import Any

from engine.exchange.unified import IncompleteAnswerError

_PAGES_MAX = 1000


async def by_time(
    fetch: Callable[[int | None], Awaitable[list[dict[str, Any]]]], since_ms: int | None, page: int
) -> list[dict[str, Any]]:
    """Return all rows from `since_ms` on, by time; the next page begins at the last row's time.

    Raises IncompleteAnswerError if one moment holds more rows than a page.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for _ in range(_PAGES_MAX):
        rows = await fetch(since_ms)
        before = len(found)
        found.update((_identity(row), row) for row in rows)
        if len(rows) < page:
            return sorted(found.values(), key=_by_time)
        if len(found) == before:
            break
        since_ms = max(int(row["timestamp"]) for row in rows)
    raise IncompleteAnswerError("the list has no end that its pages reach")


async def by_id(
    first: Callable[[], Awaitable[list[dict[str, Any]]]],
    after: Callable[[int], Awaitable[list[dict[str, Any]]]],
    page: int,
) -> list[dict[str, Any]]:
    """Return all rows whose ids count up: a first page, then the next, beginning with its greatest id.

    Two orders of one account that trade with each other have a row each under one id, and a page may end
    between them. Raises IncompleteAnswerError if one id holds more rows than a page.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    rows = await first()
    for _ in range(_PAGES_MAX):
        before = len(found)
        found.update((_identity(row), row) for row in rows)
        if len(rows) < page:
            # ccxt sorts the ids of one moment as texts: 10 before 2
            return sorted(found.values(), key=lambda row: int(row["id"]))
        if len(found) == before:
            break
        rows = await after(max(int(row["id"]) for row in rows))
    raise IncompleteAnswerError("the list has no end that its pages reach")


def _identity(row: dict[str, Any]) -> tuple[str, str]:
    return str(row["id"]), str(row.get("order"))


def _by_time(row: dict[str, Any]) -> tuple[int, int, str]:
    text = str(row["id"])
    return int(row["timestamp"]), len(text) if text.isdigit() else 0, text
