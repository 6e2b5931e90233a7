"""Proves what a clock that is off means: measured again, nothing sent twice, and a wild one stops entries."""

from pathlib import Path

import pytest

from engine.api.gates import Gates
from engine.domain.errors import HoldfastError, Outcome
from engine.loops.connections import Connection, Connections
from engine.runtime.secrets import open_vault
from engine.runtime.tasks import Supervisor
from tests.flows.rig import Rig, until


@pytest.fixture
def settled(rig: Rig) -> Rig:
    """A rig whose last measurement of the exchange's clock is a while ago."""
    rig.gateway.clock.advance(5)
    rig.paper.clock.advance(5_000)
    return rig


def skew(rig: Rig, seconds: float) -> None:
    """Move the exchange's clock against ours."""
    rig.paper.clock.advance(round(seconds * 1000))


@pytest.mark.parametrize("seconds", [-3, -30, 20, 3_600])
async def test_order_refused_for_its_time_stamp(settled: Rig, seconds: float) -> None:
    """It is refused and released once, the clock is measured at once, and the next order is placed."""
    rig = settled
    skew(rig, seconds)
    refused = await rig.desk.entries.run(rig.entry(key="k"))
    assert ("REJECTED", Outcome.NOT_PLACED) == (refused.code, refused.outcome)
    assert "-1021" == refused.details["exchange_code"]
    assert "1000" == (await rig.figures())["available"]
    assert {} == rig.exchange_orders()
    offset = rig.paper.clock.offset_ms - round(rig.gateway.clock.offset_s * 1000)
    await until(lambda: abs(rig.gateway.clock_offset_ms() - offset) < 500)
    # the same key stays refused: what was decided is never sent again
    assert ("REJECTED", True) == (
        (again := await rig.desk.entries.run(rig.entry(key="k"))).code,
        again.replay,
    )
    assert "OK" == (await rig.desk.entries.run(rig.entry())).code
    assert 1 == len(rig.exchange_orders())
    await rig.check_books()


@pytest.mark.parametrize("seconds", [-0.5, 3])
async def test_small_skew_costs_nothing(settled: Rig, seconds: float) -> None:
    """Within what the exchange tolerates an order is placed; the next measurement finds the offset."""
    rig = settled
    skew(rig, seconds)
    assert "OK" == (await rig.desk.entries.run(rig.entry())).code
    before = rig.gateway.clock_offset_ms()
    assert abs(await rig.gateway.measure_clock() - before - seconds * 1000) < 400


async def test_reads_refused_for_their_time_stamp_heal_too(settled: Rig) -> None:
    """A signed read is no evidence when its time stamp is refused; the clock is measured and it works."""
    rig = settled
    skew(rig, -10)
    with pytest.raises(HoldfastError) as caught:
        await rig.gateway.open_orders("BTC/USDT")
    assert "-1021" == caught.value.details["exchange_code"]
    before = rig.gateway.clock_offset_ms()
    await until(lambda: rig.gateway.clock_offset_ms() < before - 9_000)
    assert () == await rig.gateway.open_orders("BTC/USDT")


async def test_an_unmeasurable_clock_changes_nothing(settled: Rig) -> None:
    """If the exchange does not tell its clock the last offset stands, and the refusals are still refusals."""
    rig = settled
    skew(rig, -10)
    before = rig.gateway.clock_offset_ms()
    rig.plug.when, rig.plug.what, rig.plug.times = "before time", rig.plug.lose, 100
    assert "REJECTED" == (await rig.desk.entries.run(rig.entry())).code
    await until(lambda: "before time" in rig.plug.crossings)
    assert abs(rig.gateway.clock_offset_ms() - before) < 10
    assert "REJECTED" == (await rig.desk.entries.run(rig.entry())).code
    assert {} == rig.exchange_orders()


@pytest.mark.parametrize("seconds", [-600, 600])
async def test_wild_clock_closes_the_gate_for_entries(settled: Rig, tmp_path: Path, seconds: float) -> None:
    """Minutes of difference are nobody's drift: entries wait, exits and cancels go on, it opens by itself."""
    rig = settled
    context, session = rig.desk.context, rig.session
    gates = Gates(context.clock, context.metrics)
    supervisor = Supervisor(context.metrics, context.clock)
    connections = Connections(
        context, open_vault(None, tmp_path), supervisor, gates, lambda *_: pytest.fail("nothing is connected")
    )
    known = Connection("paper", rig.tenant_id, rig.account_id, "binance", session)
    connections._known[rig.tenant_id, rig.account_id] = known
    resting = await rig.desk.entries.run(rig.entry("0.001", "40000"))
    assert "OK" == (await rig.desk.entries.run(rig.entry())).code
    skew(rig, seconds)
    await connections.refresh_clocks()
    row = next(row for row in gates.report() if row["gate"] == "clock")
    assert (False, f"the exchange's clock is {seconds:.0f} s off ours") == (row["open"], row["reason"])
    refused = await rig.desk.entries.run(rig.entry())
    assert ("NOT_READY", Outcome.NOT_PLACED, "clock") == (
        refused.code,
        refused.outcome,
        refused.details["gate"],
    )
    assert "OK" == (await rig.desk.exits.run(rig.exit())).code
    assert "done" == (await rig.desk.cancels.run(rig.cancel(resting))).details["cancel"]
    skew(rig, -seconds)
    await connections.refresh_clocks()
    assert next(row for row in gates.report() if row["gate"] == "clock")["open"]
    assert "OK" == (await rig.desk.entries.run(rig.entry())).code
    offset_s = context.metrics.registry.get_sample_value(
        "holdfast_exchange_clock_offset_seconds", {"account": "paper"}
    )
    assert offset_s is not None
    assert abs(offset_s) < 1
    await rig.check_books()
