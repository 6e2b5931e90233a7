"""Faults at the seams of one engine process: every call is counted, and one of them goes wrong as planned."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

LATE_NAMES = frozenset({"submit", "cancel"})  # what the exchange can do after the client has gone


class CrashError(BaseException):
    """The process is gone: nothing of it acts any more."""


class Kind(StrEnum):
    """What goes wrong at a crossing; `before` the effect, or `after` it and before its reply is seen."""

    CRASH_BEFORE = "crash_before"
    CRASH_AFTER = "crash_after"
    LOST_BEFORE = "lost_before"
    LOST_AFTER = "lost_after"
    STICKY_BEFORE = "sticky_before"
    STICKY_AFTER = "sticky_after"
    CANCELLED_BEFORE = "cancelled_before"
    CANCELLED_AFTER = "cancelled_after"
    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    CALLER_LEFT = "caller_left"
    LATE = "late"  # the connection is lost, and the exchange does what it was asked seconds later

    @property
    def point(self) -> str:
        """Where it happens; a late effect is ordered before the request is written."""
        return "after" if self.value.endswith("_after") else "before"

    @property
    def deadly(self) -> bool:
        """Whether the process is gone afterwards."""
        return self in {Kind.CRASH_BEFORE, Kind.CRASH_AFTER}


CRASHES = (Kind.CRASH_BEFORE, Kind.CRASH_AFTER)


def kinds_at(crossing: str, *, replied: bool) -> list[Kind]:
    """Return what can go wrong at a crossing; a call that was refused has no reply to lose."""
    late = crossing.partition(" ")[2] in LATE_NAMES
    fitting = [kind for kind in Kind if kind is not Kind.LATE or late]
    return [kind for kind in fitting if replied or kind.point == "before"]


@dataclass(slots=True)
class Plug:
    """Both seams of one engine process. `plan` names what goes wrong at which call, counted from 0.

    `crossings` lists the calls in order, as "sql fn_open_entry" or "exchange submit"; `fired` what went so.
    After a crash every later crossing crashes too: a dead process does nothing. A sticky loss holds for the
    side where it happened until `heal`.
    """

    plan: Mapping[int, Kind] = field(default_factory=dict)
    order_late: Callable[[], None] | None = None
    caller: asyncio.Task[Any] | None = None
    die_after: str | None = None  # the call after whose effect the process is gone
    dead: bool = False
    pause_at: int | None = None  # a process that is stopped (as by SIGSTOP) before this call
    paused: asyncio.Event = field(default_factory=asyncio.Event)
    resume: asyncio.Event = field(default_factory=asyncio.Event)
    crossings: list[str] = field(default_factory=list)
    replied: set[int] = field(default_factory=set)  # crossings whose effect was done
    fired: list[tuple[str, Kind]] = field(default_factory=list)
    watch: Callable[[str, str, str], None] | None = None
    _lost: set[str] = field(default_factory=set)
    _open: dict[Any, int] = field(default_factory=dict)

    async def sql(self, point: str, function: str, _args: tuple[Any, ...]) -> None:
        """Be the ledger's fault."""
        await self._at("sql", point, function)

    async def before(self, name: str) -> None:
        """Be the gateway's fault, before the request is written."""
        await self._at("exchange", "before", name)

    async def after(self, name: str) -> None:
        """Be the gateway's fault, when the answer is there and nobody knows yet."""
        await self._at("exchange", "after", name)

    def heal_lost(self) -> None:
        """Give lost connections back."""
        self._lost.clear()

    def heal(self) -> None:
        """Give lost connections back, and plan nothing more."""
        self._lost.clear()
        self.plan = {}

    async def _at(self, side: str, point: str, name: str) -> None:
        if self.dead:
            raise CrashError
        task = asyncio.current_task()
        if point == "before":
            number = len(self.crossings)
            self.crossings.append(f"{side} {name}")
            self._open[task] = number
            if number == self.pause_at:
                self.paused.set()
                await self.resume.wait()
        else:
            number = self._open.pop(task, -1)
            self.replied.add(number)
        if point == "after" and name == self.die_after:
            self.dead = True
            raise CrashError
        if self.watch is not None:
            self.watch(side, point, name)
        if side in self._lost and point == "before":
            raise ConnectionResetError
        kind = self.plan.get(number)
        if kind is not None and kind.point == point:
            await self._happen(kind, side, name)

    async def _happen(self, kind: Kind, side: str, name: str) -> None:
        self.fired.append((f"{side} {name}", kind))
        if kind.deadly:
            self.dead = True
            raise CrashError
        if kind in {Kind.STICKY_BEFORE, Kind.STICKY_AFTER}:
            self._lost.add(side)
        elif kind in {Kind.CANCELLED_BEFORE, Kind.CANCELLED_AFTER}:
            _cancel(asyncio.current_task())
            await asyncio.sleep(0)
        elif kind is Kind.CALLER_LEFT:
            _cancel(self.caller)
            await asyncio.sleep(0)
            return
        elif kind in {Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER}:
            raise TimeoutError
        elif kind is Kind.LATE:
            if self.order_late is not None:
                self.order_late()
            return
        raise ConnectionResetError


def _cancel(task: asyncio.Task[Any] | None) -> None:
    if task is not None:
        task.cancel()
