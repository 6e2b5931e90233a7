"""The paper exchange as one object: builds its parts, listens on both ports, steps its market."""

import asyncio
import contextlib
import socket
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from engine.paper.accounts import Account, Transfer
from engine.paper.clock import ExchangeClock
from engine.paper.control import Control
from engine.paper.faults import Fault, FaultKind, Faults, Match
from engine.paper.instruments import default_instruments, recorded_instruments
from engine.paper.limits import Limits
from engine.paper.market_streams import MarketStreams
from engine.paper.matching import Matching
from engine.paper.options import AccountOption, Options
from engine.paper.oracle import Oracle, Record
from engine.paper.prices import OutsideMarket
from engine.paper.replay import Replay, open_replay
from engine.paper.rest import Rest
from engine.paper.stream_faults import StreamFaults
from engine.paper.streams import Streams
from engine.paper.user_streams import UserStreams
from engine.paper.wire import Listener

if TYPE_CHECKING:
    from pathlib import Path

_DUE_CHECK_S = 0.05
# A machine that slept or is too slow does not have to catch up with more steps than this holds.
_BEHIND_MAX_S = 1.0


class PaperExchange:
    """`async with PaperExchange(Options(...)) as paper:` serves Binance spot's wire until the block ends."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.clock = ExchangeClock()
        self.record = Record()
        recorded = options.exchange_info
        instruments = default_instruments() if recorded is None else recorded_instruments(recorded)
        self.matching = Matching(self.clock, instruments, self.record, options.seed)
        self.oracle = Oracle(self.record)
        self.faults = Faults()
        self.outside = OutsideMarket(self.matching, options.seed)
        limits = Limits(options.enforce_limits)
        self.rest = Rest(self.matching, limits, self.faults, self.deposit)
        self.user_streams = UserStreams(self.matching, self.rest, limits)
        self.market_streams = MarketStreams(self.matching, self.user_streams)
        self.market_streams.faults = self.user_streams.faults = StreamFaults(
            self.faults, self.clock, lambda key: self.user_streams.terminate(self.matching.accounts[key])
        )
        self.replay: Replay | None = None
        if options.replay is not None:
            self.replay = open_replay(options.replay, self.outside, self.matching)
        for account in options.accounts:
            self.add_account(account)
        self.port = self.control_port = self.tls_port = 0
        self._transfers = 0
        self.ca_file: Path | None = None
        self._runners: list[web.ServerRunner] = []
        self._listener = Listener(self.rest, self._handle)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self.matching.listener = Streams(self.market_streams, self.user_streams)
        self.port = await self._listener.listen(self.options.host, self.options.port)
        if self.options.tls_dir is not None:
            # Imported here because most exchanges serve without, and it costs start-up time.
            from engine.paper.tls import certificates  # noqa: PLC0415

            made = certificates(self.options.tls_dir)
            self.ca_file, context = made.ca_file, made.server_context()
            self.tls_port = await self._listener.listen(self.options.host, self.options.tls_port, context)
        self.control_port = await self._listen(self.options.control_port, Control(self).handle)
        self._tasks = [asyncio.create_task(self._run_due())]
        if self.options.step_ms:
            self._tasks.append(asyncio.create_task(self._run_steps()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.market_streams.close()
        await self.user_streams.close()
        await self._listener.close()
        for runner in self._runners:
            await runner.cleanup()
        if self.replay is not None:
            self.replay.close()

    @property
    def url(self) -> str:
        return f"http://{self.options.host}:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://{self.options.host}:{self.port}"

    @property
    def control_url(self) -> str:
        return f"http://{self.options.host}:{self.control_port}"

    def add_account(self, option: AccountOption) -> Account:
        """Open an account and make its first deposits."""
        account = Account(option.key, option.secret.encode(), fee_asset=self.options.fee_asset)
        if self.options.legacy_user_streams:
            account.listen_keys = {}
        account.opening = option.deposits
        self.matching.accounts[option.key] = account
        for asset, amount in option.deposits.items():
            self.matching.deposit(account, asset, amount)
        return account

    def deposit(self, key: str, asset: str, amount: int) -> None:
        """Move money in (negative: out) and tell the account's streams."""
        account = self.matching.accounts[key]
        self.matching.deposit(account, asset, amount)
        self._transfers += 1
        account.transfers.append(Transfer(self._transfers, asset, amount, self.clock.now_ms()))
        self.user_streams.balance_changed(account, asset, amount)

    def reset(self, key: str, balances: dict[str, int] | None = None) -> None:
        """Cancel an account's orders and bring its money to these balances, or to what it was opened with.

        To the oracle and the streams they are deposits and withdrawals; orders and fills stay history.
        """
        account = self.matching.accounts[key]
        for order in list(account.open_orders.values()):
            self.matching.cancel(order)
        wanted = account.opening if balances is None else balances
        for asset in sorted({*account.free, *wanted}):
            change = wanted.get(asset, 0) - account.free_of(asset)
            if change:
                self.deposit(key, asset, change)

    def maintain(self, on: bool) -> None:
        """Close for maintenance, breaking every stream, or open again."""
        self.rest.maintenance = on
        if on:
            self.market_streams.cut()
            self.user_streams.cut()

    def step(self, steps: int = 1) -> None:
        """Let the outside market take turns, and a replay go on by as many steps of recorded time."""
        for _ in range(steps):
            self.outside.step()
            if self.replay is not None:
                self.replay.step((self.options.step_ms or 250) * self.options.replay_speed)

    def fault(self, kind: FaultKind, *, match: Match | None = None, **fields: Any) -> Fault:
        """Order a fault from inside the process."""
        return self.faults.add(Fault(kind=kind, match=match or Match(), **fields))

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path
        if self.rest.maintenance:
            return await self.rest.handle(request)
        if path.startswith("/ws-api/"):
            return await self.user_streams.serve(request)
        if path.startswith(("/stream", "/ws")):
            return await self.market_streams.serve(request)
        return await self.rest.handle(request)

    async def _listen(self, port: int, handler: Any) -> int:
        """Listen on one port with the bare server: routing and middleware would cost more than an order."""
        runner = web.ServerRunner(web.Server(handler, access_log=None), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        listener = socket.create_server((self.options.host, port), backlog=1024)
        site = web.SockSite(runner, listener)
        await site.start()
        self._runners.append(runner)
        return int(listener.getsockname()[1])

    async def _run_due(self) -> None:
        while True:
            await asyncio.sleep(_DUE_CHECK_S)
            self.clock.run_due()

    async def _run_steps(self) -> None:
        """Take steps at moments that do not move with what a step costs: a recording keeps its pace."""
        loop, pace_s = asyncio.get_running_loop(), self.options.step_ms / 1000
        due = loop.time()
        while True:
            due = max(due + pace_s, loop.time() - _BEHIND_MAX_S)
            await asyncio.sleep(due - loop.time())
            self.step()
