"""fn_finish_pass: mismatches live from the pass that saw them first to the one that did not any more."""

from typing import Any
from uuid import uuid4

from tests.sql.capital.world import SYMBOL, World
from tests.sql.reconcile.passes import Passes


def seen(kind: str, key: str, outcome: str = "open", **more: Any) -> dict[str, Any]:
    """A mismatch as a pass records it."""
    return {
        "kind": kind,
        "key": key,
        "profile_id": None,
        "intent_id": None,
        "detail": {},
        "cause": None,
        "outcome": outcome,
        **more,
    }


async def listed(world: World, **chosen: Any) -> list[tuple[str, str, str, int, bool]]:
    rows = await world.call("fn_list_mismatches", world.one.id, chosen)
    return sorted(
        (row["kind"], row["key"], row["state"], row["passes"], row["ended_at"] is not None) for row in rows
    )


async def test_a_mismatch_stands_until_it_is_not_seen(world: World, passes: Passes) -> None:
    """Seen again it is counted; not seen by a complete pass it has healed, and the gauge is at zero."""
    found = [seen("balance_shortfall", "USDT"), seen("order_not_listed", "i")]
    for passed in (1, 2):
        await passes.begin()
        answer = await passes.finish("open", found)
        assert {"balance_shortfall": 1, "order_not_listed": 1} == answer["open"]
        kinds = [("balance_shortfall", "USDT"), ("order_not_listed", "i")]
        assert [(*one, "open", passed, False) for one in kinds] == await listed(world, open=True)
    await passes.begin()
    assert {"order_not_listed": 1} == (await passes.finish("open", found[1:]))["open"]
    await passes.begin()
    assert {"open": {}, "explained": {}} == await passes.finish()
    assert [] == await listed(world, open=True)
    assert [
        ("balance_shortfall", "USDT", "healed", 2, True),
        ("order_not_listed", "i", "healed", 3, True),
    ] == (await listed(world))
    told = await world.outbox("reconciliation.finished")
    assert [(2, 0), (0, 1), (0, 1)] == [(one["found"], one["ended"]) for one in told]


async def test_healed_and_explained(world: World, passes: Passes) -> None:
    """Healed has ended at once; explained stands, uncounted as open, until it is not seen any more."""
    await passes.begin()
    found = [seen("missing_fill", "t", "healed", cause="late"), seen("foreign_order", "f", "explained")]
    assert {"open": {}, "explained": {"foreign_order": 1}} == await passes.finish("healed", found)
    await passes.begin()
    await passes.finish("explained", found[1:])
    assert 1 == len(await world.outbox("reconciliation.finished"))  # the second pass is a no-op
    await passes.begin()
    await passes.finish()
    assert [("foreign_order", "f", "explained", 2, True), ("missing_fill", "t", "healed", 1, True)] == (
        await listed(world)
    )
    await passes.begin()
    await passes.finish("open", [seen("missing_fill", "t")])
    await passes.begin()
    await passes.finish("healed", [seen("missing_fill", "t", "healed")])
    states = [(row[2], row[3]) for row in await listed(world, kind="missing_fill")]
    assert [("healed", 1), ("healed", 2)] == states


async def test_what_only_happened_ends_in_its_own_pass(world: World, passes: Passes) -> None:
    """An explained foreign fill is no news when the next pass does not see it, nor when it does."""
    found = [seen("foreign_fill", "f", "explained"), seen("transfer", "deposit:D1", "explained")]
    for again in (found, [], found[1:]):
        await passes.begin()
        assert {"open": {}, "explained": {}} == await passes.finish("explained", again)
    rows = [("foreign_fill", "f", "explained", 1, True), ("transfer", "deposit:D1", "explained", 2, True)]
    assert rows == await listed(world)
    assert 1 == len(await world.outbox("reconciliation.finished"))


async def test_only_a_complete_pass_ends_what_it_did_not_see(world: World, passes: Passes) -> None:
    """A failed, partial or narrower pass, and one that skipped the intent, say nothing about it."""
    intent, second = str(uuid4()), await world.one.add_profile(world.conn, uuid4(), "second")
    found = [
        seen("order_not_listed", intent, intent_id=intent, profile_id=str(world.one.profile)),
        seen("balance_shortfall", "USDT"),
    ]
    await passes.begin()
    await passes.finish("open", found)
    await passes.begin()
    await passes.finish("failed")
    await passes.begin()
    await passes.finish(complete=False)
    await passes.begin(profile=second)
    await passes.finish()
    assert 2 == len(await listed(world, open=True))
    await passes.begin()
    assert {"order_not_listed": 1} == (await passes.finish(skipped=[intent]))["open"]
    await passes.begin(profile=world.one.profile)
    assert {} == (await passes.finish())["open"]


async def test_cursors_only_move_on(world: World, passes: Passes) -> None:
    """An older cursor changes nothing; a time without a trade keeps the last trade's id."""
    for trade, at, kept in (
        ("t5", "2026-01-02T00:00:00+00:00", "t5"),
        ("t4", "2026-01-01T00:00:00+00:00", "t5"),
        (None, "2026-01-03T00:00:00+00:00", "t5"),
        ("t6", "2026-01-04T00:00:00+00:00", "t6"),
    ):
        await passes.begin()
        await passes.finish(cursors=[{"symbol": SYMBOL, "exchange_trade_id": trade, "exchange_time": at}])
        row = await world.admin.fetchrow("SELECT exchange_trade_id, exchange_time FROM engine.trade_cursors")
        assert kept == row["exchange_trade_id"]
    assert 4 == row["exchange_time"].day


async def test_a_pass_ends_once(world: World, passes: Passes) -> None:
    """The same call again answers and changes nothing; a dry run records itself alone."""
    await passes.begin()
    found = [seen("balance_surplus", "USDT")]
    first = await passes.finish("open", found)
    assert first == await world.leaves_nothing(lambda: passes.finish("open", found))
    await passes.begin(dry_run=True)
    await passes.finish("open", [seen("foreign_order", "x")], cursors=[])
    assert [("balance_surplus", "USDT", "open", 1, False)] == await listed(world)
    rows = await world.call("fn_list_passes", world.one.id, {"account_id": str(world.one.account)})
    assert [("open", True), ("open", False)] == [(row["outcome"], row["dry_run"]) for row in rows]


async def test_refusals_leave_nothing(world: World, passes: Passes) -> None:
    """No such pass, outcome or lease: nothing is recorded."""
    await passes.begin()
    one = world.one

    async def all_refused() -> None:
        for sqlstate, pass_id, token, outcome, found in (
            ("HF404", 1, passes.token, "clean", []),
            ("HF410", passes.pass_id, passes.token + 1, "clean", []),
            ("HF410", passes.pass_id, None, "clean", []),
            ("HF422", passes.pass_id, passes.token, "good", []),
            ("HF422", passes.pass_id, passes.token, "open", [seen("balance_surplus", "USDT", "gone")]),
            ("23514", passes.pass_id, passes.token, "open", [seen("Not A Kind", "USDT")]),
        ):
            args = (pass_id, token, outcome, {}, found, [], None)
            await world.refused(sqlstate, "fn_finish_pass", one.id, *args)
        await world.refused(
            "HF404", "fn_finish_pass", world.other.id, passes.pass_id, None, "clean", {}, [], [], None
        )
        await world.refused_to_foreign_claim(
            "fn_finish_pass", passes.pass_id, passes.token, "clean", {}, [], [], None
        )

    await world.leaves_nothing(all_refused)
