"""What is tortured: each flow with what stands before it, the steps that faults hit, and what comes after."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from engine.ledger import capital
from engine.ledger.capital import By
from engine.paper.faults import FaultKind
from tests.torture.instance import Instance
from tests.torture.scene import Scene

Step = Callable[[Scene, Instance], Awaitable[Any]]


async def nothing(_scene: Scene, _instance: Instance) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Flow:
    """`before` runs without faults, `act` with them; `again` is asked of the fresh engine.

    `money`: whether all pairs of its recovery belong to a full run. `racy`: two processes run against each
    other, so that a planned fault may need several attempts to be met. `profiles` with their capital.
    """

    name: str
    act: Step
    before: Step = nothing
    again: Step | None = None
    money: bool = True
    racy: bool = False
    profiles: dict[str, str] = field(default_factory=lambda: {"first": "1000"})


async def enter_limit(scene: Scene, instance: Instance) -> None:
    """Buy at once with a limit."""
    await instance.ask(scene.entry("entry"))


async def enter_market(scene: Scene, instance: Instance) -> None:
    """Buy at the market."""
    await instance.ask(scene.entry("entry", price=None))


async def enter_resting(scene: Scene, instance: Instance) -> None:
    """Bid below the market."""
    await instance.ask(scene.entry("entry", "0.012", "40000"))


async def enter_refused(scene: Scene, instance: Instance) -> None:
    """Ask for what the exchange refuses: post-only that would take."""
    await instance.ask(scene.entry("entry", "0.01", "50100", post_only=True))


async def fill_in_parts(scene: Scene, instance: Instance) -> None:
    """See an order filled by and by."""
    scene.fills(3)
    await instance.poll()
    scene.fills(2)
    await instance.poll()
    scene.fills()
    await instance.poll()


async def bid_and_fill(scene: Scene, instance: Instance) -> None:
    """Bid, and see a part filled."""
    await enter_resting(scene, instance)
    scene.fills(3)
    await instance.poll()


async def exit_market(scene: Scene, instance: Instance) -> None:
    """Sell all at the market."""
    await instance.ask(scene.exit("exit"))


async def exit_limit(scene: Scene, instance: Instance) -> None:
    """Offer a part above the market, and see it filled in parts."""
    await instance.ask(scene.exit("exit", "0.0006", "60000"))
    scene.fills(2)
    await instance.poll()
    scene.fills()
    await instance.poll()


async def cancel(scene: Scene, instance: Instance) -> None:
    """Cancel the order."""
    answer = scene.asked["entry"].answer
    if answer is not None and answer.intent is not None:
        await instance.ask(scene.cancel_of("robot", answer.intent["id"]))


async def cancel_partly_filled(scene: Scene, instance: Instance) -> None:
    """Cancel an order of which a part was filled that nobody has seen."""
    scene.fills(3)
    await cancel(scene, instance)


async def fill_after_cancel(scene: Scene, instance: Instance) -> None:
    """Cancel, and be told of a fill after it."""
    scene.fault(FaultKind.FILL_AFTER_CANCEL, path="/api/v3/order", method="DELETE")
    await cancel(scene, instance)
    await instance.poll()


def operator(name: str, move: Callable[..., Awaitable[Any]], amount: str) -> Step:
    """Return an operator's move of capital; repeated, it is the same one."""

    async def act(scene: Scene, instance: Instance) -> None:
        key = By("operator:test", name, name)
        sign = 1 if move is capital.allocate else -1

        async def do() -> Any:
            return await move(instance.ledger, scene.tenant_id, scene.profiles["first"], Decimal(amount), key)

        if name not in scene.operators:
            scene.operators.add(name)
            scene.given["first"] += sign * Decimal(amount)
        await instance.step(do)

    return act


async def halt(scene: Scene, instance: Instance) -> None:
    """Halt the profile while an order is open."""
    scene.halted.add("first")
    by = By("operator:test", "drill")

    async def do() -> Any:
        return await capital.set_mode(
            instance.ledger, scene.tenant_id, "profile", scene.profiles["first"], "halted", by=by
        )

    await instance.step(do)
    await instance.poll()


MONEY_FLOWS = (
    Flow("entry_limit", enter_limit, again=enter_limit),
    Flow("entry_market", enter_market, again=enter_market),
    Flow("entry_resting", enter_resting, again=enter_resting),
    Flow("entry_refused", enter_refused, again=enter_refused),
    Flow("partial_fills", fill_in_parts, before=enter_resting),
    Flow("bid_and_fill", bid_and_fill, again=enter_resting),
    Flow("exit_market", exit_market, before=enter_limit, again=exit_market),
    Flow("exit_limit", exit_limit, before=enter_limit, again=exit_limit),
    Flow("cancel", cancel, before=enter_resting, again=cancel),
    Flow("cancel_partly_filled", cancel_partly_filled, before=enter_resting, again=cancel),
    Flow("fill_after_cancel", fill_after_cancel, before=enter_resting, again=cancel),
)
OPERATOR_FLOWS = (
    Flow(
        "allocate", operator("more", capital.allocate, "500"), again=operator("more", capital.allocate, "500")
    ),
    Flow(
        "withdraw", operator("less", capital.withdraw, "300"), again=operator("less", capital.withdraw, "300")
    ),
    Flow("halt", halt, before=enter_resting, again=halt, money=False),
)
