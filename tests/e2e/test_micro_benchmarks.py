"""The benchmarks of the parts: they run, their baseline is whole, and what is off is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
MICRO = Path("bench") / "micro"
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
LOOP_S = 1e-4


def call(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, cwd=CHECKOUT, capture_output=True, text=True)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run in which something took ten loops and two round trips."""
    path = tmp_path / "run.json"
    write(path, times_s=10 * LOOP_S, round_trips=2)
    return path


@pytest.fixture
def baseline(run: Path, tmp_path: Path) -> Path:
    path = tmp_path / "baseline.json"
    done = compare(run, "--baseline", path, "--write")
    assert done.returncode == 0, done.stderr
    return path


def write(path: Path, *, times_s: float, round_trips: int) -> None:
    extra: dict[str, Any] = {"reference_s": LOOP_S, "counts": {"round_trips": round_trips}}
    something = {"name": "test_something", "stats": {"min": times_s}, "extra_info": extra}
    other = {"name": "test_other", "stats": {"min": 1.0}, "extra_info": {}}
    path.write_text(json.dumps({"benchmarks": [something, other]}), encoding="utf-8")


def compare(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return call(sys.executable, MICRO / "ratios.py", *arguments)


def test_a_baseline_holds_ratios_and_counts_alone(baseline: Path) -> None:
    assert json.loads(baseline.read_text(encoding="utf-8")) == {
        "test_something": {"ratio": 10.0, "counts": {"round_trips": 2}}
    }


@pytest.mark.parametrize(
    ("loops", "round_trips", "code", "told"),
    [
        (12, 2, 0, "1 benchmarks against baseline.json: 0 beyond"),
        (15, 2, 0, "note: test_something took 15 loops, and 10 in the baseline: 1.50 times"),
        (5, 2, 0, "note: test_something took 5 loops"),
        (25, 2, 1, "ERROR: test_something took 25 loops, and 10 in the baseline: 2.50 times"),
        (10, 3, 1, "ERROR: test_something counts {'round_trips': 3}, and {'round_trips': 2}"),
    ],
)
def test_what_is_off_is_told_and_is_an_error_only_when_it_is_far_off(
    loops: float, round_trips: int, code: int, told: str, run: Path, baseline: Path
) -> None:
    write(run, times_s=loops * LOOP_S, round_trips=round_trips)

    done = compare(run, "--baseline", baseline)

    assert done.returncode == code, done.stdout
    assert told in done.stdout


def test_without_a_run_there_is_nothing_to_compare(tmp_path: Path) -> None:
    done = compare(tmp_path / "missing.json")

    assert done.returncode == 2
    assert done.stderr.startswith("there is nothing to compare")
    assert done.stderr.count("\n") == 1


def test_the_committed_baseline_has_every_benchmark_that_is_compared() -> None:
    done = call(*PYTEST, MICRO, "--collect-only", "-m", "in_baseline")

    assert done.returncode == 0, done.stdout
    collected = {line.split("::")[1] for line in done.stdout.splitlines() if "::" in line}
    baseline = json.loads((CHECKOUT / MICRO / "baseline.json").read_text(encoding="utf-8"))
    assert collected == baseline.keys()


@pytest.mark.slow
def test_every_benchmark_that_is_compared_runs() -> None:
    done = call(*PYTEST, MICRO, "--benchmark-disable", "-m", "in_baseline")

    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_set_up_of_an_event_loop_is_in_no_figure() -> None:
    done = call(*PYTEST, MICRO / "test_event_loop.py", "--benchmark-enable")

    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_runs_are_saved_and_compared_as_pytest_benchmark_does(tmp_path: Path) -> None:
    quick = (*PYTEST, MICRO / "test_domain.py", "--benchmark-enable", "--benchmark-max-time=0.02")
    storage = ("--benchmark-storage", str(tmp_path / "benchmarks"))

    saved = call(*quick, *storage, "--benchmark-save=mine")
    against_it = (*quick, *storage, "--benchmark-compare")
    lenient = call(*against_it, "--benchmark-compare-fail=min:100000%")
    (file,) = (tmp_path / "benchmarks").rglob("*_mine.json")
    document = json.loads(file.read_text(encoding="utf-8"))
    for each in document["benchmarks"]:
        each["stats"]["min"] /= 1000
    file.write_text(json.dumps(document), encoding="utf-8")
    strict = call(*against_it, "--benchmark-compare-fail=min:100%")

    assert saved.returncode == 0, saved.stdout
    assert lenient.returncode == 0, lenient.stdout
    assert "0001_mine" in lenient.stdout
    assert strict.returncode == 1, strict.stdout
