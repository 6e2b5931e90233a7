"""Runs `holdfast` in this process through its real entry point, and says what it did."""

import json
from dataclasses import dataclass
from typing import Any

from click.testing import CliRunner

from engine.cli import main

PAPER_KEY, PAPER_SECRET = "cli-key", "cli-secret"
CONTROL_OF: dict[str, str] = {}  # control port by the paper exchange's address


@dataclass(frozen=True, slots=True)
class Ran:
    """What one command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def problem(self) -> Any:
        return json.loads(self.err)


class CommandLine:
    """Runs `holdfast` in this process through its real entry point."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def __call__(self, *words: str, typed: str | None = None, **environment: str) -> Ran:
        result = CliRunner(env={**self.environment, **environment}).invoke(
            main, list(words), input=typed, prog_name="holdfast"
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    def made(self, *words: str, typed: str | None = None) -> Any:
        """Run a command that must work, and return what it printed as JSON."""
        ran = self(*words, "-o", "json", typed=typed)
        assert (0, "") == (ran.code, ran.err)
        return ran.json
