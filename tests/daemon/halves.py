"""Which of the two stages a module of this folder uses: one worker has the one, another the other."""


def half(file: str) -> str:
    """Name the half of a test module by its file's name."""
    return "first" if file < "test_r" else "second"
