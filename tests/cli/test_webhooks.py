"""Webhook routes by command: made, listed, shown, deleted; a template is checked before anything is made."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.cli.commands import CommandLine
from tests.database.servers import Database

TEMPLATE = {"action": "{{1}}", "symbol": "BTC/USDT", "quantity": "{{2}}"}


def create(folder: Path, template: Any, *more: str) -> list[str]:
    """Return the words of the command that makes the route `tv`."""
    path = folder / "template.json"
    path.write_text(template if isinstance(template, str) else json.dumps(template))
    words = ["webhooks", "create", "acme", "tv", "--robot", "ada", "--profile", "alpha"]
    return [*words, "--template", str(path), *more]


async def hashes(database: Database) -> list[bytes]:
    conn = await asyncpg.connect(database.admin_url)
    try:
        return [row[0] for row in await conn.fetch("SELECT secret_hash FROM engine.webhook_routes")]
    finally:
        await conn.close()


def test_a_route_from_its_making_to_its_end(acme: CommandLine, database: Database, tmp_path: Path) -> None:
    """The secret is printed once and stored as its hash; the route is listed, shown and deleted by name."""
    made = acme.made(*create(tmp_path, TEMPLATE, "--max-lag-s", "60"))
    assert [hashlib.sha256(made["secret"].encode()).digest()] == asyncio.run(hashes(database))
    (row,) = acme.made("webhooks", "list", "acme")
    assert ("tv", "ada", "alpha", 60, made["path"]) == tuple(
        row[name] for name in ("name", "robot", "profile", "max_lag_s", "path")
    )
    shown = acme.made("webhooks", "show", "acme", "tv")
    assert (TEMPLATE, []) == (shown["template"], shown["latest"])
    assert made["secret"] not in json.dumps([row, shown])
    assert 0 == acme("webhooks", "show", "acme", "tv").code
    twice = acme(*create(tmp_path, TEMPLATE), "-o", "json")
    assert (5, "ALREADY_EXISTS") == (twice.code, twice.problem["code"])
    assert {"name": "tv", "deleted": True} == acme.made("webhooks", "delete", "acme", "tv")
    gone = acme("webhooks", "delete", "acme", "tv", "-o", "json")
    assert (4, "NOT_FOUND") == (gone.code, gone.problem["code"])


@pytest.mark.parametrize("template", ["{", "[]", '{"action": "buy"}', '{"action": 1}'])
def test_a_template_of_another_form_makes_nothing(acme: CommandLine, tmp_path: Path, template: str) -> None:
    """Wrong usage, with what is wrong, before a route is there."""
    assert 2 == acme(*create(tmp_path, template)).code
    assert [] == acme.made("webhooks", "list", "acme")
