"""A robot as a program of its own, which can be told where to die of SIGKILL."""

import asyncio
import json
import os
import signal
import sys
from typing import Any, NoReturn

from engine.client.journal import Journal
from engine.client.results import Result
from engine.client.robot import Robot
from engine.client.wire import Wire


def die(*_: Any, **__: Any) -> NoReturn:
    """End as a pulled plug does: no handler, no flush, no goodbye."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a SIGKILL returned")


# The crossing at which a robot dies: with its key in the journal and nothing sent, or answered and not noted.
CROSSINGS = {"before the send": (Wire, "ask"), "before the note": (Journal, "known")}


def shown(result: Result) -> dict[str, str | None]:
    """Return what a test wants to know of a result."""
    return {
        "outcome": result.outcome,
        "key": result.key,
        "order": None if result.order is None else result.order.id,
    }


async def act(given: dict[str, str]) -> list[dict[str, str | None]]:
    """Do one thing as a robot does it, and tell what came of it."""
    key = os.environ["ROBOT_KEY"]
    patient = {"patience_s": 120.0, "place_within_s": 600.0}  # on a crowded machine
    async with Robot(given["url"], key, profile="main", journal=given["journal"], **patient) as robot:
        if given["act"] == "recover":
            return [shown(result) for result in await robot.recover()]
        return [shown(await robot.enter("BTC/USDT", "0.01", "49000"))]


def main() -> None:
    """Read the one argument, act, print."""
    given = json.loads(sys.argv[1])
    if given["die"] in CROSSINGS:
        owner, name = CROSSINGS[given["die"]]
        setattr(owner, name, die)
    sys.stdout.write(json.dumps(asyncio.run(act(given))))


if __name__ == "__main__":
    main()
