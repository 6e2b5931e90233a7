"""Which exchange account a gateway speaks for, and how ccxt is set up to speak."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from engine.domain.errors import ErrorCode, HoldfastError
from engine.exchange.lean import exchange_class
from engine.exchange.wire import observed, tls_context


@dataclass(frozen=True, slots=True)
class ExchangeUrls:
    """Where another server speaks the exchange's protocol, as the paper exchange does for Binance.

    `rest_url` is the origin (`http://127.0.0.1:18080`), `ws_url` the WebSocket API with the user's data
    (`ws://127.0.0.1:18080/ws-api/v3`), `stream_url` the public streams; its path must contain `/stream`.
    """

    rest_url: str
    ws_url: str
    stream_url: str


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """An exchange account with its keys; `ca_file` replaces the public certificate authorities."""

    account_id: str
    exchange: str
    key: str
    secret: str = field(repr=False)
    password: str | None = field(default=None, repr=False)
    urls: ExchangeUrls | None = None
    sandbox: bool = False
    ca_file: str | None = None


def make_client(
    config: AccountConfig, session: aiohttp.ClientSession, now_ms: Callable[[], int], timeout_s: float
) -> Any:
    """Return the ccxt instance of an account; raises CONFIGURATION for an exchange that it has not."""
    try:
        base = exchange_class(config.exchange)
    except ValueError as error:
        raise HoldfastError(ErrorCode.CONFIGURATION, str(error), exchange=config.exchange) from error
    # Binance's nonce is a time stamp in milliseconds; elsewhere it may be something else, and is ccxt's
    made = observed(base, now_ms if config.exchange == "binance" else None)
    client = made(_settings(config, session, timeout_s))
    client.has["fetchCurrencies"] = False  # it costs calls, and tells nothing that trading needs
    client.timeout_on_exit = 0
    client.ssl_context = tls_context(config.ca_file)  # it would make one of its own, and never use it
    if config.sandbox:
        client.set_sandbox_mode(True)
    if config.urls is not None:
        _redirect(client, config.exchange, config.urls)
    if client.options.get("maxRetriesOnFailure") != 0:
        raise HoldfastError(ErrorCode.CONFIGURATION, "ccxt would send an order twice")
    return client


def _settings(config: AccountConfig, session: aiohttp.ClientSession, timeout_s: float) -> dict[str, Any]:
    return {
        "apiKey": config.key,
        "secret": config.secret,
        "password": config.password,
        "session": session,
        "number": str,  # Decimal loses every fee in ccxt; str keeps the exchange's digits
        "timeout": int(timeout_s * 1000),
        "enableRateLimit": False,
        "newUpdates": True,
        "options": {
            "maxRetriesOnFailure": 0,
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
            "adjustForTimeDifference": False,
            "warnOnFetchOpenOrdersWithoutSymbol": False,
            "newOrderRespType": {"market": "FULL", "limit": "FULL"},
        },
    }


def _redirect(client: Any, exchange: str, urls: ExchangeUrls) -> None:
    if exchange != "binance":
        raise HoldfastError(ErrorCode.CONFIGURATION, "only Binance's protocol can be redirected")
    rest = urls.rest_url.rstrip("/")
    paths: Mapping[str, str] = {
        "public": "/api/v3",
        "private": "/api/v3",
        "v1": "/api/v1",
        "sapi": "/sapi/v1",
        "sapiV2": "/sapi/v2",
        "sapiV3": "/sapi/v3",
        "sapiV4": "/sapi/v4",
    }
    api = client.urls["api"]
    for name, path in paths.items():
        api[name] = rest + path
    api["ws"]["spot"] = urls.stream_url
    api["ws"]["ws-api"]["spot"] = urls.ws_url
