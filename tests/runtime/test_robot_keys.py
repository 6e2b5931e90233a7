"""Robot keys: a mistyped one is told without asking anybody, and those of before go on working."""

from secrets import token_urlsafe

from engine.runtime.log import hide_secrets
from engine.runtime.robot_keys import hash_robot_key, looks_like_robot_key, new_robot_key


def test_keys_are_marked_and_never_the_same() -> None:
    """A key carries its mark, is stored as 32 bytes, and no two are equal."""
    made = {new_robot_key() for _ in range(100)}
    assert 100 == len(made)
    assert all(key.startswith("hf_2_") and looks_like_robot_key(key) for key in made)
    assert 32 == len(hash_robot_key(made.pop()))


def test_every_typing_error_is_seen() -> None:
    """Each character changed, left out, doubled, or swapped with its neighbour makes no key."""
    key = new_robot_key()
    wrong = set()
    for place, letter in enumerate(key):
        wrong |= {key[:place] + other + key[place + 1 :] for other in "aZ07_-." if other != letter}
        wrong |= {key[:place] + key[place + 1 :], key[:place] + letter + key[place:]}
        wrong.add(key[:place] + key[place : place + 2][::-1] + key[place + 2 :])
    wrong.discard(key)  # two equal neighbours
    assert [] == [text for text in wrong if looks_like_robot_key(text)]


def test_a_part_of_a_key_is_none() -> None:
    """A key that was cut short is refused by its form; only one length is that of the keys of before."""
    key = new_robot_key()
    assert [46] == [cut for cut in range(len(key)) if looks_like_robot_key(key[:cut])]


def test_keys_of_before_are_keys() -> None:
    """The first form had no checksum: such keys are looked up, as long as their form is right."""
    first = f"hf_{token_urlsafe(32)}"
    assert looks_like_robot_key(first)
    for wrong in (first[:-1], first + "x", first.replace("hf_", "hg_", 1), "hf_" + "!" * 43, ""):
        assert not looks_like_robot_key(wrong)


def test_a_key_never_reaches_a_log_line() -> None:
    """A key of either form is hidden wherever it stands in what is logged."""
    for key in (new_robot_key(), f"hf_{token_urlsafe(32)}"):
        shown = hide_secrets(None, "info", {"event": f"refused {key}!", "more": [{"x": key}]})
        assert key not in str(shown)
