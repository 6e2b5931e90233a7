"""`holdfast run`: the daemon in the foreground."""

import sys

import click

from engine.cli.database import current_settings


@click.command("run")
@click.option("--host", default=None, help="Address to listen on; HOLDFAST_HTTP_HOST, else loopback.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=None,
    help="Port to listen on, 0 for a free one; HOLDFAST_HTTP_PORT, else 8080.",
)
@click.option("--exit-with-parent", is_flag=True, help="Stop when the process that started this one is gone.")
def run(host: str | None, port: int | None, exit_with_parent: bool) -> None:
    """Run the daemon: the robots' API, the loops and, without a database URL, the embedded database.

    Prints one JSON line on stdout when it listens (`listening`), when all gates are open (`ready`) and when
    it has stopped (`stopped`). SIGTERM and SIGINT stop it in order.
    """
    from engine.daemon import main  # noqa: PLC0415 - the other commands do without what the daemon needs

    sys.exit(main(current_settings(), host, port, exit_with_parent=exit_with_parent))
