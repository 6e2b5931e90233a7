"""A server in front of the paper exchange that answers one path itself: what that exchange does not have."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen


@contextmanager
def exchange_that_says(origin: str, path: str, answer: Mapping[str, Any]) -> Iterator[str]:
    """Give the address of a server that passes everything on to `origin`, except GET of `path`."""

    class Front(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.split("?")[0] == path:
                self._reply(200, json.dumps(answer).encode())
                return
            headers = {"X-MBX-APIKEY": self.headers.get("X-MBX-APIKEY", "")}
            try:
                with urlopen(Request(origin + self.path, headers=headers), timeout=10) as passed:  # noqa: S310
                    self._reply(passed.status, passed.read())
            except HTTPError as refused:
                with refused:
                    self._reply(refused.code, refused.read())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            """Say nothing."""

        def _reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
