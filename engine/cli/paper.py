"""`holdfast paper` runs the paper exchange in the foreground, `holdfast paper reset` gives its money back."""

import asyncio
import ctypes
import gc
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from engine.cli.paper_hints import hints
from engine.domain.errors import ErrorCode, HoldfastError
from engine.paper.options import AccountOption, Options, read_account

_PR_SET_PDEATHSIG = 1
_CONTROL_TIMEOUT_S = 10
_TLS_HINT = """TLS on port {port} as api.binance.com, stream.binance.com, ws-api.binance.com and others.
  Clients must trust {ca_file} (SSL_CERT_FILE or REQUESTS_CA_BUNDLE)
  and find the names here: a resolver, or a line in /etc/hosts and port 443."""


@click.group(invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=18080, show_default=True, help="REST and WebSocket port; 0 takes a free one.")
@click.option("--control-port", default=18081, show_default=True, help="Control port; 0 takes a free one.")
@click.option("--seed", default=7, show_default=True, help="Same seed and same requests give the same fills.")
@click.option(
    "--step-ms",
    type=click.IntRange(min=0),
    default=250,
    show_default=True,
    help="Pace of prices; 0: only over the control port.",
)
@click.option("--replay", metavar="[SYMBOL=]FILE", help="Recorded trades or candles (.csv, .zip) to play.")
@click.option(
    "--replay-speed",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Recorded seconds per second.",
)
@click.option("--fee-asset", help="Third asset to pay fees in while there is enough of it, e.g. BNB.")
@click.option(
    "--exchange-info",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Recorded answer of exchangeInfo: its instruments with their filters trade here.",
)
@click.option("--legacy-user-streams", is_flag=True, help="Offer the older listenKey streams as well.")
@click.option("--enforce-limits", is_flag=True, help="Answer 429 beyond Binance's limits.")
@click.option(
    "--account", "accounts", multiple=True, metavar="KEY:SECRET:USDT=10000,BTC=1", help="Repeatable."
)
@click.option("--tls", is_flag=True, help="Also speak TLS as api.binance.com and its other host names.")
@click.option("--tls-port", default=18443, show_default=True, help="Port for TLS; 0 takes a free one.")
@click.option(
    "--tls-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the certificates are kept; default ~/.cache/holdfast/paper-tls.",
)
@click.option("--exit-with-parent", is_flag=True, help="Stop when the starting process ends.")
@click.pass_context
def command(  # noqa: PLR0917 - click passes them by name
    context: click.Context,
    host: str,
    port: int,
    control_port: int,
    seed: int,
    step_ms: int,
    replay: str | None,
    replay_speed: int,
    fee_asset: str | None,
    exchange_info: Path | None,
    legacy_user_streams: bool,
    enforce_limits: bool,
    accounts: tuple[str, ...],
    tls: bool,
    tls_port: int,
    tls_dir: Path | None,
    exit_with_parent: bool,
) -> None:
    """Run an exchange of your own that speaks Binance spot's protocol; nothing here is real money.

    Prints one JSON line when ready: {"event": "ready", "port": ..., "control_port": ...}.
    """
    if context.invoked_subcommand is not None:
        return
    if exit_with_parent:
        _die_with_parent()
    if replay is not None and not Path(replay.rpartition("=")[2]).is_file():
        raise click.BadParameter(f"no such file: {replay}", param_hint="--replay")
    options = Options(
        host=host,
        port=port,
        control_port=control_port,
        seed=seed,
        step_ms=step_ms,
        replay=replay,
        replay_speed=replay_speed,
        exchange_info=exchange_info,
        legacy_user_streams=legacy_user_streams,
        enforce_limits=enforce_limits,
        fee_asset=fee_asset,
        accounts=_accounts(accounts),
        tls_dir=(tls_dir or Path.home() / ".cache" / "holdfast" / "paper-tls") if tls else None,
        tls_port=tls_port,
    )
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(options))


@command.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the paper exchange listens.")
@click.option("--control-port", default=18081, show_default=True, help="Its control port.")
@click.option("--account", metavar="KEY", help="Only this account.")
@click.option("--balances", metavar="USDT=10000,BTC=1", help="Begin with these instead of those at opening.")
def reset(host: str, control_port: int, account: str | None, balances: str | None) -> None:
    """Cancel the accounts' orders and give them back the balances they began with."""
    given: dict[str, object] = {}
    if account is not None:
        given["account"] = account
    if balances is not None:
        given["balances"] = _balances(balances)
    for one in _control(f"http://{host}:{control_port}/reset", given)["accounts"]:
        held = ", ".join(f"{asset} {amount}" for asset, amount in one["free"].items())
        click.echo(f"{one['key']}: {held or 'nothing'}")


def _balances(text: str) -> dict[str, str]:
    try:
        read_account(f"key:secret:{text}")
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--balances") from None
    return dict(entry.split("=", 1) for entry in text.split(",") if entry)


def _control(url: str, given: dict[str, object]) -> dict[str, Any]:
    """Call a running paper exchange's control port."""
    # Imported here so that starting the exchange does not pay for it.
    from urllib.error import HTTPError, URLError  # noqa: PLC0415
    from urllib.request import Request, urlopen  # noqa: PLC0415

    request = Request(url, json.dumps(given).encode(), {"Content-Type": "application/json"})  # noqa: S310 - http, ours
    try:
        with urlopen(request, timeout=_CONTROL_TIMEOUT_S) as response:  # noqa: S310 - http, ours
            answered: dict[str, Any] = json.load(response)
    except HTTPError as error:
        raise HoldfastError(ErrorCode.BAD_REQUEST, json.load(error)["error"]) from None
    except (URLError, OSError) as error:
        message = f"No paper exchange answers at {url}: {error}"
        raise HoldfastError(ErrorCode.EXCHANGE_UNAVAILABLE, message) from None
    return answered


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Take the faster event loop where it is installed (ccxt brings it on the systems it runs on)."""
    try:
        import uvloop  # noqa: PLC0415 - not there on every system
    except ImportError:
        return None
    return uvloop.new_event_loop


def _accounts(given: tuple[str, ...]) -> tuple[AccountOption, ...]:
    try:
        return tuple(read_account(text) for text in given)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--account") from None


async def _serve(options: Options) -> None:
    # Imported here so that `--help` does not pay for the HTTP server.
    from engine.paper.server import PaperExchange  # noqa: PLC0415

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with PaperExchange(options) as paper:
            # What lives by now stays, and looking for cycles every 700 objects would cost more than orders.
            gc.freeze()
            gc.set_threshold(50_000, 20, 100)
            # On stderr, because stdout carries the one line for programs.
            told = hints(paper.url, paper.ws_url, paper.control_url, accounts=len(options.accounts))
            click.echo(told, err=True)
            ready = {"event": "ready", "port": paper.port, "control_port": paper.control_port}
            if paper.ca_file is not None:
                ready |= {"tls_port": paper.tls_port, "ca_file": str(paper.ca_file)}
                click.echo(_TLS_HINT.format(port=paper.tls_port, ca_file=paper.ca_file), err=True)
            click.echo(json.dumps(ready))
            await stop.wait()
    except OSError as error:
        raise click.ClickException(f"cannot listen on {options.host}: {error}") from None
    except ValueError as error:
        raise click.ClickException(str(error)) from None


def _die_with_parent() -> None:
    """Ask the kernel to end this process with the one that started it (Linux); elsewhere it is ignored."""
    parent = os.getppid()
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    except (AttributeError, OSError):
        return
    if os.getppid() != parent:
        raise SystemExit(0)


if __name__ == "__main__":
    command()
