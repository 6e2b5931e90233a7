"""What `holdfast paper` tells people: the settings that point ccxt, python-binance and freqtrade at it."""

import json


def hints(url: str, ws_url: str, control_url: str, *, accounts: int) -> str:
    """Ready to copy; docs/guides/paper-trading.md shows the same settings at work."""
    api = {
        "public": f"{url}/api/v3",
        "private": f"{url}/api/v3",
        "sapi": f"{url}/sapi/v1",
        "ws": {"spot": f"{ws_url}/stream/ws", "ws-api": {"spot": f"{ws_url}/ws-api/v3"}},
    }
    options = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}
    settings = f'"options": {options!r},\n    "urls": {{"api": {api!r}}}'.replace("'", '"')
    freqtrade = json.dumps({"enableRateLimit": False, "options": options, "urls": {"api": api}})
    parts = [
        f"Paper exchange on {url}, control port {control_url}. KEY and SECRET are those of --account.",
        f'ccxt:\n  ccxt.binance({{"apiKey": KEY, "secret": SECRET,\n    {settings}}})',
        "python-binance, before the first client is made (AsyncClient alike; the last one is for streams):",
        f'  Client.API_URL = "{url}/api"',
        f'  Client.MARGIN_API_URL = "{url}/sapi"',
        f'  AsyncClient.WS_API_URL = "{ws_url}/ws-api/v3"',
        f'freqtrade, "dry_run": false and under "exchange":\n  "ccxt_config": {freqtrade}',
    ]
    if accounts == 0:
        parts.append(
            "There is no account yet: start with --account paper-key:paper-secret:USDT=10000,BTC=0.1"
        )
    return "\n".join(parts)
