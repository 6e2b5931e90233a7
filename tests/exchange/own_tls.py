"""The real host names on loopback: the paper exchange's authority, and a resolver that leads names here."""

import atexit
import functools
import shutil
import socket
import ssl
import tempfile
from pathlib import Path

from aiohttp.abc import AbstractResolver, ResolveResult

from engine.paper.tls import HOST_NAMES, Certificates, certificates

_OTHERS = ("www.okx.com", "api.kraken.com")


class Loopback(AbstractResolver):
    """Resolves every name but *.invalid to one port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        del port, family
        if host.endswith(".invalid"):
            raise OSError(f"{host} is not known")
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=self.port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""


@functools.cache
def made_once() -> Certificates:
    """Make the certificates of this test run, in a folder that goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-tls-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return certificates(folder, (*HOST_NAMES, *_OTHERS))


def certificate_file() -> Path:
    """Return the file of the authority that a client has to trust."""
    return made_once().ca_file


def server_context() -> ssl.SSLContext:
    return made_once().server_context()
