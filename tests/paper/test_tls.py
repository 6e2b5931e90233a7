"""TLS on the real host names: an own authority, one certificate for all of them, REST and streams."""

import asyncio
import json
import signal
import ssl
import stat
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509

from engine.paper.server import PaperExchange
from engine.paper.tls import HOST_NAMES, certificates
from tests.exchange.own_tls import Loopback
from tests.paper.clients import options

WAIT_S = 5


def _session(port: int, ca_file: Path) -> aiohttp.ClientSession:
    context = ssl.create_default_context(cafile=ca_file)
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, resolver=Loopback(port)))


@pytest.mark.parametrize(
    "host", ["api.binance.com", "api4.binance.com", "testnet.binance.vision", "localhost"]
)
async def test_rest_by_host_name(tmp_path: Path, host: str) -> None:
    """A client that trusts the authority and resolves the name reaches the exchange by its real address."""
    async with PaperExchange(options(tls_dir=tmp_path)) as paper:
        assert paper.ca_file == tmp_path / "ca.pem"
        async with _session(paper.tls_port, tmp_path / "ca.pem") as session:
            async with session.get(f"https://{host}/api/v3/time") as response:
                assert 200 == response.status
            async with session.get(f"{paper.url}/api/v3/time") as response:
                assert 200 == response.status


async def test_streams_over_tls(tmp_path: Path) -> None:
    """Both WebSocket hosts work over TLS."""
    async with (
        PaperExchange(options(tls_dir=tmp_path)) as paper,
        _session(paper.tls_port, tmp_path / "ca.pem") as session,
    ):
        async with session.ws_connect("wss://stream.binance.com/ws/btcusdt@bookTicker") as socket:
            assert "BTCUSDT" == (await socket.receive_json(timeout=WAIT_S))["s"]
        async with session.ws_connect("wss://ws-api.binance.com/ws-api/v3") as socket:
            await socket.send_json({"id": 1, "method": "ping"})
            assert 200 == (await socket.receive_json(timeout=WAIT_S))["status"]


async def test_other_names_are_not_covered(tmp_path: Path) -> None:
    """The certificate is good for the exchange's names only, and only for who trusts the authority."""
    async with PaperExchange(options(tls_dir=tmp_path)) as paper:
        async with _session(paper.tls_port, tmp_path / "ca.pem") as session:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get("https://www.example.com/api/v3/time")
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=Loopback(paper.tls_port))
        ) as stranger:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await stranger.get("https://api.binance.com/api/v3/time")


def test_certificates_are_kept(tmp_path: Path) -> None:
    """A second start uses the same files, a broken one is replaced; the server's key is the owner's alone."""
    first = certificates(tmp_path / "tls")
    content = first.ca_file.read_bytes()
    assert content == certificates(tmp_path / "tls").ca_file.read_bytes()
    assert 0o600 == stat.S_IMODE(first.server_file.stat().st_mode)
    assert b"PRIVATE KEY" not in content
    certificate = x509.load_pem_x509_certificate(first.server_file.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(HOST_NAMES) == set(names.get_values_for_type(x509.DNSName))
    first.server_file.write_text("nonsense")
    second = certificates(tmp_path / "tls")
    assert content != second.ca_file.read_bytes()
    assert second.server_context()


async def test_the_command(tmp_path: Path) -> None:
    """`holdfast paper --tls` tells port and authority file, on one line for programs and in words."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "engine.cli.paper", "--port", "0", "--control-port", "0"),
        *("--tls", "--tls-port", "0", "--tls-dir", str(tmp_path)),
        stdout=PIPE,
        stderr=PIPE,
    )
    assert process.stdout is not None
    ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    assert str(tmp_path / "ca.pem") == ready["ca_file"]
    async with _session(ready["tls_port"], tmp_path / "ca.pem") as session:
        async with session.get("https://api.binance.com/api/v3/ping") as response:
            assert 200 == response.status
        # The command runs on the faster event loop where it can: a connection changes hands there, too.
        async with session.ws_connect("wss://stream.binance.com/ws/btcusdt@bookTicker") as socket:
            assert "BTCUSDT" == (await socket.receive_json(timeout=WAIT_S))["s"]
    process.send_signal(signal.SIGTERM)
    _, told = await asyncio.wait_for(process.communicate(), 20)
    assert 0 == process.returncode
    assert ready["ca_file"] in told.decode()
