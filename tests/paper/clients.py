"""The unmodified ccxt client with nothing changed but where it connects to."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.paper.server import PaperExchange

KEY, SECRET = "demo-key", "demo-secret"


def ccxt_urls(paper: "PaperExchange") -> dict[str, Any]:
    """`urls` of a ccxt binance or ccxt.pro binance for this exchange."""
    return {
        "api": {
            "public": f"{paper.url}/api/v3",
            "private": f"{paper.url}/api/v3",
            "v1": f"{paper.url}/api/v1",
            "sapi": f"{paper.url}/sapi/v1",
            "sapiV2": f"{paper.url}/sapi/v2",
            "sapiV3": f"{paper.url}/sapi/v3",
            "sapiV4": f"{paper.url}/sapi/v4",
            "fapiPublic": f"{paper.url}/fapi/v1",
            "fapiPrivate": f"{paper.url}/fapi/v1",
            "dapiPublic": f"{paper.url}/dapi/v1",
            "dapiPrivate": f"{paper.url}/dapi/v1",
            "ws": {
                # ccxt tells spot from futures by '/stream' in this address.
                "spot": f"{paper.ws_url}/stream/ws",
                "ws-api": {"spot": f"{paper.ws_url}/ws-api/v3"},
            },
        }
    }
