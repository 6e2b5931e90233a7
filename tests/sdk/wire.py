"""A bad line between a robot and the daemon: requests get lost or doubled, answers get lost or held back."""

import asyncio
import contextlib
import re
import threading
from collections.abc import Iterator
from enum import StrEnum

from tests.daemon.stage import WAIT_S

_PAGE = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\n<h1/>"
_PROBLEM = b'{"code":"BUSY","detail":"full","outcome":"not_placed","retryable":true,"request_id":"1"}'
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: %d\r\n\r\n%b" % (
    len(_PROBLEM),
    _PROBLEM,
)
_UPGRADE = re.compile(rb"\r\nupgrade: *websocket", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Fate(StrEnum):
    """What becomes of one POST or DELETE; everything else passes."""

    PASS = "pass"
    LOSE_REQUEST = "lose the request"
    LOSE_ANSWER = "lose the answer"
    HOLD_ANSWER = "hold the answer back until the line is cut"
    TWICE = "deliver it twice at the same moment, show the second answer"
    BUSY = "answer that the queue is full, come back in seven seconds; the daemon hears nothing"
    GARBLE = "answer with a proxy's page instead"


class BadLine:
    """A proxy with a thread of its own, so that it works while a test waits."""

    def __init__(self, daemon_port: int) -> None:
        self.daemon_port = daemon_port  # a test that restarts the daemon sets it anew
        self.lets_sockets_pass = True  # False: a proxy that knows no WebSocket
        self.fates: list[Fate] = []
        self.sent: list[bytes] = []  # the requests that robots sent, as they were
        self.answers: list[bytes] = []  # the daemon's answers to requests with a fate, in order
        self._cut = asyncio.Event()
        self._streams: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._loop = asyncio.new_event_loop()
        self._port = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @classmethod
    @contextlib.contextmanager
    def to(cls, daemon_port: int) -> Iterator["BadLine"]:
        """Open the line; nothing of it is left afterwards."""
        line = cls(daemon_port)
        listening = threading.Event()
        thread = threading.Thread(target=line._run, args=(listening,))
        thread.start()
        try:
            assert listening.wait(WAIT_S)
            yield line
        finally:
            line._loop.call_soon_threadsafe(line._cut.set)
            thread.join(WAIT_S)

    def _run(self, listening: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(listening))
        finally:
            self._loop.close()

    async def _serve(self, listening: threading.Event) -> None:
        talks: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talks.add(task)
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._talk(reader, writer)
            writer.close()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        listening.set()
        await self._cut.wait()
        server.close()
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await _message(reader)
            if _UPGRADE.search(request) and not self.lets_sockets_pass:
                writer.write(_PAGE)
                continue
            if request.startswith(b"GET /v1/feed"):
                await self._stream(request, reader, writer)
                return
            changing = request.startswith((b"POST", b"DELETE"))
            fate = self.fates.pop(0) if changing and self.fates else Fate.PASS
            if changing:
                self.sent.append(request)
            if fate is Fate.LOSE_REQUEST:
                return
            if fate is Fate.BUSY:
                writer.write(_BUSY)
                continue
            copies = 2 if fate is Fate.TWICE else 1
            answers = await asyncio.gather(*(self._ask(request) for _ in range(copies)))
            if changing:
                self.answers += answers
            if fate is Fate.LOSE_ANSWER:
                return
            if fate is Fate.HOLD_ANSWER:
                await self._cut.wait()
                return
            writer.write(_PAGE if fate is Fate.GARBLE else answers[-1])
            await writer.drain()

    def cut_streams(self) -> None:
        """Cut every feed that passes through."""
        self._loop.call_soon_threadsafe(lambda: [stream.cancel() for stream in self._streams])

    def spoil_streams(self) -> None:
        """Let bytes that mean nothing reach whoever reads a feed."""
        spoilt = b"\xff" * 16
        self._loop.call_soon_threadsafe(lambda: [to.write(spoilt) for to in self._streams.values()])

    async def _stream(
        self, request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Let an answer without an end pass, and what is said to it, piece by piece."""
        upstream, asking = await asyncio.open_connection("127.0.0.1", self.daemon_port)
        task = asyncio.current_task()
        assert task is not None
        self._streams[task] = writer
        try:
            asking.write(request)
            async with asyncio.TaskGroup() as both:
                back = both.create_task(_pass_on(reader, asking))
                await _pass_on(upstream, writer)
                back.cancel()
        finally:
            del self._streams[task]
            asking.close()

    async def _ask(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.daemon_port)
        try:
            writer.write(request)
            await writer.drain()
            return await _message(reader)
        finally:
            writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(4096):
            writer.write(piece)
            await writer.drain()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Return one HTTP message whose body has a stated length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return head + (await reader.readexactly(int(length[1])) if length else b"")
