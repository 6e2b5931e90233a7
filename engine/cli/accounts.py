"""`holdfast accounts`: which real exchange accounts a tenant trades on."""

import json
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from engine.cli.lazy import lazy
from engine.cli.render import render, render_one

if TYPE_CHECKING:
    from engine.cli.acts import accounts as acts
    from engine.cli.acts import session
    from engine.exchange.account import ExchangeUrls
else:
    acts = lazy("engine.cli.acts.accounts")
    session = lazy("engine.cli.acts.session")

_COLUMNS = (
    "name",
    "exchange",
    "exchange_account_uid",
    "tier",
    "withdrawal_right",
    "mode",
    "account_id",
    "unassigned",
)

_REWRAP_COLUMNS = ("tenant_id", "account_id", "rewrapped", "key_before", "key")


@click.group()
def accounts() -> None:
    """Register and list exchange accounts; one belongs to exactly one tenant."""


@accounts.command()
@click.argument("tenant")
@click.argument("name")
@click.option("--exchange", default="binance", show_default=True, help="Its name in ccxt.")
@click.option("--key", envvar="HOLDFAST_ACCOUNT_KEY", show_envvar=True, help="API key.")
@click.option("--secret", envvar="HOLDFAST_ACCOUNT_SECRET", show_envvar=True, help="Its secret.")
@click.option(
    "--password", envvar="HOLDFAST_ACCOUNT_PASSWORD", show_envvar=True, help="Where the exchange has one."
)
@click.option(
    "--credentials",
    type=click.File(),
    help='File with {"key": …, "secret": …}, - for standard input: nothing in the shell history.',
)
@click.option("--paper", metavar="URL", help="Of a paper exchange, such as http://127.0.0.1:18080.")
@click.option(
    "--url", metavar="URL", help="REST origin, where another server speaks the exchange's protocol."
)
@click.option("--ws-url", metavar="URL", help="WebSocket API of that server.")
@click.option("--stream-url", metavar="URL", help="Public streams of that server; its path contains /stream.")
def create(
    tenant: str,
    name: str,
    *,
    exchange: str,
    key: str | None,
    secret: str | None,
    password: str | None,
    credentials: IO[str] | None,
    paper: str | None,
    url: str | None,
    ws_url: str | None,
    stream_url: str | None,
) -> None:
    """Register the exchange account NAME for TENANT.

    Asks the exchange for the account's own id, its balances (the baseline of what is unassigned) and its
    instruments. A key that can withdraw is refused. What is not given by option, environment or file is
    asked for.
    """
    if credentials is not None:
        key, secret, password = _read(credentials)
    key = key or click.prompt("API key", hide_input=True)
    secret = secret or click.prompt("Secret", hide_input=True)
    urls = _urls(paper, url, ws_url, stream_url)
    made = acts.Credentials(key, secret, password)
    render_one(
        session.perform(
            lambda ledger, settings: acts.create(
                ledger, settings, tenant, name, exchange=exchange, credentials=made, urls=urls
            )
        )
    )


@accounts.command("list")
@click.argument("tenant")
def list_accounts(tenant: str) -> None:
    """List the exchange accounts of TENANT."""
    render(session.perform(lambda ledger, _: acts.every(ledger, tenant)), _COLUMNS)


@accounts.command()
@click.argument("tenant")
@click.argument("account")
def show(tenant: str, account: str) -> None:
    """Show one ACCOUNT of TENANT, by name or id; never its credentials."""
    render_one(session.perform(lambda ledger, _: acts.show(ledger, tenant, account)))


@accounts.command("set-mode")
@click.argument("tenant")
@click.argument("account")
@click.argument("mode", type=click.Choice(["active", "reducing", "halted"]))
@click.option("--reason", required=True, help="Why; kept in the ledger with your name.")
def set_mode(tenant: str, account: str, mode: str, reason: str) -> None:
    """Set the MODE of ACCOUNT: reducing and halted refuse its entries, exits and cancels pass."""
    render_one(session.perform(lambda ledger, _: acts.set_mode(ledger, tenant, account, mode, reason)))


@accounts.command("cancel-all-after")
@click.argument("tenant")
@click.argument("account")
@click.option("--seconds", type=int, help="Of silence after which the exchange cancels every open order.")
@click.option("--ours-alone", is_flag=True, help="Your word that nobody else trades on this account.")
@click.option("--off", is_flag=True, help="Turn it off.")
@click.option("--reason", required=True, help="Why; kept in the ledger with your name.")
def cancel_all_after(
    tenant: str, account: str, *, seconds: int | None, ours_alone: bool, off: bool, reason: str
) -> None:
    """Let the exchange's own timer cancel all orders of ACCOUNT when no daemon renews it; off by default.

    The timer takes strangers' orders too: it is refused without --ours-alone, and where the ledger knows of
    orders or fills there that are none of ours.
    """
    if off is (seconds is not None) or (off and ours_alone):
        raise click.UsageError("Say either --seconds SECONDS --ours-alone or --off.")
    if not off and not ours_alone:
        raise click.UsageError(
            "The timer cancels every order of the account: say --ours-alone if nobody else trades there."
        )
    render_one(
        session.perform(lambda ledger, _: acts.cancel_all_after(ledger, tenant, account, seconds, reason))
    )


@accounts.command()
@click.option("--make-key", is_flag=True, help="Put a fresh key first in the key file of the data folder.")
def rewrap(make_key: bool) -> None:
    """Wrap the credentials of every account, of all tenants, with the present master key.

    Older keys must still be known: HOLDFAST_MASTER_KEYS_OLD, or the further lines of the key file. Repeating
    it changes nothing; once it says that nothing was rewrapped, the older keys can go.
    """
    render(
        session.perform(lambda ledger, settings: acts.rewrap(ledger, settings, make_key=make_key)),
        _REWRAP_COLUMNS,
    )


@accounts.command()
@click.argument("tenant")
@click.argument("account")
@click.argument("asset")
@click.option("--add", "added", metavar="AMOUNT", help="So much came that no profile has.")
@click.option("--remove", "removed", metavar="AMOUNT", help="So much went that no profile had.")
@click.option(
    "--cause",
    type=click.Choice(["deposit", "withdrawal", "foreign_fill", "adjustment"]),
    default="adjustment",
    show_default=True,
)
@click.option("--reason", required=True, help="Why; kept in the ledger with your name.")
@click.option("--key", help="Idempotency key: the same again changes nothing. Made up if left out.")
def adjust(
    tenant: str,
    account: str,
    asset: str,
    *,
    added: str | None,
    removed: str | None,
    cause: str,
    reason: str,
    key: str | None,
) -> None:
    """Explain what ACCOUNT holds of ASSET beside its profiles, where the exchange's history does not."""
    if (added is None) is (removed is None):
        raise click.UsageError("Say either --add AMOUNT or --remove AMOUNT.")
    render_one(
        session.perform(
            lambda ledger, _: acts.adjust(
                ledger,
                tenant,
                account,
                asset,
                added=added,
                removed=removed,
                cause=cause,
                reason=reason,
                key=key,
            )
        )
    )


def _urls(
    paper: str | None, url: str | None, ws_url: str | None, stream_url: str | None
) -> "ExchangeUrls | None":
    given = [url, ws_url, stream_url]
    if paper is not None:
        if any(given):
            raise click.UsageError("--paper stands alone: it gives the three other addresses.")
        return acts.paper_urls(paper)
    if not any(given):
        return None
    if url is None or ws_url is None or stream_url is None:
        raise click.UsageError("--url, --ws-url and --stream-url stand together.")
    return acts.other_urls(url, ws_url, stream_url)


def _read(file: IO[str]) -> tuple[str, str, str | None]:
    name = getattr(file, "name", "-")
    try:
        given = json.loads(file.read())
        key, secret = given["key"], given["secret"]
    except (ValueError, KeyError, TypeError) as error:
        raise click.BadParameter(
            f'{Path(name).name}: wanted is {{"key": "…", "secret": "…"}}', param_hint="--credentials"
        ) from error
    return str(key), str(secret), given.get("password")
