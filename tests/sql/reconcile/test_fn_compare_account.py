"""fn_compare_account: what moved the account beside its profiles, the equations, the shortfall rule."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from tests.sql.capital.trading import confirmed, fill_item, in_doubt, one, sending
from tests.sql.capital.world import OPERATOR, SYMBOL, World
from tests.sql.lifecycle.acts import fill, finish, held, mode
from tests.sql.reconcile.passes import BALANCES, Passes, found, kinds, trade


def order(exchange_order_id: str, client_order_id: str | None, **changes: Any) -> dict[str, Any]:
    """An order that no intent explains."""
    return {
        "symbol": SYMBOL,
        "exchange_order_id": exchange_order_id,
        "client_order_id": client_order_id,
        "status": "open",
        "side": "buy",
        "quantity": "0.01",
        "filled_quantity": "0",
        "price": "50000",
        **changes,
    }


async def account_mode(world: World) -> tuple[str, str | None]:
    row = await world.admin.fetchrow(
        "SELECT mode, mode_reason FROM engine.exchange_accounts WHERE account_id = $1", world.one.account
    )
    return row["mode"], row["mode_reason"]


async def test_equal_balances_leave_nothing(world: World, passes: Passes) -> None:
    """The account's equations hold: no difference, and nothing is written."""
    await passes.begin()
    answer = await world.leaves_nothing(passes.account)
    assert {
        "mismatches": [],
        "explained": [],
        "equations": "compared",
        "mode": {"before": "active", "after": "active"},
        "halted": [],
        "postponed": 0,
    } == answer


async def test_a_foreign_fill_is_explained_once(world: World, passes: Passes) -> None:
    """Base, quote and fee asset move on the unassigned holding; the same trade again moves nothing."""
    await passes.begin()
    shown = {
        "foreign_fills": [
            trade("f1", "t1", client_order_id="web_1", fee_asset="BNB", fee_quantity="0.001"),
            trade("f2", "t1", client_order_id="web_2", side="sell", fee_asset="USDT", fee_quantity="0.2"),
            trade("f0", "t0", exchange_time="2020-01-01T00:00:00+00:00"),  # in the baseline
        ],
        "balances": {"USDT": "9999.8", "BTC": "1", "BNB": "-0.001"},
    }
    dry = await world.leaves_nothing(lambda: passes.account(dry_run=True, **shown))
    answer = await passes.account(**shown)
    keys = [("foreign_fill", f"{SYMBOL}:f1:t1"), ("foreign_fill", f"{SYMBOL}:f2:t1")]
    assert keys == kinds(answer, "explained") == kinds(dry, "explained")
    assert [("holdings_shortfall", "BNB")] == kinds(answer) == kinds(dry)
    assert ("8999.8", "1", "-0.001") == tuple([await world.unassigned(of) for of in ("USDT", "BTC", "BNB")])
    assert 5 == len(await world.outbox("unassigned.changed"))
    again = await world.leaves_nothing(lambda: passes.account(**shown))
    assert [] == again["explained"]
    sums = await world.admin.fetch(
        "SELECT asset, sum(delta) = (array_agg(balance ORDER BY event_id DESC))[1] AS equal"
        " FROM engine.unassigned_events GROUP BY tenant_id, asset"
    )
    assert all(row["equal"] for row in sums)


async def test_transfers_are_explained_once(world: World, passes: Passes) -> None:
    """A deposit brings its quantity, a withdrawal takes its fee too; older ones are in the baseline."""
    await passes.begin()
    at = "2099-01-01T00:00:00+00:00"
    transfers = [
        {"id": "D1", "kind": "deposit", "asset": "USDT", "quantity": "50", "fee": "1", "at": at},
        {"id": "D1", "kind": "withdrawal", "asset": "BTC", "quantity": "0.1", "fee": "0.01", "at": at},
        {
            "id": "D0",
            "kind": "deposit",
            "asset": "USDT",
            "quantity": "7",
            "fee": "0",
            "at": "2020-01-01T00:00Z",
        },
    ]
    shown = {"transfers": transfers, "balances": {"USDT": "10050", "BTC": "0.89"}}
    answer = await passes.account(**shown)
    assert [("transfer", "deposit:D1"), ("transfer", "withdrawal:D1")] == kinds(answer, "explained")
    assert ([], "compared") == (answer["mismatches"], answer["equations"])
    assert ("9050", "0.89") == (await world.unassigned(), await world.unassigned("BTC"))
    again = await world.leaves_nothing(lambda: passes.account(**shown))
    assert [] == again["explained"]
    await world.refused(
        "HF422",
        "fn_compare_account",
        world.one.id,
        world.one.account,
        passes.token,
        False,
        {"began_at": passes.began_at, "transfers": [{**transfers[0], "kind": "gift"}]},
    )


async def test_a_shortfall_reduces_the_account_until_it_is_gone(world: World, passes: Passes) -> None:
    """Less at the exchange than the ledger says: no entries, until a later comparison is clean."""
    await passes.begin()
    dry = await world.leaves_nothing(
        lambda: passes.account(dry_run=True, balances={**BALANCES, "USDT": "9990"})
    )
    assert {"before": "active", "after": "reducing"} == dry["mode"]
    answer = await passes.account(balances={**BALANCES, "USDT": "9990"})
    assert [("balance_shortfall", "USDT")] == kinds(answer)
    assert "-10" == answer["mismatches"][0]["detail"]["difference"]
    assert ("reducing", "reconciliation: balance_shortfall USDT") == await account_mode(world)
    assert 1 == len(await world.outbox("account.reducing"))
    unsure = await passes.account(cursors_same=False)
    assert ({"before": "reducing", "after": "reducing"}, "cursor_moved") == (
        unsure["mode"],
        unsure["equations"],
    )
    clean = await passes.account()
    assert {"before": "reducing", "after": "active"} == clean["mode"]
    assert ("active", None) == await account_mode(world)
    more = await passes.account(balances={**BALANCES, "USDT": "10001", "ETH": "2"})
    assert [("balance_surplus", "ETH"), ("balance_surplus", "USDT")] == kinds(more)
    assert "active" == more["mode"]["after"]


async def test_an_operators_mode_is_not_lifted(world: World, passes: Passes) -> None:
    """What somebody else set stays, however clean a pass is."""
    args = ("account", world.one.account, "reducing", OPERATOR, "holiday")
    await world.call("fn_set_mode", world.one.id, *args)
    await passes.begin()
    assert {"before": "reducing", "after": "reducing"} == (await passes.account())["mode"]


async def test_a_missing_currency_is_not_zero(passes: Passes) -> None:
    """What the balances do not name differs from nothing, and lifts nothing."""
    await passes.begin()
    await passes.account(balances={**BALANCES, "BTC": "0.5"})
    answer = await passes.account(balances={"USDT": "10000"})
    assert ([], "partly", "reducing") == (answer["mismatches"], answer["equations"], answer["mode"]["after"])
    assert "no_balances" == (await passes.account(balances=None))["equations"]


async def test_the_assets_of_an_inferred_fill_prove_nothing(world: World, passes: Passes) -> None:
    """Until its trades come, with their fee, an inferred fill's assets are not compared; then they are."""
    await confirmed(world)
    guess = {"inferred": True, "price": "50000", "fee_quantity": None, "fee_asset": None}
    await fill(world, "e1", "inferred:0.01", **guess)
    shown = {"balances": {"USDT": "9499.5", "BTC": "1.01", "ETH": "1"}}
    await passes.begin()
    answer = await passes.account(**shown)
    assert ("partly", [("balance_surplus", "ETH")]) == (answer["equations"], kinds(answer))
    assert "active" == (await account_mode(world))[0]
    fee = {"fee_quantity": "0.5", "fee_asset": "USDT"}
    await fill(world, "e1", "t1", price="50000", quantity="0.01", **fee)
    await passes.begin()
    answer = await passes.account(**shown)
    assert ("compared", [("balance_surplus", "ETH")]) == (answer["equations"], kinds(answer))


async def test_balances_prove_only_at_rest(world: World, passes: Passes) -> None:
    """Unresolved intents, fills since the pass began and missing fills forbid the comparison."""
    wrong = {"USDT": "1", "BTC": "0"}
    await passes.begin()
    await in_doubt(world)
    answer = await passes.account(balances=wrong)
    assert ([], "unresolved_intents") == (answer["mismatches"], answer["equations"])
    token = await world.admin.fetchval("SELECT fencing_token FROM engine.intents")
    intent = await world.admin.fetchval("SELECT intent_id FROM engine.intents")
    await one(world, "fn_not_placed", {"intent_id": str(intent), "fencing_token": token, "reason": "absent"})
    second = await confirmed(world, "e2")
    await passes.begin()
    assert "compared" == (await passes.account())["equations"]
    await fill(world, "e2", "t1")
    assert "touched" == (await passes.account(balances=wrong))["equations"]
    await passes.begin()
    await finish(world, second, "canceled", filled_quantity="0.006")
    assert "fills_missing" == (await passes.account(balances=wrong))["equations"]


async def test_less_than_a_unit_of_the_last_place_is_equal(world: World, passes: Passes) -> None:
    """Balances are rounded by the exchange, and the ledger keeps 18 decimals: that is no difference."""
    args = ("BTC", Decimal("0.000000000001"), "adjustment", "k", OPERATOR, "fee's last digits")
    await world.call("fn_adjust_unassigned", world.one.id, world.one.account, *args)
    await passes.begin()
    assert [] == (await passes.account())["mismatches"]
    more = await passes.account(balances={**BALANCES, "BTC": "1.00000001"})
    assert [] == more["mismatches"]
    more = await passes.account(balances={**BALANCES, "BTC": "1.00000002"})
    assert [("balance_surplus", "BTC")] == kinds(more)


async def test_a_foreign_sell_of_what_profiles_hold_halts_them(world: World, passes: Passes) -> None:
    """When a foreign order sold more than nobody's, holders halt, the account takes no entries."""
    await held(world, "0.01")
    bystander = await world.one.add_profile(world.conn, uuid4(), "second")
    await passes.begin()
    sell = [trade("f1", "t1", client_order_id="web", side="sell", quantity="1.005", price="50000")]
    shown = {"foreign_fills": sell, "balances": {"USDT": "59750", "BTC": "0.005"}}
    dry = await world.leaves_nothing(lambda: passes.account(dry_run=True, **shown))
    answer = await passes.account(**shown)
    assert [str(world.one.profile)] == answer["halted"] == dry["halted"]
    assert [("holdings_shortfall", "BTC")] == kinds(answer) == kinds(dry)
    assert ("compared", "reducing") == (answer["equations"], answer["mode"]["after"])
    assert ("halted", "foreign sell of BTC") == await mode(world)
    shown_mode = await world.call("fn_get_capital", world.one.id, bystander)
    assert "active" == shown_mode["mode"]
    again = await world.leaves_nothing(lambda: passes.account(**shown))
    assert ([], [("holdings_shortfall", "BTC")]) == (again["halted"], kinds(again))


async def test_a_foreign_sell_of_nobodys_halts_nobody(world: World, passes: Passes) -> None:
    """What no profile holds may be sold by others: explained, nothing more."""
    await held(world, "0.01")
    await passes.begin()
    sell = [trade("f1", "t1", client_order_id="web", side="sell", quantity="0.5", price="50000")]
    answer = await passes.account(foreign_fills=sell, balances={"USDT": "34500", "BTC": "0.51"})
    assert ([], [], "active") == (answer["mismatches"], answer["halted"], answer["mode"]["after"])


async def test_our_tag_without_an_intent_closes_the_account_until_assigned(
    world: World, passes: Passes
) -> None:
    """unknown_own_order stands although it is not shown any more; only an assignment ends it."""
    await passes.begin()
    own = [order("u1", "habcxxxxxxxxxxxxxx")]
    answer = await passes.account(own_orders=own)
    assert [("unknown_own_order", f"{SYMBOL}:u1")] == kinds(answer)
    assert "reducing" == answer["mode"]["after"]
    await passes.finish("open", found(answer))
    await passes.begin()
    unseen = await passes.account()
    assert [("unknown_own_order", f"{SYMBOL}:u1")] == kinds(unseen)
    assert "habcxxxxxxxxxxxxxx" == unseen["mismatches"][0]["detail"]["client_order_id"]
    await passes.finish("open", found(unseen))
    args = (SYMBOL, "u1", None, own[0], "key", OPERATOR, "not ours")
    await world.call("fn_assign_order", world.one.id, world.one.account, *args)
    await passes.begin()
    clean = await passes.account(own_orders=own)
    assert ([], "active") == (clean["mismatches"], clean["mode"]["after"])


async def test_foreign_orders_are_shown_while_open(world: World, passes: Passes) -> None:
    """Foreign orders are never adopted, never a reason to close anything; ours are never foreign."""
    await confirmed(world)
    await passes.begin()
    foreign = [
        order("f1", "web"),
        order("f2", None),
        order("f3", "web3", status="canceled"),
        order("e1", None),
    ]
    answer = await passes.account(foreign_orders=foreign)
    shown = [("foreign_order", f"{SYMBOL}:f1"), ("foreign_order", f"{SYMBOL}:f2")]
    assert (shown, []) == (kinds(answer, "explained"), answer["mismatches"])
    assert "active" == answer["mode"]["after"]


async def test_a_trade_that_may_be_ours_is_postponed(world: World, passes: Passes) -> None:
    """No client order id known while an intent of that side is unresolved: nothing is booked yet."""
    await in_doubt(world)
    await passes.begin()
    fills = [trade("x1", "t1"), trade("x2", "t1", side="sell"), trade("x3", "t1", client_order_id="web")]
    answer = await passes.account(foreign_fills=fills)
    assert 1 == answer["postponed"]
    assert [("unattributed_fill", f"{SYMBOL}:x1:t1")] == kinds(answer)
    booked = [("foreign_fill", f"{SYMBOL}:x2:t1"), ("foreign_fill", f"{SYMBOL}:x3:t1")]
    assert booked == kinds(answer, "explained")


async def test_a_foreign_fill_that_turns_out_to_be_ours_is_given_back(world: World, passes: Passes) -> None:
    """Booked as nobody's, then its order is confirmed as ours: the unassigned holding is as before."""
    before = (await world.unassigned(), await world.unassigned("BTC"))
    await passes.begin()
    fills = [trade("e1", "t1"), trade("z1", "t1", client_order_id="web")]
    await passes.account(foreign_fills=fills, balances=None)
    intent = await sending(world)
    told = {"intent_id": str(intent), "exchange_order_id": "e1", "status": "open"}
    bought = fill_item(world.one, "e1", "t1", fee_quantity="0", fee_asset=None)
    await one(world, "fn_persist_entry_lifecycle", {**told, "fills": [bought]})
    await passes.begin()
    shown = {"foreign_fills": fills, "balances": {"USDT": "9600.08", "BTC": "1.008"}}
    answer = await passes.account(**shown)
    assert [("foreign_fill_returned", f"{SYMBOL}:e1:t1")] == kinds(answer, "explained")
    assert ([], "compared") == (answer["mismatches"], answer["equations"])
    other = ("8800.04", "1.004")  # the other foreign fill stays
    assert other == (await world.unassigned(), await world.unassigned("BTC"))
    assert before == ("9000", "1")
    again = await world.leaves_nothing(lambda: passes.account(**shown))
    assert [] == again["explained"]


async def test_a_parked_foreign_fill_waits_no_more(world: World, passes: Passes) -> None:
    """A stream's report of a foreign order is parked; the pass books it as foreign and clears it."""
    await fill(world, "f1", "t1")
    await passes.begin()
    await passes.account(foreign_fills=[trade("f1", "t1", client_order_id="web")])
    assert 0 == await world.admin.fetchval("SELECT count(*) FROM engine.unmatched_fills")


async def test_refusals(world: World, passes: Passes) -> None:
    """Only the holder of the lease books; a dry run needs none; accounts are the tenant's own."""
    own = world.one
    await passes.begin()
    part = {"began_at": passes.began_at, "cursors_same": True, "balances": BALANCES}
    await world.call("fn_compare_account", own.id, own.account, None, True, part)
    await world.refused("HF410", "fn_compare_account", own.id, own.account, None, False, part)
    await world.refused("HF410", "fn_compare_account", own.id, own.account, passes.token + 1, True, part)
    await world.refused("HF404", "fn_compare_account", own.id, world.other.account, None, True, part)
    await world.refused("HF422", "fn_compare_account", own.id, own.account, passes.token, False, {})
    await world.refused_to_foreign_claim("fn_compare_account", own.account, passes.token, False, part)
    await world.database.advance_clock(601)
    await world.refused("HF410", "fn_compare_account", own.id, own.account, passes.token, False, part)
