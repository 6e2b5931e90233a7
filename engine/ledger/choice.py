"""Which way to the database the settings choose: PostgreSQL's port, or a Supabase project's API."""

from urllib.parse import urlsplit

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger.postgres import LedgerOptions
from engine.ledger.rpc import RpcOptions
from engine.runtime.settings import Settings

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def over_http(settings: Settings) -> RpcOptions | None:
    """Return how to reach the project that the settings name, None if they name none.

    Raises CONFIGURATION for half of it, for two databases, or for an address that would show the key.
    """
    url, key = settings.supabase_url, settings.supabase_key
    if not url:
        if key is None:
            return None
        raise _refused("HOLDFAST_SUPABASE_KEY is set, and HOLDFAST_SUPABASE_URL is not.")
    if key is None or not key.get_secret_value():
        raise _refused("HOLDFAST_SUPABASE_URL is set; HOLDFAST_SUPABASE_KEY, a secret key of it, is missing.")
    if settings.database_url is not None:
        raise _refused("HOLDFAST_DATABASE_URL and HOLDFAST_SUPABASE_URL name two databases; set one of them.")
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise _refused("HOLDFAST_SUPABASE_URL is no https:// address.")
    return RpcOptions(url, key.get_secret_value(), pool_size=settings.database_pool_size)


def direct(settings: Settings, url: str, pool_size: int | None = None) -> LedgerOptions:
    """Return how to reach the server at `url`. Raises CONFIGURATION for what is no address of one."""
    if urlsplit(url).scheme not in {"postgres", "postgresql"}:
        raise _refused("HOLDFAST_DATABASE_URL is no postgresql:// address.")
    return LedgerOptions(
        url,
        pool_size=settings.database_pool_size if pool_size is None else pool_size,
        role=settings.database_role or None,
        statement_cache_size=settings.database_statement_cache_size,
        pooled=settings.database_pooler == "transaction",
    )


def _refused(message: str) -> HoldfastError:
    return HoldfastError(ErrorCode.CONFIGURATION, message)
