"""Reads the code blocks of the paper trading guide, so that tests run what strangers copy."""

import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "paper-trading.md"


def blocks(language: str, heading: str) -> list[str]:
    """Every block of a language below a heading of the second level."""
    for section in re.split(r"^## ", GUIDE.read_text(), flags=re.MULTILINE):
        if section.startswith(heading + "\n"):
            return re.findall(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    raise LookupError(heading)


def block(language: str, heading: str) -> str:
    """The one block of a language below a heading."""
    (found,) = blocks(language, heading)
    return found
