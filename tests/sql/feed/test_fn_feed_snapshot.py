"""fn_feed_snapshot: a state, and exactly the seq that it is of."""

import asyncio
from decimal import Decimal
from uuid import uuid4

from tests.sql.capital.trading import confirmed, fill_item, one, sending
from tests.sql.capital.world import OPERATOR, World, call


async def test_state_and_its_seq(world: World) -> None:
    """Profiles, capital, positions and open orders, of a seq up to which everything is numbered."""
    await world.allocate("1000")
    intent = await confirmed(world, label="mine")
    await one(world, "fn_apply_fill", fill_item(world.one, "e1", "t1"))
    view = await world.call("fn_feed_snapshot", world.one.id, None)
    waiting = await world.conn.fetch(
        "SELECT * FROM engine.fn_due_feeds('{}') WHERE tenant_id = $1", world.one.id
    )
    page = await world.call("fn_read_feed", world.one.id, 0, 1_000, None)
    assert (1, page["last_seq"], []) == (view["epoch"], view["seq"], waiting)
    assert [str(world.one.profile)] == [each["profile_id"] for each in view["profiles"]]
    assert await world.capital() == view["capital"][0]
    assert ["0.003996"] == [each["quantity"] for each in view["positions"]]
    assert [(str(intent), "mine")] == [(each["id"], each["label"]) for each in view["orders"]]
    assert not {"fencing_token", "owner"} & set(view["orders"][0])


async def test_finished_orders_are_left_out(world: World) -> None:
    """An order that has ended is no part of it, one that is being sent is."""
    await world.allocate("1000")
    intent = await confirmed(world)
    await one(
        world, "fn_finish_order", {"intent_id": str(intent), "status": "canceled", "filled_quantity": "0"}
    )
    newer = await sending(world, "e2")
    view = await world.call("fn_feed_snapshot", world.one.id, None)
    assert [str(newer)] == [each["id"] for each in view["orders"]]


async def test_profiles_can_be_chosen(world: World) -> None:
    """With profiles named the state is of them alone; the seq is the tenant's."""
    second = await world.one.add_profile(world.conn, uuid4(), "second")
    await world.allocate("1000")
    await confirmed(world)
    view = await world.call("fn_feed_snapshot", world.one.id, (second,))
    assert ([str(second)], [str(second)], [], []) == (
        [each["profile_id"] for each in view["profiles"]],
        [each["profile_id"] for each in view["capital"]],
        view["positions"], view["orders"],
    )  # fmt: skip


async def test_figures_and_seq_agree_under_writers(world: World) -> None:
    """While others write, each snapshot's capital is the sum of exactly the events up to its seq."""
    tenant, snapshots = world.one, []
    done = False

    async def write() -> None:
        conn = await world.database.connect()
        for _ in range(60):
            await call(conn, "fn_allocate", tenant.id, tenant.profile, Decimal(1), uuid4().hex, OPERATOR, "w")

    async def look() -> None:
        conn = await world.database.connect()
        while not done:
            view = await call(conn, "fn_feed_snapshot", tenant.id, None)
            snapshots.append((view["seq"], Decimal(view["capital"][0]["allocated"])))

    looking = [asyncio.create_task(look()) for _ in range(2)]
    await asyncio.gather(*(write() for _ in range(4)))
    done = True
    await asyncio.gather(*looking)
    assert 5 < len(snapshots)
    rows = await world.admin.fetch(
        "SELECT seq, type FROM engine.outbox WHERE tenant_id = $1 AND seq IS NOT NULL ORDER BY seq", tenant.id
    )
    for seq, allocated in snapshots:
        told = sum(1 for row in rows if row["type"] == "capital.allocated" and row["seq"] <= seq)
        assert told == allocated


async def test_unknown_and_foreign_tenants_are_refused(world: World) -> None:
    """A tenant that is not there has no snapshot, and claims of another get none."""
    await world.leaves_nothing(lambda: world.refused("HF404", "fn_feed_snapshot", uuid4(), None))
    await world.refused_to_foreign_claim("fn_feed_snapshot", None)
