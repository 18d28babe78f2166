"""Other versions of what is measured, under the code that is here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from outboxbench.harness.environments.asking import ask
from outboxbench.harness.environments.modules import lent_modules
from outboxbench.harness.environments.versions import parse_wish, version_environments
from outboxbench.harness.environments.worker_environment import WorkerEnvironment
from outboxbench.harness.errors import BadInput, CannotRun

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOXBENCH_CACHE", str(tmp_path / "cache"))


def test_a_wish_names_versions_and_an_interpreter() -> None:
    wish = parse_wish("asyncpg==0.30.0, SQLAlchemy==2.0.41,python=/usr/bin/python3")

    assert [str(each) for each in wish.requirements] == ["asyncpg==0.30.0", "SQLAlchemy==2.0.41"]
    assert wish.python == Path("/usr/bin/python3")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("--index-url=x", "is no requirement: write it as asyncpg==0.30.0"),
        ("", "is no requirement"),
        ("asyncpg=0.30", "is no requirement"),
        ("rich==13.0", "would change nothing: what is measured stands on asyncpg, numpy, psycopg"),
    ],
)
def test_what_is_no_version_of_what_is_measured_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse_wish(text)


def test_modules_that_are_lent_bring_their_strategies_and_hide_nothing() -> None:
    folder = lent_modules()

    assert lent_modules() == folder
    assert (folder / "outboxbench").resolve() == ROOT / "src" / "outboxbench"
    assert not (folder / "asyncpg").exists()
    names = ask(
        WorkerEnvironment("here", Path(sys.executable), (folder,)),
        "import json; from outboxbench.core.strategies.registry import strategy_names;"
        "print(json.dumps([strategy_names(), __import__('outboxbench').__file__]))",
    )
    assert "asyncpg" in names[0]
    assert Path(names[1]).is_relative_to(folder)


def test_an_interpreter_without_what_is_needed_is_refused_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(
        CannotRun, match=r"the environment bare cannot run this package \(.*asyncpg"
    ):
        ask(WorkerEnvironment("bare", Path(sys.executable)), "import asyncpg_that_is_not_there")
    gone = WorkerEnvironment("gone", tmp_path / "bin" / "python")
    with pytest.raises(CannotRun, match="the environment gone does not answer"):
        ask(gone, "print(1)")


@pytest.mark.slow
def test_an_environment_has_the_version_that_was_asked_for_and_all_else_as_it_is_here() -> None:
    base, head = version_environments([parse_wish("asyncpg==0.31.0")], lambda _: None)

    assert (base.name, base.is_base) == ("as installed", True)
    assert (head.name, head.is_base) == ("asyncpg==0.31.0", False)
    here, there = dict(base.packages), dict(head.packages)
    assert there["asyncpg"] == "0.31.0"
    for name in ("psycopg", "sqlalchemy", "uvloop", "numpy"):
        assert there[name] == here[name]
