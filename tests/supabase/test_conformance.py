"""One suite that every transport passes: the same calls give the same answers, types and errors."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger import admin, entries, feed, fills, intents, leases, orders, reads, watch, work
from engine.ledger.intents import Denied, Ending, Opened, Replayed
from engine.ledger.reading import TenantReads
from engine.ledger.seam import Ledger
from engine.ledger.translation import effect_unknown
from tests.supabase.scene import ACTOR, SYMBOL, Scene, numbers


@pytest.fixture
async def scene(ledger: Ledger) -> Scene:
    return await Scene(ledger).build()


async def test_the_worked_example(scene: Scene) -> None:
    """Allocate, buy, cancel, sell: the ledger's figures are the documented ones, to the last place."""
    bought = await scene.bought()
    assert (Decimal("500.5"), Decimal("499.5")) == (bought.reserved, bought.available)
    held = await reads.get_capital(scene.ledger, scene.tenant, scene.profile)
    assert ("800.04", "199.76004") == (
        plain(held["available"]),
        plain(held["reserved_for_positions"]),
    )
    sold = await scene.sold()
    assert Decimal("0.0039") == sold.quantity
    end = await reads.get_capital(scene.ledger, scene.tenant, scene.profile)
    assert "998.7411" == plain(end["available"])
    rebuilt = await reads.rebuild_capital(scene.ledger, scene.tenant, scene.profile)
    assert rebuilt["equal"]
    (equation,) = [
        row
        for row in await reads.account_equations(scene.ledger, scene.tenant, scene.account)
        if row["asset"] == "USDT"
    ]
    assert "9998.7411" == plain(equation["expected_exchange_balance"])


async def test_amounts_keep_every_digit(scene: Scene) -> None:
    """20 + 18 digits cross both ways unchanged; one more is refused here, because Postgres would round it."""
    amount = Decimal("3000.123456789012345678")
    await scene.allocate(str(amount), "exact")
    view = await reads.get_capital(scene.ledger, scene.tenant, scene.profile)
    assert 1000 + amount == Decimal(view["allocated"])
    with pytest.raises(HoldfastError) as caught:
        await scene.allocate("0.0000000000000000001", "beyond")
    assert ErrorCode.INVALID_NUMBER is caught.value.code


async def test_no_float_arrives(scene: Scene) -> None:
    """Nothing that a read gives is a float: amounts are text, counts are integers."""
    await scene.bought()
    ledger, tenant = scene.ledger, scene.tenant
    told = [
        await reads.get_capital(ledger, tenant, None),
        await reads.list_orders(ledger, tenant, {}),
        await reads.list_fills(ledger, tenant, {}),
        await reads.list_positions(ledger, tenant, scene.profile),
        await reads.list_instruments(ledger, tenant, scene.account),
        await feed.snapshot(ledger, tenant),
    ]
    assert all(told)
    assert [] == [each for each in numbers(told) if isinstance(each, float)]


async def test_values_have_their_types(scene: Scene) -> None:
    """UUIDs, moments, bytes, integers, truths, arrays, tables and nothing arrive as what they are."""
    ledger, tenant = scene.ledger, scene.tenant
    now = await ledger.call("fn_clock")
    assert isinstance(now, datetime)
    assert now.tzinfo is not None
    (found,) = await ledger.rows("fn_find_key", scene.key_hash)
    assert {"tenant_id": tenant, "key_id": scene.key} == found
    assert b"\x00sealed\xff" == await admin.account_credentials(ledger, tenant, scene.account)
    assert await ledger.call("fn_prove_writable") is True
    new = admin.NewKey(uuid4(), b"\x01" * 32)
    ended = await admin.rotate_robot_key(ledger, tenant, scene.robot, new, overlap_s=0, actor=ACTOR)
    assert [scene.key] == ended
    assert scene.account in {each.account_id for each in await work.due_accounts(ledger)}
    assert all(isinstance(each.waiting_s, float) for each in await feed.due_feeds(ledger, [tenant]))
    assert await ledger.call("fn_record_refusal", tenant, ACTOR, "x", "FORBIDDEN", {"a": ["ü", None]}) is None
    assert [] == await ledger.rows("fn_find_key", b"\x02" * 32)
    for function in ("fn_list_tenants", "fn_due_tenants"):  # tables of one column
        assert {"tenant_id": tenant} in await ledger.rows(function)
    assert await admin.authenticate(ledger, b"\x02" * 32) is None


async def test_a_key_claims_one_effect(scene: Scene) -> None:
    """The same key again is a replay of the first intent; another request under it is told so."""
    entry = scene.entry("once")
    first = await scene.open(entry)
    assert isinstance(first, Opened)
    again = await scene.open(scene.entry("once", request_hash="once"))
    assert isinstance(again, Replayed)
    assert again.intent is not None
    assert str(first.intent_id) == again.intent["id"]
    other = await scene.open(scene.entry("once", request_hash="other"))
    assert isinstance(other, Denied)
    assert ErrorCode.IDEMPOTENCY_KEY_REUSED is other.code
    twice = [await scene.allocate("5", "same") for _ in range(2)]
    assert twice[0]["event_id"] == twice[1]["event_id"]


async def test_denials_carry_their_numbers(scene: Scene) -> None:
    """A denial is an answer with code and numbers, not an error."""
    denied = await scene.open(scene.entry("too much", quantity="1"))
    assert isinstance(denied, Denied)
    assert ErrorCode.INSUFFICIENT_CAPITAL is denied.code
    assert ("1000", "50050") == (plain(denied.details["available"]), plain(denied.details["required"]))


async def test_concurrent_items_get_their_own_answers(scene: Scene) -> None:
    """Forty calls at once become array calls: one entry opens, the others find its lock, none is lost."""
    results = await asyncio.gather(*(scene.open(scene.entry(f"k{n}", quantity="0.001")) for n in range(40)))
    opened = [each for each in results if isinstance(each, Opened)]
    locked = [each for each in results if isinstance(each, Denied) and each.code is ErrorCode.ENTRY_LOCKED]
    assert (1, 39) == (len(opened), len(locked))


async def test_ends_without_a_confirmation(scene: Scene) -> None:
    """In doubt keeps the reservation, proven absence gives it back, a stale token is refused."""
    opened = await scene.open(scene.entry("doubt"))
    assert isinstance(opened, Opened)
    stale = Ending(opened.intent_id, opened.fencing_token + 1, "a test")
    assert "STALE_TOKEN" == (await intents.not_placed(scene.ledger, scene.tenant, stale)).code
    ending = Ending(opened.intent_id, opened.fencing_token, "a test", evidence={"seen": None})
    assert (await intents.mark_in_doubt(scene.ledger, scene.tenant, ending)).done
    view = await reads.get_capital(scene.ledger, scene.tenant, scene.profile)
    assert "500.5" == plain(view["reserved_for_orders"])
    assert ["in_doubt"] == [
        each.state for each in await work.due_intents(scene.ledger) if each.intent_id == opened.intent_id
    ]


async def test_leases_and_cancels_and_fills(scene: Scene) -> None:
    """What the loops do crosses too: a lease taken once, a cancel recorded, a fill booked once."""
    ledger, tenant = scene.ledger, scene.tenant
    taking = await leases.take(ledger, tenant, scene.account, uuid4(), 10_000)
    assert (True, True) == (taking.taken, taking.row.live)
    assert not (await leases.take(ledger, tenant, scene.account, uuid4(), 10_000)).taken
    opened = await scene.open(scene.entry("to cancel"))
    assert isinstance(opened, Opened)
    confirmed = entries.Confirmation(opened.intent_id, "77", "open", Decimal(0), datetime.now(UTC))
    await entries.persist_entry(ledger, tenant, confirmed)
    assert (await orders.request_cancel(ledger, tenant, opened.intent_id, ACTOR)).send
    fill = scene.fill("77", "771", "buy", "49990", "0.004", "0.19996", "USDT")
    codes = [(await fills.apply_fill(ledger, tenant, fill)).code for _ in range(2)]
    assert ["OK", "DUPLICATE"] == codes
    assert not (await watch.check_profile(ledger, tenant, scene.profile, ACTOR)).violations


async def test_refusals_are_our_errors(scene: Scene) -> None:
    """Each SQLSTATE arrives as its code with its details, and says that nothing happened."""
    ledger, tenant = scene.ledger, scene.tenant
    for code, call, details in (
        (ErrorCode.ALREADY_EXISTS, admin.create_tenant(ledger, tenant, f"t{tenant.hex}", ACTOR), {}),
        (ErrorCode.NOT_FOUND, reads.get_capital(ledger, tenant, (nobody := uuid4())), {"profile_id": nobody}),
        (ErrorCode.BAD_REQUEST, ledger.call("fn_open_entry", tenant, []), {}),
        (ErrorCode.INTERNAL, ledger.call("fn_list_profiles", None), {}),
        (ErrorCode.INTERNAL, ledger.call("fn_there_is_none", tenant), {}),
        (ErrorCode.IDEMPOTENCY_KEY_REQUIRED, scene.allocate("1", key=None), {}),
        (ErrorCode.IDEMPOTENCY_KEY_REUSED, scene.allocate("2", key="start"), {}),
    ):  # fmt: skip
        with pytest.raises(HoldfastError) as caught:
            await call
        assert (code, False) == (caught.value.code, effect_unknown(caught.value)), call
        for name, value in details.items():
            assert str(value) == caught.value.details[name]


async def test_reads_as_the_tenant_are_walled(scene: Scene) -> None:
    """A foreign tenant, a function that is not a reader's and one that writes are refused to a read."""
    ledger = scene.ledger
    assert 1 == len(await reads.list_profiles(TenantReads(ledger, scene.tenant), scene.tenant))
    for asking, function, args in (
        (uuid4(), "fn_list_profiles", (scene.tenant,)),
        (scene.tenant, "fn_get_account_credentials", (scene.tenant, scene.account)),
        (scene.tenant, "fn_create_robot", (scene.tenant, uuid4(), "thief", ACTOR)),
        (scene.tenant, "fn_due_accounts", ()),
    ):
        with pytest.raises(HoldfastError) as caught:
            await TenantReads(ledger, asking).call(function, *args)
        assert ErrorCode.FORBIDDEN is caught.value.code, function


async def test_a_deadline_that_has_passed_sends_nothing(scene: Scene) -> None:
    """A call whose time is over is not sent, and says so."""
    with pytest.raises(HoldfastError) as caught:
        await scene.ledger.call(
            "fn_create_robot", scene.tenant, uuid4(), "late", ACTOR, deadline=scene.ledger.clock.monotonic()
        )
    assert (ErrorCode.DATABASE_UNAVAILABLE, False) == (caught.value.code, effect_unknown(caught.value))
    assert ["robot"] == [row["name"] for row in await reads.list_robots(scene.ledger, scene.tenant)]


async def test_moments_are_exact(scene: Scene) -> None:
    """A moment crosses to the microsecond, whatever its zone."""
    until = datetime(2027, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
    key = admin.NewKey(uuid4(), scene.robot.bytes * 2, expires_at=until)
    await admin.create_robot_key(scene.ledger, scene.tenant, scene.robot, key, ACTOR)
    robots = await reads.list_robots(scene.ledger, scene.tenant)
    (kept,) = [each for each in robots[0]["keys"] if UUID(each["key_id"]) == key.key_id]
    assert until == datetime.fromisoformat(kept["expires_at"])


async def test_a_read_of_orders_by_symbol(scene: Scene) -> None:
    """Filters with texts and nulls cross as jsonb."""
    await scene.bought()
    wanted = {"symbol": SYMBOL, "state": None, "limit": 5}
    assert [SYMBOL] == [
        each["symbol"] for each in await reads.list_orders(scene.ledger, scene.tenant, wanted)
    ]
    assert [] == await reads.list_orders(scene.ledger, scene.tenant, {"symbol": "Ä/'\"\\"})


def plain(number: str) -> str:
    """A decimal text without the zeros at its end."""
    return f"{Decimal(number).normalize():f}"
