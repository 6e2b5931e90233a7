"""Exchange accounts: registered once with what they hold, asked again when somebody wants to compare."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from engine.cli.acts import tenants
from engine.cli.acts.session import actor, find, new_id
from engine.cli.lazy import lazy
from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.money import ZERO, parse_positive, to_text
from engine.exchange.account import AccountConfig, ExchangeUrls
from engine.exchange.exchange_timer import check_seconds
from engine.exchange.tiers import facts_of
from engine.ledger import admin, capital, exchange_timers, reads, work
from engine.ledger.capital import By
from engine.ledger.seam import Ledger
from engine.runtime.secrets import SecretsError, Vault, add_master_key, open_vault
from engine.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Credentials:
    """An exchange's API key; `password` where it has one."""

    key: str = field(repr=False)
    secret: str = field(repr=False)
    password: str | None = field(default=None, repr=False)

    def sealed(self, vault: Vault, tenant_id: UUID, account_id: UUID) -> bytes:
        """Encrypt them for one account."""
        plain = {"key": self.key, "secret": self.secret}
        if self.password is not None:
            plain["password"] = self.password
        return vault.encrypt(plain, tenant_id, account_id)


def paper_urls(origin: str) -> ExchangeUrls:
    """Return the addresses of a paper exchange. Raises CONFIGURATION for what is no http address."""
    parts = urlsplit(origin)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise HoldfastError(ErrorCode.CONFIGURATION, f"{origin!r} is no address like http://127.0.0.1:18080.")
    socket = urlunsplit(("wss" if parts.scheme == "https" else "ws", parts.netloc, "", "", ""))
    rest = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
    return ExchangeUrls(rest, f"{socket}/ws-api/v3", f"{socket}/stream/ws")


def other_urls(url: str, ws_url: str, stream_url: str) -> ExchangeUrls:
    """Return the addresses of another server that speaks the exchange's protocol."""
    return ExchangeUrls(url, ws_url, stream_url)


async def create(
    ledger: Ledger,
    settings: Settings,
    tenant: str,
    name: str,
    *,
    exchange: str,
    credentials: Credentials,
    urls: ExchangeUrls | None,
) -> dict[str, Any]:
    """Ask the exchange who the account is and what it holds, and register that as the baseline.

    Raises FORBIDDEN for a key that can withdraw, ALREADY_EXISTS, EXCHANGE_UNAVAILABLE.
    """
    tenant_id, account_id = await tenants.id_of(ledger, tenant), new_id()
    vault = vault_of(settings)
    config = AccountConfig(
        str(account_id), exchange, credentials.key, credentials.secret, credentials.password, urls
    )
    async with _gateway(config) as gateway:
        can_withdraw = await gateway.key_can_withdraw()
        if can_withdraw:
            raise HoldfastError(
                ErrorCode.FORBIDDEN,
                "This key can withdraw. Make one that can only read and trade: a stolen key must not empty "
                "the account.",
            )
        uid = await gateway.account_uid()
        instruments = await gateway.instruments()
        held = await gateway.balances()
    balances = {asset: balance.total for asset, balance in held.items() if balance.total != ZERO}
    account = admin.NewAccount(
        account_id=account_id,
        name=name,
        exchange=exchange,
        exchange_account_uid=uid,
        tier=facts_of(exchange).tier.value,
        urls={} if urls is None else asdict(urls),
        credentials=credentials.sealed(vault, tenant_id, account_id),
        withdrawal_right="unverifiable" if can_withdraw is None else "none",
    )
    await admin.register_account(ledger, tenant_id, account, balances, actor())
    count = await admin.upsert_instruments(ledger, tenant_id, account_id, instruments)
    return {**await show(ledger, tenant, str(account_id)), "instruments": count}


async def every(ledger: Ledger, tenant: str) -> list[dict[str, Any]]:
    """Return a tenant's exchange accounts, never their credentials."""
    return await reads.list_accounts(ledger, await tenants.id_of(ledger, tenant))


async def show(ledger: Ledger, tenant: str, account: str) -> dict[str, Any]:
    """Return one account by name or id. Raises NOT_FOUND."""
    found = find(await every(ledger, tenant), account, "account", "account_id")
    first = ("name", "account_id", "exchange", "exchange_account_uid")
    return {**{name: found[name] for name in first}, **found}


async def rewrap(ledger: Ledger, settings: Settings, *, make_key: bool) -> list[dict[str, Any]]:
    """Wrap every account's credentials with the first master key. Raises CONFIGURATION if no key opens one.

    `make_key` puts a fresh key first in the key file; a key of the environment is not its to change.
    Repeating it changes nothing; credentials that changed meanwhile are looked at again.
    """
    vault = vault_of(settings)
    if make_key:
        if settings.master_key is not None:
            raise HoldfastError(
                ErrorCode.CONFIGURATION,
                "The master key is in HOLDFAST_MASTER_KEY: set a new one there, the old one in "
                "HOLDFAST_MASTER_KEYS_OLD, and run this without --make-key.",
            )
        add_master_key(settings.data_dir.expanduser())
        vault = vault_of(settings)
    done = []
    for due in await work.due_accounts(ledger):
        sealed = await admin.account_credentials(ledger, due.tenant_id, due.account_id)
        try:
            new = vault.rewrap(sealed, due.tenant_id, due.account_id)
        except SecretsError as error:
            raise HoldfastError(
                ErrorCode.CONFIGURATION, str(error), account_id=str(due.account_id)
            ) from error
        changed = new != sealed and await admin.rewrap_credentials(
            ledger, due.tenant_id, due.account_id, old=sealed, new=new, actor=actor()
        )
        done.append(
            {
                "tenant_id": str(due.tenant_id),
                "account_id": str(due.account_id),
                "rewrapped": changed,
                "key_before": Vault.key_id_of(sealed) or "first form",
                "key": vault.key_id,
            }
        )
    return done


async def set_mode(ledger: Ledger, tenant: str, account: str, mode: str, reason: str) -> dict[str, Any]:
    """Set an account's mode: the strictest of engine, tenant, account and profile holds."""
    account_id = UUID(str((await show(ledger, tenant, account))["account_id"]))
    by = capital.By(actor(), reason)
    await capital.set_mode(ledger, await tenants.id_of(ledger, tenant), "account", account_id, mode, by=by)
    return await show(ledger, tenant, account)


async def cancel_all_after(
    ledger: Ledger, tenant: str, account: str, seconds: int | None, reason: str
) -> dict[str, Any]:
    """Turn the exchange's own timer of an account on, whose owner says that it is ours alone; None: off.

    Raises EXCHANGE_TIMER_UNAVAILABLE, ACCOUNT_SHARED, BAD_REQUEST for seconds that it does not take.
    """
    found = await show(ledger, tenant, account)
    tenant_id, account_id = await tenants.id_of(ledger, tenant), UUID(str(found["account_id"]))
    by = By(actor(), reason)
    if seconds is None:
        await exchange_timers.clear_timer(ledger, tenant_id, account_id, by=by)
    else:
        check_seconds(found["exchange"], seconds)
        await exchange_timers.set_timer(ledger, tenant_id, account_id, seconds, ours_alone=True, by=by)
    return await show(ledger, tenant, str(account_id))


async def adjust(
    ledger: Ledger,
    tenant: str,
    account: str,
    asset: str,
    *,
    added: str | None,
    removed: str | None,
    cause: str,
    reason: str,
    key: str | None,
) -> dict[str, Any]:
    """Book what came to an account, or went, beside its profiles. Raises NOT_FOUND, INVALID_NUMBER."""
    tenant_id = await tenants.id_of(ledger, tenant)
    found = find(await every(ledger, tenant), account, "account", "account_id")
    given = parse_positive(added if removed is None else removed, "amount")
    moved = given if removed is None else given.copy_negate()
    by = By(actor(), reason, key or str(new_id()))
    account_id = UUID(str(found["account_id"]))
    booked = await capital.adjust_unassigned(ledger, tenant_id, account_id, {asset: moved}, cause, by=by)
    return {"account": found["name"], **booked}


async def live_balances(
    ledger: Ledger, settings: Settings, tenant_id: UUID, account: Mapping[str, Any]
) -> dict[str, Decimal]:
    """Return what the exchange says the account holds now. Raises EXCHANGE_UNAVAILABLE."""
    async with await gateway_of(ledger, settings, tenant_id, account) as gateway:
        return {asset: balance.total for asset, balance in (await gateway.balances()).items()}


async def gateway_of(ledger: Ledger, settings: Settings, tenant_id: UUID, account: Mapping[str, Any]) -> Any:
    """Return the gateway of a registered account, to be opened. Raises CONFIGURATION."""
    account_id = UUID(str(account["account_id"]))
    sealed = await admin.account_credentials(ledger, tenant_id, account_id)
    try:
        opened = vault_of(settings).decrypt(sealed, tenant_id, account_id)
    except SecretsError as error:
        raise HoldfastError(ErrorCode.CONFIGURATION, str(error)) from error
    urls = account["urls"]
    config = AccountConfig(
        str(account_id),
        account["exchange"],
        opened["key"],
        opened["secret"],
        opened.get("password"),
        ExchangeUrls(**urls) if urls else None,
    )
    return _gateway(config)


def balances_text(balances: Mapping[str, Decimal]) -> dict[str, str]:
    """Return balances as plain text."""
    return {asset: to_text(balance) for asset, balance in sorted(balances.items())}


def vault_of(settings: Settings) -> Vault:
    """Return the vault of the settings. Raises CONFIGURATION."""
    folder = settings.data_dir.expanduser()
    master_key = settings.master_key
    try:
        folder.mkdir(parents=True, exist_ok=True)
        old = settings.master_keys_old
        return open_vault(
            None if master_key is None else master_key.get_secret_value(),
            folder,
            None if old is None else old.get_secret_value(),
        )
    except (SecretsError, OSError) as error:
        raise HoldfastError(ErrorCode.CONFIGURATION, str(error)) from error


def _gateway(config: AccountConfig) -> Any:
    # ccxt costs a second of CPU: only commands that speak to an exchange pay it.
    return lazy("engine.exchange.gateway").Gateway(config)
