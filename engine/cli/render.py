"""Writes rows for people or for programs; rich is loaded only for a table on a terminal."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click


def current_output() -> str:
    """`table` or `json`, as the caller of the running command wants it."""
    output: str = click.get_current_context().find_root().params["output"]
    return output


def render(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], output: str | None = None) -> None:
    """Print rows: as a JSON array of all their fields, or as a table of `columns`."""
    if (output or current_output()) == "json":
        click.echo(json.dumps([dict(row) for row in rows], default=str))
        return
    cells = [[_text(row.get(column)) for column in columns] for row in rows]
    if sys.stdout.isatty():
        _rich_table(columns, cells)
        return
    widths = [max(len(line[index]) for line in [list(columns), *cells]) for index in range(len(columns))]
    for line in [list(columns), *cells]:
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def render_one(fields: Mapping[str, Any], output: str | None = None) -> None:
    """Print one thing: a JSON object, or a line per field."""
    if (output or current_output()) == "json":
        click.echo(json.dumps(dict(fields), default=str))
        return
    width = max((len(name) for name in fields), default=0)
    for name, value in fields.items():
        click.echo(f"{name.ljust(width)}  {_text(value)}".rstrip())


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_text(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_text(inner) for inner in value) or "-"
    return str(value)


def _rich_table(columns: Sequence[str], cells: list[list[str]]) -> None:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - 100 ms that only a terminal pays
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")  # an id or an amount is never cut short
    for line in cells:
        table.add_row(*(Text(text) for text in line))
    Console().print(table)
