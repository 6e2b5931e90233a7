"""Canonical JSON is RFC 8785's for every value that a spec may hold."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.canonical import canonical, parse, revision

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_keys_are_sorted_as_in_the_rfc() -> None:
    """The example of RFC 8785, section 3.2.3: by UTF-16 code units, an emoji before a Hebrew letter."""
    given_keys = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    order = [value.split(":")[0].split(" ")[0] for value in json.loads(canonical(given_keys)).values()]
    assert ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"] == order


def test_texts_are_written_as_in_the_rfc() -> None:
    """The strings and literals of RFC 8785, section 3.2.2: the short escapes, nothing else."""
    value = {
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
        "numbers": [0, -0, 333333333, -5],
    }
    assert (
        '{"literals":[null,true,false],"numbers":[0,0,333333333,-5],'
        '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    ) == canonical(value)


@given(VALUES)
def test_it_is_the_value_and_its_only_text(value: object) -> None:
    """Reading it gives the value back, and writing that again gives the same text."""
    text = canonical(value)
    assert value == parse(text)
    assert text == canonical(parse(text))


@pytest.mark.parametrize("value", [1.0, 2**53, "\ud800", {1: "a"}, {"a": {"b": object()}}])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    """Fractions, integers beyond 2^53 - 1, lone surrogates and foreign types are no values here."""
    with pytest.raises(ValueError, match=r"."):
        canonical(value)


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', "NaN", "[Infinity]", "{", "", b"\xff", "[" * 100_000])
def test_what_says_two_things_or_nothing_is_refused(text: str | bytes) -> None:
    """A key that stands twice, NaN, half a text and endless nesting are no JSON of ours."""
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_the_revision_is_of_the_value() -> None:
    """Order and spaces change nothing, a value does; the digits are frozen."""
    assert revision({"b": [1], "a": "x"}) == revision(parse(' { "a": "x", "b": [ 1 ] } '))
    assert "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" == revision({})
    assert revision({"a": "1"}) != revision({"a": "1.0"})
