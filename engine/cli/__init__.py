"""The command `holdfast`: knows the names of its commands and imports one only when it is used."""

import importlib
import json
from pathlib import Path

import click

from engine.cli.exits import exit_code
from engine.domain.errors import HoldfastError

# name -> (module:attribute, line in --help)
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("engine.cli.run:run", "Run the daemon: robots' API, loops, health endpoints."),
    "paper": ("engine.cli.paper:command", "Run the paper exchange."),
    "demo": ("engine.cli.demo.command:demo", "Trade on the paper exchange and compare every book."),
    "db": ("engine.cli.db:db", "Deploy, verify and describe the database."),
    "engine": ("engine.cli.engine:engine", "Show and set the mode of the whole engine."),
    "tenants": ("engine.cli.tenants:tenants", "Create and list tenants."),
    "robots": ("engine.cli.robots:robots", "Create robots and their keys."),
    "accounts": ("engine.cli.accounts:accounts", "Register exchange accounts."),
    "profiles": ("engine.cli.profiles:profiles", "Create profiles and allocate their capital."),
    "orders": ("engine.cli.orders:orders", "List and show orders and their timelines."),
    "capital": ("engine.cli.capital:capital", "Capital per account: profiles + unassigned = exchange."),
    "reconcile": ("engine.cli.reconcile:reconcile", "Compare accounts with their exchanges now."),
    "mismatches": ("engine.cli.reconcile:mismatches", "List what differs from the exchanges."),
    "leases": ("engine.cli.leases:leases", "Which daemon holds which exchange account."),
    "webhooks": ("engine.cli.webhooks:webhooks", "Routes on which alerts become orders."),
    "feed": ("engine.cli.feed:feed", "Where a tenant's feed of events stands."),
    "deadletters": ("engine.cli.deadletters:deadletters", "What failed for good: retry or drop it."),
    "explain": ("engine.cli.explain:explain", "Explain an error code."),
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module_name, attribute = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module_name), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _output_first(args))

    def invoke(self, ctx: click.Context) -> None:
        try:
            super().invoke(ctx)
        except HoldfastError as error:
            _show(error, ctx.params["output"])
            ctx.exit(exit_code(error.code))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Form of the answer; may stand at any place of the command.",
)
@click.option(
    "--env-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read settings from this file too; the environment wins.",
)
@click.version_option(package_name="holdfast")
def main(output: str, env_file: Path | None) -> None:
    """Soft sub-accounts for trading robots on real exchange accounts.

    Exit codes: 0 done, 1 a check found something or a step failed, 2 wrong usage, 3 database, exchange or
    setting missing, 4 not found, 5 refused by a rule.
    """


def _output_first(args: list[str]) -> list[str]:
    """Move `-o json` to the front, so that it may stand after the subcommand, where people write it."""
    front: list[str] = []
    rest: list[str] = []
    waiting = list(args)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            rest += [word, *waiting]
            break
        if word in {"-o", "--output"} and waiting:
            front += [word, waiting.pop(0)]
        elif word.startswith("--output=") or word in {"-ojson", "-otable"}:
            front.append(word)
        else:
            rest.append(word)
    return front + rest


def _show(error: HoldfastError, output: str) -> None:
    if output == "json":
        problem = {"code": error.code.value, "message": str(error), "details": error.details}
        click.echo(json.dumps(problem, default=str), err=True)
        return
    click.echo(f"{error.code}: {error}", err=True)
    for name, value in error.details.items():
        click.echo(f"  {name}: {value}", err=True)
