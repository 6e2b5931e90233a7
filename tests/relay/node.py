"""A RabbitMQ node of the tests' own: free ports, a folder that goes, killed and started at will."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
START_S = 180.0
MESSAGE_BYTES_MAX = 4_096  # what is larger, this node takes from nobody


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Node:
    """Everything about it is in its folder and its environment, so several may run beside each other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, self._epmd, self._dist = free_port(), free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        config = folder / "rabbitmq.conf"
        config.write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self._port}\nmax_message_size = {MESSAGE_BYTES_MAX}\n"
            "log.file.level = error\n"
        )
        (folder / "enabled_plugins").write_text("[].\n")
        self._environment = {
            **os.environ,
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"holdfast{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._dist),
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",  # may end before it notices its node's end
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            # schedulers that wait without burning the processors of the other tests
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
        }

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator[Self]:
        folder = Path(tempfile.mkdtemp(prefix="holdfast-rabbitmq-"))
        node = cls(folder)
        try:
            node.start()
            yield node
        finally:
            node.kill()
            subprocess.run(
                ["epmd", "-port", str(node._epmd), "-kill"],  # the one that this node started
                env=node._environment, check=False, capture_output=True,
            )  # fmt: skip
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self._port}/"

    def start(self) -> None:
        """Return when it takes connections."""
        with (self._folder / "out").open("ab") as out:
            self._process = subprocess.Popen(
                [str(SERVER)], env=self._environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_S
        while True:
            assert self._process.poll() is None, (self._folder / "out").read_text()[-2_000:]
            try:
                with socket.create_connection(("127.0.0.1", self._port), 1.0) as probe:
                    probe.sendall(b"AMQP\x00\x00\x09\x01")
                    if probe.recv(1):
                        return
            except OSError:
                pass
            assert time.monotonic() < deadline, (self._folder / "out").read_text()[-2_000:]
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL to the whole node: nothing is flushed, nothing is said."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)
            self._process = None
