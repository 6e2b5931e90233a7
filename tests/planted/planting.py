"""How a bug is planted: a SQL function or a Python callable is replaced, and put back."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.torture.world import World

FUNCTIONS = Path(__file__).parents[2] / "sql/functions"
Plant = Callable[[World], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Bug:
    """What is broken, and the flow with the fault that must show it ("entry_limit crash_after@2")."""

    name: str
    breaks: str
    caught_by: str
    plant: Plant


def sql(path: str, *changes: tuple[str, str]) -> Plant:
    """Replace passages of a function file; each must be there."""

    @asynccontextmanager
    async def planted(world: World) -> AsyncIterator[None]:
        whole = (FUNCTIONS / path).read_text()
        broken = whole
        for old, new in changes:
            assert old in broken, f"{path} does not read {old!r} any more: plant the bug anew"
            broken = broken.replace(old, new)
        await world.admin.execute(broken)
        try:
            yield
        finally:
            await world.admin.execute(whole)

    return planted


def python(owner: Any, name: str, made: Callable[[Any], Any]) -> Plant:
    """Replace an attribute by what `made` makes of it."""

    @asynccontextmanager
    async def planted(_world: World) -> AsyncIterator[None]:
        static = vars(owner).get(name)
        whole = getattr(owner, name)
        setattr(owner, name, made(whole))
        try:
            yield
        finally:
            setattr(owner, name, static if static is not None else whole)

    return planted


def both(*plants: Plant) -> Plant:
    """Plant a bug that needs several places."""

    @asynccontextmanager
    async def planted(world: World) -> AsyncIterator[None]:
        if not plants:
            yield
            return
        async with plants[0](world), both(*plants[1:])(world):
            yield

    return planted


def statements(before: str, after: str) -> Plant:
    """Change the schema itself, and change it back."""

    @asynccontextmanager
    async def planted(world: World) -> AsyncIterator[None]:
        await world.admin.execute(before)
        try:
            yield
        finally:
            await world.admin.execute(after)

    return planted
