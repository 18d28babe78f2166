"""Strategies are found through their entry points, and what is wrong with one is said clearly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from outboxbench.core.strategies.registry import (
    BrokenStrategy,
    UnknownStrategy,
    load_strategy,
    strategy_names,
)

if TYPE_CHECKING:
    from pathlib import Path

OURS = {
    "memory",
    "asyncpg",
    "psycopg",
    "core-asyncpg",
    "core-psycopg",
    "orm-asyncpg",
    "orm-psycopg",
}

MODULE = """
from outboxbench.core.strategies.memory import MEMORY
from dataclasses import replace

FINE = replace(MEMORY, name="fine")
NO_STRATEGY = 42
"""
ENTRY_POINTS = """
[outboxbench.strategies]
fine = their_strategies:FINE
no-strategy = their_strategies:NO_STRATEGY
another-name = their_strategies:FINE
no-module = they_forgot_this:FINE
no-attribute = their_strategies:FORGOTTEN
raises = their_broken_module:FINE
"""


@pytest.fixture
def _their_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install somebody else's package, as far as Python's metadata is concerned."""
    (tmp_path / "their_strategies.py").write_text(MODULE)
    (tmp_path / "their_broken_module.py").write_text("raise RuntimeError('out of order')")
    metadata = tmp_path / "their_strategies-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: their-strategies\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_own_strategies_are_registered_like_anyones(name: str) -> None:
    assert name in strategy_names()
    assert load_strategy(name).name == name


def test_an_unknown_strategy_is_refused_with_the_names_of_the_known() -> None:
    with pytest.raises(UnknownStrategy) as caught:
        load_strategy("no-such-strategy")
    assert str(caught.value).startswith("there is no strategy 'no-such-strategy'")
    assert all(name in str(caught.value) for name in OURS)


@pytest.mark.usefixtures("_their_package")
def test_a_strategy_of_somebody_elses_package_is_found() -> None:
    assert load_strategy("fine").name == "fine"


@pytest.mark.usefixtures("_their_package")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no-module", "cannot be loaded: No module named 'they_forgot_this'"),
        ("no-attribute", "cannot be loaded: .*'FORGOTTEN'"),
        ("raises", "cannot be loaded: out of order"),
        ("no-strategy", "must name a Strategy called 'no-strategy', not 42"),
        ("another-name", "must name a Strategy called 'another-name'"),
    ],
)
def test_a_strategy_that_cannot_be_loaded_says_why(name: str, reason: str) -> None:
    with pytest.raises(BrokenStrategy, match=reason) as caught:
        load_strategy(name)
    assert repr(name) in str(caught.value)
