"""What is said between us and the interpreter that has Otava."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.stand_in_otava import write_wheel

from outboxbench.harness.environments.otava import change_points
from outboxbench.harness.errors import CannotRun

if TYPE_CHECKING:
    from pathlib import Path

STEP = [1.0, 1.01, 0.99, 1.0, 1.01, 1.5, 1.51, 1.49, 1.5, 1.51]
LEVEL = [1.0, 1.01, 0.99, 1.0, 1.01] * 2


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pip looks for Otava."""
    monkeypatch.setenv("OUTBOXBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return tmp_path


def test_each_series_gets_its_own_change_points(packages: Path) -> None:
    write_wheel(packages)

    found = change_points([STEP, LEVEL, STEP[::-1]], observe=lambda _: None)

    assert found == [[5], [], [5]]


def test_an_otava_that_fails_is_told_with_its_last_line(packages: Path) -> None:
    write_wheel(packages, "raise RuntimeError('numpy is too new')")

    with pytest.raises(CannotRun, match=r"gave no answer \(RuntimeError: numpy is too new\)"):
        change_points([LEVEL], observe=lambda _: None)


def test_an_option_that_otava_does_not_know_is_not_ignored(packages: Path) -> None:
    write_wheel(
        packages,
        "class AnalysisOptions: window_len = max_pvalue = 1\nMetric = Series = None\n",
    )

    with pytest.raises(CannotRun, match="min_magnitude"):
        change_points([LEVEL], observe=lambda _: None)
