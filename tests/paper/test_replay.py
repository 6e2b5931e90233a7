"""Recorded trades and candles in Binance's public CSV layout drive the price."""

import zipfile
from pathlib import Path

import pytest

from engine.paper import scale
from engine.paper.orders import Ticket
from engine.paper.server import PaperExchange
from tests.paper.clients import KEY, options

TRADES = """1,61000.00,0.5,30500.0,1700000000000,True,True
2,61010.00,0.2,12202.0,1700000000400,False,True
3,60990.00,0.3,18297.0,1700000001000000,True,True
"""
CANDLES = """open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_base,taker_quote,ignore
1700000000000,61000,61100,60900,61050,4,1700000059999,0,0,0,0,0
"""


def play(path: Path, **fields: int) -> PaperExchange:
    paper = PaperExchange(options(replay=str(path), **fields))
    paper.clock.freeze(1_800_000_000_000)
    return paper


def test_trades(tmp_path: Path) -> None:
    """Each step plays the trades of 250 recorded ms; accounts' orders are filled by the tape first."""
    path = tmp_path / "BTCUSDT-trades-2023-11-14.csv"
    path.write_text(TRADES)
    paper = play(path)
    market = paper.matching.markets["BTCUSDT"]
    assert (61_000 * scale.ONE, 0) == (market.last_price, len(market.trades))
    paper.step()
    assert (61_000 * scale.ONE, 1) == (market.last_price, len(market.trades))
    ticket = Ticket("BTCUSDT", True, "LIMIT", "GTC", 60_991 * scale.ONE, scale.ONE // 10, 0, "mine")
    order, _ = paper.matching.place(paper.matching.accounts[KEY], ticket)
    paper.step(4)
    assert "FILLED" == order.status.value
    assert [61_000, 61_010, 60_991, 60_990] == [trade.price // scale.ONE for trade in market.trades]
    assert paper.replay is not None
    assert (True, 3) == (paper.replay.finished, paper.replay.played)
    assert market.book.bids.best() < 60_990 * scale.ONE < market.book.asks.best()  # type: ignore[operator]
    paper.step(10)
    assert [] == paper.oracle.differences(paper.matching)
    paper.replay.close()


def test_candles_in_a_zip_at_speed(tmp_path: Path) -> None:
    """A candle becomes open, low, high, close; a speed of 60 plays a minute in four steps."""
    path = tmp_path / "BTCUSDT-1m-2023-11.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("BTCUSDT-1m-2023-11.csv", CANDLES)
    paper = play(path, replay_speed=60)
    paper.step(4)
    prices = [trade.price // scale.ONE for trade in paper.matching.markets["BTCUSDT"].trades]
    assert [61_000, 60_900, 61_100, 61_050] == prices
    assert paper.replay is not None
    paper.replay.close()


def test_symbol_from_the_command(tmp_path: Path) -> None:
    """A file may be called anything if the symbol is given; without either it is refused."""
    path = tmp_path / "tape.csv"
    path.write_text(TRADES)
    paper = PaperExchange(options(replay=f"ETHUSDT={path}"))
    assert paper.replay is not None
    assert "ETHUSDT" == paper.replay.symbol
    paper.replay.close()
    with pytest.raises(ValueError, match="no instrument"):
        play(path)
    path.write_text("")
    with pytest.raises(ValueError, match="no trades"):
        PaperExchange(options(replay=f"ETHUSDT={path}"))
