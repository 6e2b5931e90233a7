"""Proves that an account's owner finds the deposits and withdrawals that the control port made."""

from datetime import UTC, datetime
from typing import Any

from tests.paper.clients import KEY, Bare

DEPOSITS, WITHDRAWALS = "/sapi/v1/capital/deposit/hisrec", "/sapi/v1/capital/withdraw/history"
DAY_MS = 86_400_000


async def listed(bare: Bare, path: str, **params: Any) -> list[dict[str, Any]]:
    status, rows = await bare.send("GET", path, **params)
    assert 200 == status, rows
    return list(rows)


async def test_history_has_what_moved(bare: Bare) -> None:
    """Deposits and withdrawals are listed apart, the newest first, without the opening balances."""
    before = bare.paper.clock.now_ms()
    await bare.paper_deposit("USDT", 250)
    await bare.paper_deposit("BTC", 1)
    await bare.control("POST", "/withdraw", account=KEY, asset="USDT", amount="12.5")
    deposits = await listed(bare, DEPOSITS)
    assert [("BTC", "1.00000000"), ("USDT", "250.00000000")] == [(r["coin"], r["amount"]) for r in deposits]
    assert {1} == {row["status"] for row in deposits}
    assert all(before <= row["insertTime"] <= bare.paper.clock.now_ms() for row in deposits)
    (withdrawal,) = await listed(bare, WITHDRAWALS)
    said = ("USDT", "12.50000000", 6, "0")
    assert said == tuple(withdrawal[name] for name in ("coin", "amount", "status", "transactionFee"))
    applied = datetime.strptime(withdrawal["applyTime"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert before // 1000 <= applied.timestamp()


async def test_windows_and_pages(bare: Bare) -> None:
    """Time, coin, status, limit and offset narrow a list, and a window of more than 90 days is refused."""
    bare.paper.clock.freeze()
    for amount in (1, 2, 3):
        await bare.paper_deposit("USDT", amount)
        bare.paper.clock.advance(DAY_MS)
    now = bare.paper.clock.now_ms()
    two_days = await listed(bare, DEPOSITS, startTime=now - 2 * DAY_MS, endTime=now)
    assert ["3.00000000", "2.00000000"] == [row["amount"] for row in two_days]
    assert ["2.00000000"] == [row["amount"] for row in await listed(bare, DEPOSITS, limit=1, offset=1)]
    assert [] == await listed(bare, DEPOSITS, coin="BTC")
    assert [] == await listed(bare, DEPOSITS, status=0)
    bare.paper.clock.advance(91 * DAY_MS)
    assert [] == await listed(bare, DEPOSITS)
    status, refused = await bare.send("GET", DEPOSITS, startTime=now - 91 * DAY_MS, endTime=now)
    assert (400, -5026) == (status, refused["code"])
