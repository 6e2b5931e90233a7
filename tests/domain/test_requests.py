"""Proves what an order request says about its own end."""

from decimal import Decimal

from engine.domain.requests import OrderRequest


def test_exchange_deadline() -> None:
    """The exchange stops accepting it at the signed moment plus the validity window."""
    request = OrderRequest(
        "BTC/USDT", "buy", "limit", Decimal(1), Decimal(2), "GTC", False, "a" * 18, 1_000, 5_000, 0.0
    )
    assert 6_000 == request.exchange_deadline_ms
