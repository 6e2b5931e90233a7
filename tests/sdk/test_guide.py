"""What docs/guides/client.md tells robots' authors works when it is copied."""

import re
from pathlib import Path

import pytest

from tests.sdk.own import Own

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "client.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
SAID = (
    ("bought: placed 50010", "sold: placed "),
    ("placed: open canceled",),
    ("as of Mark(epoch=1, seq=", "canceled"),
    ("may spend: ", "order: open [True]", "canceled: canceled"),
)


def test_every_block_runs(
    own: Own, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each block, as it stands but for address and profile, trades on the paper exchange and says so."""
    assert len(SAID) == len(BLOCKS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROBOT_KEY", own.tenant.key)
    for code, lines in zip(BLOCKS, SAID, strict=True):
        assert "http://127.0.0.1:8080" in code
        assert "alpha" in code
        addressed = code.replace("http://127.0.0.1:8080", own.address).replace("alpha", "main")
        exec(compile(addressed, str(GUIDE), "exec"), {"__name__": "__main__"})  # noqa: S102 - what readers do
        said = capsys.readouterr().out.splitlines()
        assert len(lines) == len(said), said
        assert all(line.startswith(begin) for line, begin in zip(said, lines, strict=True)), said
    assert {"FILLED", "CANCELED"} == {order["status"] for order in own.at_exchange()}
