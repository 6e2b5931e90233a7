"""`holdfast paper reset` and what `holdfast paper` prints for people."""

import asyncio

from click.testing import CliRunner, Result

from engine.cli import main
from engine.cli.paper_hints import hints
from engine.paper.options import Options, read_account
from engine.paper.server import PaperExchange


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["paper", "reset", *arguments])


async def test_reset_gives_the_money_back() -> None:
    """The command brings balances to those at opening, or to the given ones, of all accounts or one."""
    accounts = tuple(read_account(text) for text in ("a:s:USDT=10", "b:s:USDT=20"))
    async with PaperExchange(Options(step_ms=0, accounts=accounts)) as paper:
        port = ("--control-port", str(paper.control_port))
        paper.deposit("a", "BTC", 10**8)
        done = await asyncio.to_thread(run, *port)
        assert (0, "a: BTC 0.00000000, USDT 10.00000000\nb: USDT 20.00000000\n") == (
            done.exit_code,
            done.output,
        )
        done = await asyncio.to_thread(run, *port, "--account", "b", "--balances", "USDT=5,BTC=1")
        assert (0, "b: BTC 1.00000000, USDT 5.00000000\n") == (done.exit_code, done.output)
        done = await asyncio.to_thread(run, *port, "--account", "nobody")
        assert 2 == done.exit_code
        assert "no account with key 'nobody'" in done.output
        assert [] == paper.oracle.differences(paper.matching)


def test_reset_without_an_exchange() -> None:
    """Where nobody listens, and with balances that are none, it says so and how it ended."""
    assert 3 == run("--control-port", "1").exit_code
    assert 2 == run("--control-port", "1", "--balances", "USDT").exit_code


def test_hints_name_every_client() -> None:
    """The three clients are told where to go; who has no account is told how to get one."""
    told = hints("http://h:1", "ws://h:1", "http://h:2", accounts=0)
    for text in (
        '"private": "http://h:1/api/v3"',
        'Client.API_URL = "http://h:1/api"',
        '"ccxt_config": {',
        "--account",
    ):
        assert text in told
    assert "There is no account" not in hints("http://h:1", "ws://h:1", "http://h:2", accounts=1)
