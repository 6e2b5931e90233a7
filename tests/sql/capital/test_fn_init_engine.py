"""fn_init_engine: the installation gets its tag once."""

from tests.sql.capital.world import World


async def test_the_first_tag_stays(world: World) -> None:
    """A second call gives the stored tag and changes nothing, whatever tag it brings."""
    assert "habc" == await world.leaves_nothing(lambda: world.call("fn_init_engine", "zzzz"))


async def test_a_tag_of_another_form_is_refused(world: World) -> None:
    """The tag is a letter and three base32 characters."""
    for tag in ("1abc", "habcd", "ha1c", "HABC", "", None):
        await world.refused("HF422", "fn_init_engine", tag)
