"""`holdfast profiles spec`, `tenants set-mode`, `engine`: rules and modes by command."""

from pathlib import Path

from tests.cli.commands import CommandLine


def test_versions_of_a_spec(acme: CommandLine, tmp_path: Path) -> None:
    """A version is set over the one that was read, shown and listed; an old one is refused by its number."""
    rules = tmp_path / "rules.json"
    rules.write_text('{"max_order_notional": "100"}')
    words = ("profiles", "spec", "set", "acme", "alpha", str(rules), "--if-version")
    made = acme.made(*words, "1")
    assert (2, {"max_order_notional": "100"}) == (made["version"], made["spec"])
    rules.write_text("{}")
    refused = acme(*words, "1", "-o", "json")
    assert (5, "PRECONDITION_FAILED", 2) == (
        refused.code,
        refused.problem["code"],
        refused.problem["details"]["current"],
    )
    shown = acme.made("profiles", "spec", "show", "acme", "alpha")
    assert made == shown
    assert 1 == acme.made("profiles", "spec", "show", "acme", "alpha", "--version", "1")["version"]
    assert [2, 1] == [row["version"] for row in acme.made("profiles", "spec", "list", "acme", "alpha")]


def test_modes_of_tenant_and_engine(acme: CommandLine) -> None:
    """Both want a reason, show it, and are resumed with another."""
    assert 2 == acme("tenants", "set-mode", "acme", "halted").code
    halted = acme.made("tenants", "set-mode", "acme", "halted", "--reason", "holiday")
    assert ("halted", "holiday") == (halted["mode"], halted["mode_reason"])
    assert "active" == acme.made("tenants", "set-mode", "acme", "active", "--reason", "back")["mode"]
