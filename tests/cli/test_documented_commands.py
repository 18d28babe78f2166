"""The commands, files and suites that README.md and docs/ name are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from outboxbench.cli.main import command_line
from outboxbench.core.strategies.registry import strategy_names
from outboxbench.harness.faults.registry import FAULTS
from outboxbench.harness.suite.model import list_suites
from outboxbench.report.charts.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).parents[2]
DOCUMENTS = (
    CHECKOUT / "README.md",
    *sorted((CHECKOUT / "docs").glob("*.md")),
    CHECKOUT / "results" / "README.md",
)
OURS = {"tortoise"}
"""The strategy of the example, which is not installed here."""


def name_of(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


def code_in(text: str) -> Iterator[str]:
    """The lines of blocks of code, and what stands in backticks in a line."""
    inside = False
    for line in text.splitlines():
        if line.startswith("```"):
            inside = not inside
        elif inside:
            yield line
        else:
            yield from re.findall(r"`([^`]+)`", line)


def calls(text: str, program: str) -> Iterator[list[str]]:
    """The words of every call of a program, without the comment behind it."""
    for code in code_in(text):
        command, _, _ = code.strip().partition(" #")
        _, found, words = f" {command}".rpartition(f" {program} ")
        if found and not command.startswith("#"):
            yield shlex.split(words)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_call_of_outboxbench_is_one_that_it_understands(path: Path) -> None:
    wrong = []
    for words in calls(path.read_text(), "outboxbench"):
        command, rest = get_command(command_line()), list(words)
        while isinstance(command, TyperGroup) and rest and rest[0] in command.commands:
            command = command.commands[rest.pop(0)]
        options = {name for each in command.params for name in each.opts} | {"--help"}
        used = {word.partition("=")[0] for word in rest if word.startswith("-")}
        is_whole = not isinstance(command, TyperGroup) or rest == ["--version"]
        if not is_whole or not used <= options:
            wrong.append(" ".join(words))

    assert wrong == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_suite_and_strategy_that_is_named_exists(path: Path) -> None:
    known = {*list_suites(), *strategy_names(), *OURS}
    named: set[str] = set()
    for words in calls(path.read_text(), "outboxbench"):
        if words[:1] == ["run"] and len(words) > 1:
            named.add(words[1])
        if "--only" in words and "report" not in words:
            named.update(words[words.index("--only") + 1].split(","))
    for words in calls(path.read_text(), "make"):
        named.update(
            word.removeprefix("SUITE=") for word in words if re.match(r"SUITE=[a-z]", word)
        )

    assert {name for name in named - known if not name.endswith(".toml")} == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_target_of_make_is_in_the_makefile(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))

    assert {words[0] for words in calls(path.read_text(), "make") if words} <= targets


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_link_leads_to_a_file(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text())
    inner = [link for link in links if "://" not in link]

    assert [link for link in inner if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_script_that_is_called_is_there(path: Path) -> None:
    called = [words[0] for words in calls(path.read_text(), "python") if words]
    scripts = [script for script in called if not script.startswith("-")]

    assert [script for script in scripts if not (CHECKOUT / script).is_file()] == []


def test_all_suites_faults_and_charts_are_told_of() -> None:
    told = "".join(path.read_text() for path in DOCUMENTS)

    names = {*list_suites(), *CATALOGUE, *FAULTS}
    assert {name for name in names if name not in told} == set()


def test_every_document_is_reached_from_the_readme() -> None:
    readme = (CHECKOUT / "README.md").read_text()

    assert [name_of(path) for path in DOCUMENTS[1:] if f"({name_of(path)}" not in readme] == []
