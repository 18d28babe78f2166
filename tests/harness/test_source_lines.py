from __future__ import annotations

import sys
from functools import partial
from importlib import import_module, invalidate_caches
from importlib.util import find_spec
from textwrap import dedent
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from outboxbench.core.strategies.registry import Strategy, load_strategy, strategy_names
from outboxbench.harness.source_lines import SHARED, code_lines, source_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Package = dict[str, str]


@pytest.fixture
def strategy_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Package], Strategy]]:
    """Write a third party's package, of which `entry.opens` opens the strategy."""
    names = []

    def write(package: Package) -> Strategy:
        name = f"somebodys_{uuid4().hex}"
        names.append(name)
        folder = tmp_path / name
        folder.mkdir()
        for module, source in {"__init__": "", **package}.items():
            (folder / f"{module}.py").write_text(
                dedent(source).replace("PACKAGE", name), encoding="utf-8"
            )
        invalidate_caches()
        entry = import_module(f"{name}.entry")
        return Strategy(name, name, "asyncpg", "statements", entry.opens)

    monkeypatch.syspath_prepend(tmp_path)
    yield write
    for name in [each for each in sys.modules if each.partition(".")[0] in names]:
        del sys.modules[name]


def test_only_lines_with_code_count() -> None:
    source = dedent('''
        """What a module says
        of itself."""

        # a comment
        import x  # counts once


        class Thing:
            """A docstring."""

            name: str = "a"
            """What an attribute says of itself."""

            def method(self):
                return f(
                    1,

                    2,
                )

        SQL = """
            SELECT 1

            WHERE true
        """
    ''')

    assert code_lines(source) == 1 + 1 + 1 + 1 + 4 + 4


@pytest.mark.parametrize("name", strategy_names())
def test_every_strategy_of_ours_is_counted(name: str) -> None:
    lines = source_lines(load_strategy(name))

    assert lines is not None
    assert 50 < lines < 5_000


def test_a_write_plan_that_adds_modules_is_more_code_than_the_one_without() -> None:
    lines = {
        name: source_lines(load_strategy(name)) or 0
        for name in ("asyncpg", "asyncpg-group", "psycopg-single", "psycopg-pipeline")
    }

    assert lines["asyncpg"] < lines["asyncpg-group"]
    assert lines["psycopg-single"] < lines["psycopg-pipeline"]


def test_the_driver_below_sqlalchemy_makes_no_difference() -> None:
    assert source_lines(load_strategy("orm-asyncpg")) == source_lines(load_strategy("orm-psycopg"))


@pytest.mark.parametrize("name", SHARED)
def test_what_is_left_out_as_shared_exists(name: str) -> None:
    assert find_spec(name) is not None


def test_what_is_imported_counts_once_wherever_the_import_stands(
    strategy_of: Callable[[Package], Strategy],
) -> None:
    strategy = strategy_of(
        {
            "entry": """
                from PACKAGE import inner
                from .other import VALUE

                def opens(settings):
                    from PACKAGE.late import LATE
                    return LATE
            """,
            "inner": "from PACKAGE.other import VALUE",
            "other": "VALUE = 1\nUNUSED = 2",
            "late": "LATE = 3",
        }
    )

    assert source_lines(strategy) == 5 + 1 + 2 + 1


def test_what_the_type_checker_alone_imports_does_not_count(
    strategy_of: Callable[[Package], Strategy],
) -> None:
    strategy = strategy_of(
        {
            "entry": """
                from typing import TYPE_CHECKING

                if TYPE_CHECKING:
                    from PACKAGE.other import VALUE

                def opens(settings): ...
            """,
            "other": "VALUE = 1",
        }
    )

    assert source_lines(strategy) == 4


def test_a_third_party_pays_for_what_it_takes_of_ours_and_not_for_what_is_shared(
    strategy_of: Callable[[Package], Strategy],
) -> None:
    alone, with_shared, with_ours = (
        source_lines(strategy_of({"entry": f"{line}\ndef opens(settings): ...\n"}))
        for line in (
            "import asyncpg",
            "from outboxbench.core.strategies import rows",
            "from outboxbench.core.strategies.statements_unit_of_work import StatementsUnitOfWork",
        )
    )

    assert alone == with_shared == 2
    assert with_ours is not None
    assert with_ours > 100


def test_what_a_partial_is_given_counts_too(strategy_of: Callable[[Package], Strategy]) -> None:
    one = strategy_of({"entry": "class Unit: ...\ndef opens(settings): ..."})
    other = strategy_of({"entry": "def opens(unit, settings): ..."})
    both = Strategy(
        "both",
        "both",
        "asyncpg",
        "statements",
        partial(other.open, sys.modules[one.open.__module__].Unit),
    )

    assert source_lines(both) == 3


def test_without_its_source_a_strategy_is_not_counted() -> None:
    # As of a function that was typed in, or compiled.
    made_up: dict[str, object] = {"__name__": "nowhere_to_be_found"}
    exec("def opens(settings): ...", made_up)  # noqa: S102 - a constant
    opens = made_up["opens"]
    assert callable(opens)

    assert source_lines(Strategy("made-up", "none", "none", "statements", opens)) is None
