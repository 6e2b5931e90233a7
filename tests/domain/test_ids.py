"""Proves that ids are frozen, recognisable in every form, and valid where they are sent."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.ids import (
    CLIENT_ORDER_ID,
    canonical,
    client_order_id,
    is_ours,
    is_tag,
    render,
    tag_from_random,
    uuid7,
)

TAGS = st.from_regex(r"\A[a-z][a-z2-7]{3}\Z")
OTHER_FORMS = ("bitvavo", "hyperliquid", "bitfinex")
TENANT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
PROFILE = UUID("01890a5d-ac96-774b-bcce-b302099a8058")
INTENT = UUID("01890a5d-ac96-774b-bcce-b302099a8059")

# What each exchange's documentation and the pinned ccxt allow in the field.
ACCEPTED = {
    "binance": r"[.A-Z:/a-z0-9_-]{1,36}",
    "bybit": r"[A-Za-z0-9_-]{1,36}",
    "okx": r"[A-Za-z0-9]{1,32}",
    "kraken": r"[ -~]{1,18}",
    "coinbase": r"[A-Za-z0-9-]{1,128}",
    "kucoin": r"[A-Za-z0-9_-]{1,40}",
    "gate": r"t-[A-Za-z0-9_.-]{1,28}",
    "bitget": r"[.A-Z:/a-z0-9_-]{1,36}",
    "mexc": r"[A-Za-z0-9_-]{1,32}",
    "htx": r"[A-Za-z0-9_-]{1,64}",
    "cryptocom": r"[A-Za-z0-9_-]{1,36}",
    "bitstamp": r"[ -~]{1,36}",
    "bitvavo": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "hyperliquid": r"0x[0-9a-f]{32}",
    "bitfinex": r"[0-9]{1,14}",
}

# Frozen: an id that changes is an order that is not found again. A new rule gets a new version beside it.
GOLDEN = [
    (
        "hold",
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "01890a5d-ac96-774b-bcce-b302099a8058",
        "01890a5d-ac96-774b-bcce-b302099a8059",
        "holdpwkjnh4avyea33",
    ),
    (
        "aaaa",
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "01890a5d-ac96-774b-bcce-b302099a8058",
        "01890a5d-ac96-774b-bcce-b302099a8059",
        "aaaapwkjnh4avyea33",
    ),
    (
        "z777",
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "01890a5d-ac96-774b-bcce-b302099a8058",
        "00000000-0000-0000-0000-000000000000",
        "z777pvf3oviicthm2u",
    ),
    (
        "hold",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "01890a5d-ac96-774b-bcce-b302099a8058",
        "01890a5d-ac96-774b-bcce-b302099a8059",
        "holdwxjrrk6nka7zqz",
    ),
]
GOLDEN_FORMS = {
    "binance": "holdpwkjnh4avyea33",
    "gate": "t-holdpwkjnh4avyea33",
    "bitvavo": "3b9637d9-4969-4f80-ab82-037b9e061400",
    "hyperliquid": "0x3b9637d94969f80ae080dee781850037",
    "bitfinex": "8189546015021",
}


@pytest.mark.parametrize(("tag", "tenant", "profile", "intent", "expected"), GOLDEN)
def test_golden_vectors(tag: str, tenant: str, profile: str, intent: str, expected: str) -> None:
    """The rule of version 1 gives these ids for ever."""
    assert expected == client_order_id(tag, UUID(tenant), UUID(profile), UUID(intent))
    assert expected == client_order_id(tag, tenant.upper(), profile, intent)


@pytest.mark.parametrize(("exchange", "expected"), GOLDEN_FORMS.items())
def test_golden_forms(exchange: str, expected: str) -> None:
    """The rendered forms of the first golden id never change either."""
    assert expected == render(exchange, GOLDEN[0][4])


@given(TAGS, st.uuids(), st.uuids(), st.uuids(), st.sampled_from(sorted(ACCEPTED)))
def test_valid_and_ours_everywhere(
    tag: str, tenant: UUID, profile: UUID, intent: UUID, exchange: str
) -> None:
    """In the form of each exchange the id is accepted there, and its tag is read back from it."""
    coid = client_order_id(tag, tenant, profile, intent)
    assert CLIENT_ORDER_ID.fullmatch(coid)
    rendered = render(exchange, coid)
    assert re.fullmatch(ACCEPTED[exchange], rendered)
    assert is_ours(tag, exchange, rendered)
    assert (rendered if exchange == "bitfinex" else coid) == canonical(exchange, rendered)
    other = ("b" if tag[0] == "a" else "a") + tag[1:]
    assert not is_ours(other, exchange, rendered)


def test_bitfinex_number_fits_45_bits() -> None:
    """The greatest tag and hash stay below 2^45."""
    assert int(render("bitfinex", "z" + "7" * 17)) < 1 << 45


@given(st.uuids(), st.uuids(), st.uuids())
def test_each_part_counts(tenant: UUID, profile: UUID, intent: UUID) -> None:
    """Swapping ids between their places gives another order id."""
    assert (tenant == profile) == (
        client_order_id("abcd", tenant, profile, intent) == client_order_id("abcd", profile, tenant, intent)
    )


def test_boundaries_between_parts_count() -> None:
    """Texts that are the same when run together are different ids."""
    assert client_order_id("abcd", "ab", "c", "d") != client_order_id("abcd", "a", "bc", "d")


@pytest.mark.parametrize(
    "foreign", [None, "", "web_1234", "x-R4BD3S82abc", "abcd", "abcd1111111111111", "0x12", "99"]
)
def test_foreign_ids_are_not_ours(foreign: str | None) -> None:
    """Ids of other programs, or none, are not taken for ours on any exchange."""
    for exchange in ACCEPTED:
        assert not is_ours("abcd", exchange, foreign)
        assert foreign == canonical(exchange, foreign)


@given(st.uuids(version=4))
def test_a_strangers_uuid_is_not_ours(stranger: UUID) -> None:
    """A random UUID fails the check bits even for the tag that it happens to carry."""
    assert not any(is_ours(tag, "bitvavo", str(stranger)) for tag in ("abcd", "hold", "zzzz"))


def test_gate_shows_its_prefix() -> None:
    """Gate wants `t-` before an id, also when the tag itself begins with t."""
    coid = client_order_id("tabc", TENANT, PROFILE, INTENT)
    assert "t-" + coid == render("gate", coid)
    assert is_ours("tabc", "gate", "t-" + coid)


@pytest.mark.parametrize("tag", ["", "abc", "abcde", "1abc", "ABCD", "ab1c", "ab-c"])
def test_bad_tags_are_refused(tag: str) -> None:
    """A tag of another form is refused before any id is made."""
    assert not is_tag(tag)
    with pytest.raises(ValueError, match="installation tag"):
        client_order_id(tag, TENANT, PROFILE, INTENT)


@pytest.mark.parametrize("coid", ["", "abc", "2" * 18, "a" * 19, "A" * 18])
def test_render_takes_only_our_ids(coid: str) -> None:
    """Nothing but a client order id of ours is rendered."""
    with pytest.raises(ValueError, match="client order id"):
        render("binance", coid)


@given(st.binary(min_size=3, max_size=16))
def test_random_tags_are_tags(noise: bytes) -> None:
    """Any random bytes choose a valid tag."""
    assert is_tag(tag_from_random(noise))


@given(st.integers(0, (1 << 48) - 1), st.binary(min_size=10, max_size=10))
def test_uuid7_form(unix_ms: int, noise: bytes) -> None:
    """Version and variant are RFC 9562's, and the moment comes first."""
    value = uuid7(unix_ms, noise)
    assert 7 == value.version
    assert "specified in RFC 4122" == value.variant
    assert unix_ms == value.int >> 80


def test_uuid7_of_the_rfc() -> None:
    """The example of RFC 9562, appendix A.6."""
    noise = (0xCC3 << 62 | 0x18C4DC0C0C07398F).to_bytes(10, "big")
    assert UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f") == uuid7(0x017F22E279B0, noise)
