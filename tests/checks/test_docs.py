"""What stands in the docs is compared with what stands in the code, in both directions."""

import re
from pathlib import Path

import click
import pytest

from engine.cli import main
from engine.deploy.exposed import SCHEMA
from engine.domain.errors import EXPLANATIONS, ErrorCode
from engine.domain.states import INTENT_TRANSITIONS, ORDER_TRANSITIONS
from engine.runtime.metrics import Metrics
from engine.runtime.settings import Settings
from tests.checks.test_caps import ROOT, relative, tracked

DOCS = [path for path in tracked("*.md") if "node_modules" not in path.parts]


def commands(group: click.Command, context: click.Context, path: str) -> list[str]:
    """Every command below a group, as it is typed."""
    if not isinstance(group, click.Group):
        return [path]
    found = [path] if group.invoke_without_command else []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, f"{path} {name}"
        found += commands(command, click.Context(command, info_name=name, parent=context), f"{path} {name}")
    return found


def test_every_error_code_is_explained() -> None:
    """The closed set of codes and its explanations name the same codes."""
    assert set(ErrorCode) == set(EXPLANATIONS)


def test_error_page_is_the_generated_one() -> None:
    """docs/reference/errors.md is what `holdfast explain --markdown` prints."""
    from engine.cli.explain import markdown  # noqa: PLC0415 - the page's only reader

    assert markdown() == (ROOT / "docs/reference/errors.md").read_text()


def test_every_setting_is_documented() -> None:
    """docs/operations.md names each setting by its environment variable, and no setting that is not there."""
    page = (ROOT / "docs/operations.md").read_text()
    documented = set(re.findall(r"^\| `(HOLDFAST_[A-Z_0-9]+)`", page, re.MULTILINE))
    assert {f"HOLDFAST_{name.upper()}" for name in Settings.model_fields} == documented


def test_every_metric_is_documented() -> None:
    """docs/operations.md names each metric of the registry, and no metric that is not there."""
    page = (ROOT / "docs/operations.md").read_text()
    documented = set(re.findall(r"^\| `(holdfast_[a-z_0-9]+)`", page, re.MULTILINE))
    exposed = set()
    for family in Metrics().registry.collect():
        exposed.add(family.name + "_total" if family.type == "counter" else family.name)
    assert exposed == documented


def test_every_command_is_documented() -> None:
    """docs/cli.md has a line for each command of `holdfast`."""
    page = (ROOT / "docs/cli.md").read_text()
    documented = set(re.findall(r"^\| `(holdfast [a-z -]+?)(?: [A-Z\[-][^`]*)?`", page, re.MULTILINE))
    assert set(commands(main, click.Context(main, info_name="holdfast"), "holdfast")) == documented


def test_named_metrics_and_roles_exist() -> None:
    """A `holdfast_…` name on any page is a metric of the registry, a role of the cluster or a schema."""
    known = set(re.findall(r"holdfast_[a-z]+", (ROOT / "sql/roles.sql").read_text())) | {SCHEMA}
    for family in Metrics().registry.collect():
        known.add(family.name + "_total" if family.type == "counter" else family.name)
    named = {
        (relative(page), name)
        for page in DOCS
        for name in re.findall(r"`(holdfast_[a-z_0-9]+)`", page.read_text())
    }
    assert set() == {(page, name) for page, name in named if name not in known}


def test_typed_commands_exist() -> None:
    """What a page tells to type after `holdfast` is a command, down to its last word."""
    known = set(commands(main, click.Context(main, info_name="holdfast"), "holdfast"))
    groups = {line.rsplit(" ", 1)[0] for line in known} - known
    known |= {" ".join(line.split()[:3]) for line in known}  # of deeper groups the first two words are read
    pattern = re.compile(r"(?:^\s*\$ |^ {4,}|`)holdfast ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", re.MULTILINE)
    wrong = {
        (relative(page), f"holdfast {first} {second}")
        for page in DOCS
        for first, second in pattern.findall(page.read_text())
        if f"holdfast {first} {second}" not in known
        and f"holdfast {first}" not in (known if second else known | groups)
    }
    assert set() == wrong


def test_state_diagrams_show_every_transition() -> None:
    """docs/order-lifecycle.md draws exactly the transitions that the code allows."""
    page = (ROOT / "docs/order-lifecycle.md").read_text()
    diagrams = re.findall(r"```mermaid\n(.*?)```", page, re.DOTALL)
    drawn = [
        {
            (a, b)
            for a, b in re.findall(r"^\s*(\w+) --> (\w+)", diagram, re.MULTILINE)
            if "begin" not in {a, b} and "done" not in {a, b}
        }
        for diagram in diagrams
    ]
    expected = [
        {(str(a), str(b)) for a, targets in table.items() for b in targets if a != b}
        for table in (INTENT_TRANSITIONS, ORDER_TRANSITIONS)
    ]
    assert expected == drawn


@pytest.mark.parametrize("path", DOCS, ids=relative)
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link of a page names a file that is there."""
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
    assert [] == [t for t in targets if "://" not in t and not (path.parent / t).exists()]


def test_named_files_exist() -> None:
    """A path of this repository that a page puts in backticks is there."""
    pattern = re.compile(r"`((?:engine|sql|tests|docs|benchmarks|runbooks)/[\w./-]+\.\w+)`")
    missing = {
        f"{relative(page)}: {name}"
        for page in DOCS
        for name in pattern.findall(page.read_text())
        if not (ROOT / name).exists()
    }
    assert set() == missing
