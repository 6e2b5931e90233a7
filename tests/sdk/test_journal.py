"""The journal of keys: durable, one row a key, one robot a file."""

import asyncio
import json
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from engine.client.errors import JournalError, KeyReusedError
from engine.client.journal import Asked, Journal, keep_from


def asked(key: str, quantity: str = "1", written_ms: int = 1000) -> Asked:
    return Asked(key, "entry", json.dumps({"label": key, "quantity": quantity}), written_ms)


async def test_what_is_written_is_there_for_the_next_process(tmp_path: Path) -> None:
    """Requests without an end are found by another journal on the file, oldest first; others not."""
    first = Journal(tmp_path / "journal")
    for key, at in (("b", 2000), ("a", 1000), ("c", 3000)):
        assert (asked(key, written_ms=at), False) == await first.write(asked(key, written_ms=at))
    await first.settle("c", "placed", None, "order-c")
    await first.close()
    second = Journal(tmp_path / "journal")
    assert ["a", "b"] == [each.key for each in await second.unsettled()]
    assert {"order-c": "c"} == await second.keys_of(["order-c", "order-of-another"])
    assert None is await second.find("d")
    await second.close()


async def test_every_write_waits_for_the_disk(tmp_path: Path) -> None:
    """The file is in WAL mode with an fsync for each commit, and only its owner can read it."""
    journal = Journal(tmp_path / "journal")
    await journal.write(asked("a"))
    assert journal._opened is not None
    modes = await journal._run(
        lambda connection: [
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
        ]
    )
    assert ["wal", 2] == modes  # 2 is FULL
    assert 0o600 == stat.S_IMODE((tmp_path / "journal").stat().st_mode)
    await journal.close()


async def test_a_key_is_one_request(tmp_path: Path) -> None:
    """The same request again is the row of before; another is refused; a denied one begins anew."""
    journal = Journal(tmp_path / "journal")
    await journal.write(asked("a"))
    assert (asked("a"), True) == await journal.write(asked("a", written_ms=9000))
    with pytest.raises(KeyReusedError):
        await journal.write(asked("a", quantity="2"))
    await journal.settle("a", "not_placed", "BUSY", None)
    assert (asked("a", written_ms=9000), False) == await journal.write(asked("a", written_ms=9000))
    await journal.known("a", "order-a")
    await journal.settle("a", "not_placed", "REJECTED", "order-a")
    again, before = await journal.write(asked("a", written_ms=9500))
    assert (9000, "order-a", True) == (again.written_ms, again.order_id, before)
    await journal.close()


async def test_a_journal_has_one_robot(tmp_path: Path) -> None:
    """While a journal is open nobody else can write it, in this process or another; closed, it is free."""
    first, second = (Journal(tmp_path / "journal") for _ in range(2))
    await first.write(asked("a"))
    with pytest.raises(JournalError, match="locked"):
        await second.write(asked("b"))
    reading = "import sqlite3, sys; sqlite3.connect(sys.argv[1], 0).execute('SELECT * FROM requests')"
    other = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", reading, str(first.path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (1, True) == (other.returncode, "database is locked" in other.stderr)
    await first.close()
    assert (asked("b"), False) == await second.write(asked("b"))
    await second.close()


async def test_writes_at_once_are_one_row(tmp_path: Path) -> None:
    """Fifty writes of one key at once: one is the first, and all see the same row."""
    journal = Journal(tmp_path / "journal")
    written = await asyncio.gather(*(journal.write(asked("a", written_ms=n)) for n in range(50)))
    assert 1 == [before for _, before in written].count(False)
    assert 1 == len({row.written_ms for row, _ in written})
    await journal.close()


async def test_only_settled_requests_are_forgotten(tmp_path: Path) -> None:
    """After thirty days a settled or abandoned key leaves the journal; one without an end never does."""
    journal = Journal(tmp_path / "journal")
    for key in ("open", "done", "given up"):
        await journal.write(asked(key))
    await journal.settle("done", "placed", None, "order")
    await journal.abandon("given up")
    await journal.forget(keep_from(1000 + 30 * 86_400_000))
    assert None is not await journal.find("done")
    await journal.forget(keep_from(1001 + 30 * 86_400_000))
    assert [None, None] == [await journal.find("done"), await journal.find("given up")]
    assert ["open"] == [each.key for each in await journal.unsettled()]
    await journal.close()


async def test_a_file_that_is_no_journal_is_named(tmp_path: Path) -> None:
    """A broken file, a missing folder and a newer version raise JournalError with the path."""
    (tmp_path / "broken").write_bytes(os.urandom(4096))
    newer = sqlite3.connect(tmp_path / "newer")
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    for name in ("broken", "missing/journal", "newer"):
        journal = Journal(tmp_path / name)
        with pytest.raises(JournalError, match=str(tmp_path / name)):
            await journal.write(asked("a"))
        await journal.close()
