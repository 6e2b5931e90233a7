"""Proves that what moves an account beside its profiles is explained or shown, and never a profile's."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.domain.ids import client_order_id
from engine.domain.outcomes import OrderReport
from engine.flows.desk import open_desk
from engine.ledger import capital, reads, reconciliation_requests
from engine.ledger.capital import By
from tests.flows.rig import TAG
from tests.paper.clients import KEY
from tests.reconciliation.stage import Stage, new_key, open_stage


def kinds(report: Any, outcome: str) -> list[str]:
    return sorted(each.mismatch.kind for each in report.found if each.outcome == outcome)


async def test_a_foreign_order_is_shown_and_never_adopted(stage: Stage) -> None:
    """An order that a person placed is explained, reserves nothing, and becomes no intent."""
    before = await stage.rig.figures()
    await stage.foreign("buy", "0.01", "30000")
    report = await stage.run()
    assert ("explained", ["foreign_order"]) == (report.outcome, kinds(report, "explained"))
    assert report.settled
    assert (before, []) == (await stage.rig.figures(), await stage.rig.intents())
    await stage.converge()
    assert "active" == await stage.account_mode()


@pytest.mark.parametrize("part", ["0.004", "0.01"], ids=["part", "whole"])
async def test_foreign_trades_move_the_unassigned_holding_once(stage: Stage, part: str) -> None:
    """A stranger's trades are booked on what is unassigned, once, however its order ends."""
    await stage.place()
    before = await stage.unassigned()
    order = await stage.foreign("buy", "0.01", "40000")
    await stage.run()
    stage.fill({"exchange_order_id": order["id"]}, part)
    report = await stage.run()
    assert ["foreign_fill"] == [kind for kind in kinds(report, "explained") if kind == "foreign_fill"]
    if part != "0.01":
        stage.cancel({"exchange_order_id": order["id"]})
    bought = Decimal(part)
    await stage.converge()
    after = await stage.unassigned()
    assert -bought * 40_000 == after["USDT"] - before["USDT"]
    assert bought * Decimal("0.999") == after["BTC"] - before["BTC"]
    await stage.check_equations()


async def test_a_symbol_that_only_a_stranger_traded(stage: Stage) -> None:
    """Trades on a symbol that no profile ever used are found by the two assets that differ."""
    stage.rig.paper.outside.pin("ETHBTC", 5_000_000, 5_001_000, 100 * 10**8)
    matching = stage.rig.paper.matching
    assert (
        stage.rig.paper.rest.by_owner(
            "POST",
            "/api/v3/order",
            KEY,
            {"symbol": "ETHBTC", "side": "SELL", "type": "MARKET", "quantity": "2"},
        ).status
        == 200
    )
    assert matching.accounts[KEY].executions["ETHBTC"]
    report = await stage.run()
    assert (["foreign_fill"], []) == (kinds(report, "explained"), kinds(report, "open"))
    assert ("clean", {}) == ((last := await stage.converge()).outcome, last.open)
    assert "active" == await stage.account_mode()
    await stage.check_equations()


async def test_a_foreign_sell_of_what_a_profile_holds(stage: Stage) -> None:
    """When a stranger sells what profiles hold, the account reduces and those profiles halt."""
    await stage.place("0.01", "50100")
    await stage.run()
    await stage.foreign("sell", "2.005")
    report = await stage.run()
    assert "holdings_shortfall" in kinds(report, "open")
    assert "reducing" == await stage.account_mode()
    assert "halted" == (await stage.rig.figures())["mode"]
    refused = await stage.desk.entries.run(stage.rig.entry("0.001", "40000"))
    assert refused.code in {"MODE_HALTED", "MODE_REDUCING"}
    await stage.converge()
    assert {"holdings_shortfall": 1} == stage.reports[-1].open
    await stage.check_equations()


async def test_deposits_and_withdrawals(stage: Stage) -> None:
    """Money that comes or goes is explained once, and changes no profile."""
    before, figures = await stage.unassigned(), await stage.rig.figures()
    stage.deposit("USDT", "125.5")
    stage.deposit("BTC", "-0.25")
    stage.deposit("DOGE", "1000")
    stage.rig.paper.clock.advance(2_000)  # a withdrawal's time is told in seconds
    await stage.rig.gateway.measure_clock()
    report = await stage.run()
    assert (["transfer"] * 3, []) == (kinds(report, "explained"), kinds(report, "open"))
    assert report.settled
    after = await stage.unassigned()
    assert Decimal("125.5") == after["USDT"] - before["USDT"]
    assert Decimal("-0.25") == after["BTC"] - before["BTC"]
    assert Decimal(1000) == after["DOGE"]
    assert figures == await stage.rig.figures()
    assert "clean" == (await stage.converge()).outcome
    await stage.check_equations()


async def test_a_shortfall_that_nothing_explains(stage: Stage) -> None:
    """Money that is gone without a trace stops entries until it is back, and the mode lifts by itself."""
    matching = stage.rig.paper.matching
    matching.deposit(matching.accounts[KEY], "USDT", -7 * 10**8)
    report = await stage.run()
    assert ({"balance_shortfall": 1}, "reducing") == (report.open, await stage.account_mode())
    assert not report.settled
    assert "balance_shortfall" in report.why
    refused = await stage.desk.entries.run(stage.rig.entry("0.001", "40000"))
    assert "MODE_REDUCING" == refused.code
    matching.deposit(matching.accounts[KEY], "USDT", 7 * 10**8)
    report = await stage.run()
    assert ({}, "active") == (report.open, await stage.account_mode())
    assert "OK" == (await stage.desk.entries.run(stage.rig.entry("0.001", "40000"))).code


async def test_a_mode_that_an_operator_set_stays(stage: Stage) -> None:
    """A clean pass lifts only what a pass has set."""
    by = By("operator:ann", "maintenance", new_key())
    await capital.set_mode(
        stage.rig.observer, stage.rig.tenant_id, "account", stage.rig.account_id, "reducing", by=by
    )
    assert "clean" == (await stage.run()).outcome
    assert "reducing" == await stage.account_mode()


async def test_an_order_with_our_tag_that_nobody_knows(stage: Stage) -> None:
    """An order with our tag and no intent stops entries until somebody says whose it is."""
    rig = stage.rig
    own = client_order_id(TAG, rig.tenant_id, rig.profile_id, new_key())
    order = await stage.foreign("buy", "0.002", "40000", client_order_id=own)
    report = await stage.run()
    assert ({"unknown_own_order": 1}, "reducing") == (report.open, await stage.account_mode())
    assert [] == await rig.intents()
    by = By("operator:ann", "a database restored from yesterday", new_key())
    result = await reconciliation_requests.assign_order(
        rig.observer, rig.tenant_id, rig.account_id, await stage.report(order["id"]), rig.profile_id, by=by
    )
    assert "OK" == result["code"]
    (view,) = await rig.intents()
    assert ("confirmed", "open", own) == (view["state"], view["order"]["status"], view["client_order_id"])
    stage.fill(view)
    report = await stage.converge()
    assert ({}, "active") == (report.open, await stage.account_mode())
    assert "filled" == (await rig.only_intent())["order"]["status"]
    await stage.check_equations()


@pytest.mark.parametrize("ended", ["canceled in part", "expired", "filled"])
async def test_an_ended_order_with_our_tag_that_nobody_knows(stage: Stage, ended: str) -> None:
    """It stops entries however it ended; assigned, it is its profile's with that end and what it filled."""
    rig = stage.rig
    await stage.place()
    own = client_order_id(TAG, rig.tenant_id, rig.profile_id, new_key())
    price = None if ended == "filled" else "40000"
    immediate = {"timeInForce": "IOC"} if ended == "expired" else {}
    order = await stage.foreign("buy", "0.002", price, client_order_id=own, **immediate)
    if ended == "canceled in part":
        stage.fill({"exchange_order_id": order["id"]}, "0.0005")
    if price and not immediate:
        stage.cancel({"exchange_order_id": order["id"]})
    report = await stage.run()
    assert ({"unknown_own_order": 1}, "reducing") == (report.open, await stage.account_mode())
    by = By("operator:ann", "of an older database", new_key())
    told = await stage.report(order["id"])
    result = await reconciliation_requests.assign_order(
        rig.observer, rig.tenant_id, rig.account_id, told, rig.profile_id, by=by
    )
    assert "OK" == result["code"]
    final = await stage.converge()
    assert ({}, "active") == (final.open, await stage.account_mode())
    (view,) = [each for each in await rig.intents() if each["client_order_id"] == own]
    assert view["order"] is not None
    filled = {"canceled in part": "0.0005", "filled": "0.002"}.get(ended, "0")
    assert (ended.split(maxsplit=1)[0], filled) == (view["order"]["status"], view["order"]["booked_quantity"])
    await stage.check_equations()


async def test_a_strangers_order_without_a_quantity(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open order that is told with a quantity of zero, or none, is shown and stops nothing."""
    order = await stage.foreign("buy", "0.01", "30000")
    whole = await stage.report(order["id"])
    for quantity, shown in ((Decimal(0), "0"), (None, None)):
        told = replace(whole, quantity=quantity, filled_quantity=quantity)

        async def listed(told: OrderReport = told) -> tuple[OrderReport, ...]:
            return (told,)

        monkeypatch.setattr(stage.rig.gateway, "open_orders", listed)
        report = await stage.run()
        assert ("explained", ["foreign_order"]) == (report.outcome, kinds(report, "explained"))
        assert shown == report.found[0].mismatch.detail["quantity"]
    assert "active" == await stage.account_mode()


async def test_an_unknown_order_that_is_nobodys(stage: Stage) -> None:
    """Given to nobody, its trades stay on what is unassigned, and the account takes entries again."""
    rig = stage.rig
    own = client_order_id(TAG, rig.tenant_id, rig.profile_id, new_key())
    order = await stage.foreign("buy", "0.002", client_order_id=own)
    await stage.run()
    by = By("operator:ann", "a test of an older installation", new_key())
    result = await reconciliation_requests.assign_order(
        rig.observer, rig.tenant_id, rig.account_id, await stage.report(order["id"]), None, by=by
    )
    assert "OK" == result["code"]
    report = await stage.converge()
    assert ({}, "active") == (report.open, await stage.account_mode())
    await stage.check_equations()


async def test_fees_in_a_third_asset(stage: Stage) -> None:
    """A fee paid in a third asset is taken from what is unassigned of it, and the account adds up."""
    rig = stage.rig
    stage.deposit("BNB", "5")
    await stage.run()
    rig.paper.matching.accounts[KEY].fee_asset = "BNB"
    view = await stage.view(await stage.place("0.01"))
    stage.fill(view)
    await stage.run()
    report = await stage.converge()
    assert ("clean", "compared") == (report.outcome, report.equations)
    assert (await stage.unassigned())["BNB"] < Decimal(5)
    await stage.check_equations()


async def test_a_fee_that_another_profile_holds(stage: Stage) -> None:
    """A fee in an asset that is another profile's position leaves that whole; the shortfall is shown."""
    rig = stage.rig
    rig.paper.outside.pin("BNBUSDT", 599 * 10**8, 600 * 10**8, 5 * 10**8)
    second = await rig.fresh("second")
    desk = open_desk(replace(rig.desk.context, owner=stage.desk.context.owner))
    await rig.gateway.measure_clock()
    pair = await open_stage(rig, desk=desk)
    await pair.place("0.5", "600", profile="second", symbol="BNB/USDT")
    held = await reads.list_positions(rig.observer, rig.tenant_id, second)
    assert "clean" == (await pair.converge()).outcome
    rig.paper.matching.accounts[KEY].fee_asset = "BNB"
    await pair.place("0.01", "50100")
    report = await pair.run()
    assert ({"holdings_shortfall": 1}, "reducing") == (report.open, await pair.account_mode())
    assert Decimal(0) > (await pair.unassigned())["BNB"]
    assert held == await reads.list_positions(rig.observer, rig.tenant_id, second)
    assert "active" == (await rig.figures(second))["mode"]
    await pair.check_equations()
    pair.deposit("BNB", "1")
    rig.paper.clock.advance(2_000)
    await rig.gateway.measure_clock()
    assert ({}, "active") == ((await pair.converge()).open, await pair.account_mode())
    await pair.check_equations()
