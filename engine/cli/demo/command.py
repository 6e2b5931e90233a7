"""`holdfast demo`: everything on one machine for half a minute, and the proof that the books are equal."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.lazy import lazy
from engine.cli.render import current_output

if TYPE_CHECKING:
    from engine.cli.demo import play
else:
    play = lazy("engine.cli.demo.play")

_INTERRUPTED = 130  # what shells show for Ctrl-C


@click.command()
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    default=20,
    envvar="DEMO_SECONDS",
    show_envvar=True,
    show_default=True,
    help="How long the robots trade.",
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="DEMO_JSON",
    show_envvar=True,
    help="Write the figures to this file too.",
)
@click.option(
    "--replay",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="DEMO_REPLAY",
    show_envvar=True,
    help="Trade BTC/USDT on recorded trades in Binance's public CSV layout.",
)
@click.option(
    "--seed", type=int, default=7, envvar="DEMO_SEED", show_envvar=True, show_default=True, help="Of prices."
)
@click.option(
    "--lines",
    is_flag=True,
    envvar="DEMO_LINES",
    show_envvar=True,
    help="Print every compared line, not only the sums.",
)
def demo(seconds: float, json_file: Path | None, replay: Path | None, *, seed: int, lines: bool) -> None:
    """Three robots race for one profile's 1,000 USDT on a paper exchange.

    Starts an embedded PostgreSQL, the paper exchange and the daemon in a temporary folder, trades, settles,
    stops everything and compares the ledger with the exchange's own books. Exit code 0 only if every line is
    equal and every invariant held. Nothing real is touched and nothing is left behind.
    """
    as_json = current_output() == "json"
    options = play.Options(seconds=seconds, seed=seed, replay=replay, lines=lines, as_json=as_json)
    try:
        result = play.run(options)
    except KeyboardInterrupt:
        click.echo("\nInterrupted. Everything was stopped and removed.", err=True)
        sys.exit(_INTERRUPTED)
    if json_file is not None:
        json_file.write_text(play.json_text(result), encoding="utf-8")
    click.echo(play.json_text(result) if as_json else play.screen(result, options), nl=False)
    sys.exit(1 if result.problems else 0)
