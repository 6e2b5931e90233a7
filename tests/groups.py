"""Which tests share what is dear to start: they run on one worker, and what they share ends with the last."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
_FOLDERS = ("tests/sdk", "tests/relay", "tests/supabase")
_OWN = {"test_process.py", "test_matrix.py"}  # each with a stage of its own


def group(nodeid: str) -> str:
    """Name the group of a test; one that shares nothing is its own."""
    module = nodeid.partition("::")[0]
    folder, _, file = module.rpartition("/")
    if file in _OWN:
        return module
    if folder.endswith("tests/daemon"):
        return f"{folder}/{_half(file)}"
    return folder if folder.endswith(_FOLDERS) else nodeid


def _half(file: str) -> str:
    """Halve tests/daemon by the names of its files: each account more uses weight of its stage's address."""
    return "first" if file < "test_r" else "second"


@dataclass(slots=True)
class _Kept:
    stack: ExitStack = field(default_factory=ExitStack)
    things: dict[str, Any] = field(default_factory=dict)


_KEPT = pytest.StashKey[dict[str, _Kept]]()


def lasting(request: pytest.FixtureRequest, name: str, opened: Callable[[], AbstractContextManager[T]]) -> T:
    """Return what is kept under `name` for the group of this test; the first who asks opens it.

    A fixture of the session would last as long as the worker, and an idle daemon costs a twentieth of a core.
    """
    name_of_group = group(request.node.nodeid)
    assert name_of_group != request.node.nodeid, f"{name_of_group} shares nothing"
    kept = request.session.stash.setdefault(_KEPT, {}).setdefault(name_of_group, _Kept())
    if name not in kept.things:
        kept.things[name] = kept.stack.enter_context(opened())
    found: T = kept.things[name]
    return found


def end_others(session: pytest.Session, nextitem: pytest.Item | None) -> None:
    """Close what was kept for groups that the next test is not of."""
    kept = session.stash.setdefault(_KEPT, {})
    for name in [name for name in kept if nextitem is None or name != group(nextitem.nodeid)]:
        kept.pop(name).stack.close()
