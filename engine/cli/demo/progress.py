"""What is seen while the demo runs: finished steps with their time, and one line that moves on a terminal."""

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_LABEL = 12
_PLAIN_LINE_EVERY_S = 5.0
_CLEAR = "\r\x1b[2K"


class Progress:
    """Writes to a terminal or a file; a file gets whole lines only, and seldom."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._moving = out.isatty()
        self._pending = False
        self._last_plain = 0.0

    def line(self, text: str = "") -> None:
        """Write one lasting line."""
        self._erase()
        self._out.write(text + "\n")
        self._out.flush()

    @contextmanager
    def step(self, label: str, text: str) -> Iterator[list[str]]:
        """Show what is being done, then what was done (the list's last item) and how long it took."""
        began = time.monotonic()
        told = [text]
        if self._moving:
            self._show(f"  {label:<{_LABEL}}{text} …")
        yield told
        self.line(f"  {label:<{_LABEL}}{told[-1]:<68}{time.monotonic() - began:5.1f} s")

    def moving(self, label: str, text: str) -> None:
        """Show the present state: over the last one on a terminal, now and then elsewhere."""
        shown = f"  {label:<{_LABEL}}{text}"
        if self._moving:
            self._show(shown)
        elif time.monotonic() - self._last_plain >= _PLAIN_LINE_EVERY_S:
            self._last_plain = time.monotonic()
            self.line(shown)

    def _show(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        self._out.write(_CLEAR + text[:width])
        self._out.flush()
        self._pending = True

    def _erase(self) -> None:
        if self._pending:
            self._out.write(_CLEAR)
            self._pending = False
