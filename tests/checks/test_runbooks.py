"""What a runbook tells to type is understood by the command line, options and all."""

import re
import shlex

import click
import pytest

from engine.cli import main
from tests.checks.test_caps import ROOT

TYPED = sorted(
    {
        (path.name, typed)
        for path in (ROOT / "runbooks").glob("*.md")
        for typed in re.findall(r"`(holdfast [a-z][^`]*)`", path.read_text())
    }
)


@pytest.mark.parametrize(("page", "typed"), TYPED, ids=lambda value: str(value)[:60])
def test_runbook_command_is_understood(page: str, typed: str) -> None:
    """A command with its arguments and options parses as it is written; names alone exist."""
    words = shlex.split(typed)[1:]
    command: click.Command = main
    context = click.Context(main, info_name="holdfast")
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"{page}: {typed}"
        command, context = found, click.Context(found, info_name=words[0], parent=context)
        words = words[1:]
    if words:  # without any it is the command's name, spoken of
        try:
            command.parse_args(context, words)
        except click.UsageError as error:
            pytest.fail(f"{page}: {typed}: {error.format_message()}")
