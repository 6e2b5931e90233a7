"""`holdfast paper` as a process: one ready line, clean stop, plain refusals."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process

import aiohttp

COMMAND = [sys.executable, "-m", "engine.cli.paper"]


async def _start(*arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(*COMMAND, *arguments, stdout=PIPE, stderr=PIPE)


async def test_runs_and_stops() -> None:
    """It says when it is ready and where, serves, tells people what to set, and ends with 0 on SIGTERM."""
    process = await _start("--port", "0", "--control-port", "0", "--account", "k:s:USDT=10,BTC=1")
    assert process.stdout is not None
    ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    assert "ready" == ready["event"]
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{ready['control_port']}/accounts"
        async with session.get(url) as response:
            (account,) = (await response.json())["accounts"]
    assert {"BTC": "1.00000000", "USDT": "10.00000000"} == account["free"]
    process.send_signal(signal.SIGTERM)
    _, told = await asyncio.wait_for(process.communicate(), 20)
    assert 0 == process.returncode
    assert f"http://127.0.0.1:{ready['port']}/api/v3".encode() in told


async def test_ends_with_its_parent() -> None:
    """With --exit-with-parent nothing is left running after the starting process is killed."""
    arguments = [*COMMAND, "--port", "0", "--control-port", "0", "--exit-with-parent"]
    script = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen({arguments!r}, stdout=subprocess.PIPE)\n"
        "child.stdout.readline(); print('up', flush=True); time.sleep(60)\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=PIPE, stderr=PIPE)
    assert parent.stdout is not None
    assert await asyncio.wait_for(parent.stdout.readline(), 20)
    parent.kill()
    # The grandchild has inherited stderr: it closes only when that process is gone as well.
    await asyncio.wait_for(parent.communicate(), 20)


async def test_refuses_bad_options() -> None:
    """A bad account, a missing file or a taken port is a message and an exit code, no traceback."""
    for arguments, text in [
        (["--account", "nonsense"], "KEY:SECRET"),
        (["--replay", "/nowhere/BTCUSDT-trades.csv"], "no such file"),
        (["--host", "203.0.113.1", "--port", "0"], "cannot listen"),
        (["--port", "0", "--exchange-info", __file__], "no recorded exchangeInfo"),
    ]:
        process = await _start(*arguments)
        _, told = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode
        assert text in told.decode()
        assert "Traceback" not in told.decode()
