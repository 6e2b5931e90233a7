"""`holdfast capital`: profiles + unassigned = exchange."""

import json
from urllib.request import Request, urlopen

from tests.cli.commands import CONTROL_OF, PAPER_KEY, CommandLine


def test_columns_add_up_to_what_the_exchange_holds(acme: CommandLine) -> None:
    """The table has one row a holder, and the asset columns are sums."""
    out = acme("capital").out.splitlines()
    assert out[0].startswith("acme / main (binance ")
    assert ["holder", "mode", "allocated"] == out[1].split()[:3]
    assert ["alpha", "active", "1000", "0", "0", "0", "1000", "holds", "1000", "0"] == out[2].split()
    assert ["+", "unassigned", "9000", "0.5"] == out[3].split()
    assert ["=", "exchange", "10000", "0.5"] == out[4].split()


def test_live_asks_the_exchange(acme: CommandLine) -> None:
    """With --live the exchange's own balances stand beside the expected ones and are equal."""
    (shown,) = acme.made("capital", "acme", "--account", "main", "--live")
    assert {"BTC": "0.5", "USDT": "10000"} == shown["expected"] == shown["exchange_holds"]
    assert [] == shown["differing"]
    assert "equal" in acme("capital", "acme", "--live").out


def test_live_difference_is_told_by_exit_code(acme: CommandLine, paper: str) -> None:
    """Money that moved behind our back shows as DIFFERS and exit code 1."""
    _control(paper, "/deposit", {"account": PAPER_KEY, "asset": "USDT", "amount": "5"})
    try:
        ran = acme("capital", "acme", "--live")
        assert 1 == ran.code
        assert "DIFFERS" in ran.out
        assert 0 == acme("capital", "acme").code
    finally:
        _control(paper, "/withdraw", {"account": PAPER_KEY, "asset": "USDT", "amount": "5"})


def test_unknown_account_is_not_found(acme: CommandLine) -> None:
    """A wrong account name is exit code 4; without any account the way on is shown."""
    assert 4 == acme("capital", "acme", "--account", "spare").code
    acme.made("tenants", "create", "empty")
    assert "holdfast accounts create" in acme("capital", "empty").out


def _control(paper: str, path: str, body: dict[str, str]) -> None:
    request = Request(f"{CONTROL_OF[paper]}{path}", json.dumps(body).encode(), method="POST")  # noqa: S310 - loopback
    with urlopen(request, timeout=5) as response:  # noqa: S310
        assert 200 == response.status
