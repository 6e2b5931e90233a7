"""`holdfast profiles spec`: the versions of a profile's rules."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.lazy import lazy
from engine.cli.render import render, render_one
from engine.domain.specs import read_spec

if TYPE_CHECKING:
    from engine.cli.acts import session
    from engine.cli.acts import specs as acts
else:
    acts = lazy("engine.cli.acts.specs")
    session = lazy("engine.cli.acts.session")


@click.group()
def spec() -> None:
    """Show and replace the rules of a profile; each version is kept for ever."""


@spec.command()
@click.argument("tenant")
@click.argument("profile")
@click.option("--version", type=click.IntRange(min=1), help="An earlier version; without it the current one.")
def show(tenant: str, profile: str, version: int | None) -> None:
    """Show the rules of PROFILE with their version and revision."""
    render_one(session.perform(lambda ledger, _: acts.show(ledger, tenant, profile, version)))


@spec.command("list")
@click.argument("tenant")
@click.argument("profile")
def list_specs(tenant: str, profile: str) -> None:
    """List the versions of the rules of PROFILE, newest first."""
    rows = session.perform(lambda ledger, _: acts.every(ledger, tenant, profile))
    render(rows, ("version", "revision", "actor", "created_at"))


@spec.command("set")
@click.argument("tenant")
@click.argument("profile")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "--if-version",
    required=True,
    type=click.IntRange(min=1),
    help="The version you have read; refused if another one is current by now.",
)
def set_spec(tenant: str, profile: str, file: Path, if_version: int) -> None:
    """Give PROFILE the rules in the JSON FILE (- for standard input) as its next version."""
    text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    rules = read_spec(text)
    render_one(session.perform(lambda ledger, _: acts.write(ledger, tenant, profile, rules, if_version)))
