"""`outboxbench trend` from folders of runs to change points, charts and exit codes."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.analysis.runs import NOW, arm, block, environment, run
from tests.stand_in_otava import write_wheel

from outboxbench.cli import main
from outboxbench.results.run_file import write_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.results.model import Run

REFERENCES = Path(__file__).parents[2] / "results" / "reference"
STEP_AT = 18
RUNS = 30


class Said(NamedTuple):
    code: int
    output: str
    errors: str


@pytest.fixture
def trend(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Said]:
    """Run the command line in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments: str | Path) -> Said:
        monkeypatch.setattr("sys.argv", ["outboxbench", "trend", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with the stand-in's package, and a cache for what is built of it."""
    folder = tmp_path_factory.mktemp("packages")
    write_wheel(folder)
    return folder, tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def real_cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where Otava is installed once: where it is kept anyhow, if that is told."""
    return os.environ.get("OUTBOXBENCH_CACHE") or str(tmp_path_factory.mktemp("otava"))


@pytest.fixture(params=["stand-in", pytest.param("real", marks=pytest.mark.slow)])
def otava(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    stand_in: tuple[Path, Path],
    real_cache: str,
) -> None:
    """What finds the change points."""
    if request.param == "stand-in":
        packages, cache = stand_in
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(packages))
        monkeypatch.setenv("OUTBOXBENCH_CACHE", str(cache))
    else:
        monkeypatch.setenv("OUTBOXBENCH_CACHE", real_cache)


def keep(folder: Path, step: float, *, seed: int, runs: int = RUNS) -> Path:
    """Leave runs of machines of all speeds; psycopg changes by `step` in one of them."""
    draw = random.Random(seed)
    for number in range(runs):
        machine = draw.uniform(0.5, 2.0)
        gain = 1 + step if number >= STEP_AT else 1.0

        def noisy(speed: float, machine: float = machine) -> float:
            return speed * machine * (1 + draw.gauss(0, 0.04))

        write(
            folder,
            run(
                arm("asyncpg/uvloop", [block(0, machine * 1000)]),
                arm("psycopg/uvloop", [block(0, noisy(700 * gain))]),
                arm("core-asyncpg/uvloop", [block(0, noisy(500))]),
                reference="asyncpg",
                started_at=NOW + timedelta(days=number),
                environment=environment(revision=f"commit{number:02}"),
            ),
        )
    return folder


def write(folder: Path, kept: Run) -> Path:
    path = folder / f"{kept.started_at:%Y%m%d}-{kept.suite}"
    path.mkdir(parents=True)
    write_run(path / "run.json", kept)
    return path


def changes_in(said: Said) -> dict[tuple[str, str], list[int]]:
    return {
        (each["arm"], each["metric"]): [change["index"] for change in each["changes"]]
        for each in json.loads(said.output)["series"]
    }


@pytest.mark.usefixtures("otava")
def test_a_planted_step_is_found_where_it_was_planted_and_its_commit_named(
    trend: Callable[..., Said], tmp_path: Path
) -> None:
    runs = keep(tmp_path / "runs", 0.12, seed=7)

    said, told = trend(runs), trend(runs, "--json")

    assert (said.code, told.code) == (0, 0), said.errors
    found = changes_in(told)
    [index] = found["psycopg/uvloop", "ok_per_s"]
    assert abs(index - STEP_AT) <= 1
    assert found["core-asyncpg/uvloop", "ok_per_s"] == []
    text = " ".join(said.output.split())
    assert f"between commit{index - 1:02} and commit{index:02}" in text
    assert "better" in text
    assert max(map(len, said.output.splitlines())) <= 80


@pytest.mark.usefixtures("otava")
def test_in_runs_without_a_step_there_is_no_change(
    trend: Callable[..., Said], tmp_path: Path
) -> None:
    said = trend(keep(tmp_path / "runs", 0.0, seed=4), "--fail-on-regression", "--json")

    assert said.code == 0
    assert {tuple(found) for found in changes_in(said).values()} == {()}


@pytest.mark.usefixtures("otava")
def test_a_step_down_fails_a_build_that_asked_for_it_and_no_other(
    trend: Callable[..., Said], tmp_path: Path
) -> None:
    runs = keep(tmp_path / "runs", -0.2, seed=7)

    assert trend(runs, "--json").code == 0
    failed = trend(runs, "--fail-on-regression")

    assert failed.code == 1
    assert "worse" in failed.output
    up = keep(tmp_path / "up", 0.2, seed=7)
    assert trend(up, "--fail-on-regression", "--json").code == 0


@pytest.mark.usefixtures("otava")
def test_runs_that_cannot_be_followed_are_named_with_the_reason(
    trend: Callable[..., Said], tmp_path: Path
) -> None:
    runs = keep(tmp_path / "runs", 0.0, seed=6)
    failed = write(runs, run(verdict="fail", started_at=NOW - timedelta(days=1)))
    copy = shutil.copytree(next(runs.glob("20260305*")), runs / "z-copy")
    (damaged := runs / "damaged").mkdir()
    (damaged / "run.json").write_text("{")
    (runs / "notes").mkdir()

    said = trend(runs)

    text = " ".join(said.output.split())
    assert f"Left out: {failed.name}: its verdict is fail" in text
    assert f"Left out: {copy.name}: it is the same run as 20260305-quick" in text
    assert "Left out: damaged: " in text
    assert "notes" not in text
    assert text.startswith("30 runs from 2026-03-01 to 2026-03-30, 4 series: no change")


@pytest.mark.usefixtures("otava")
def test_the_same_runs_give_the_same_charts(trend: Callable[..., Said], tmp_path: Path) -> None:
    runs = keep(tmp_path / "runs", 0.12, seed=7)

    said = [trend(runs, "--out", tmp_path / name / "deep") for name in "ab"]

    name = "trend-quick-charge-matched-profile-uvloop"
    one, other = (tmp_path / folder / "deep" / f"{name}.svg" for folder in "ab")
    assert one.read_bytes() == other.read_bytes()
    assert one.with_suffix(".png").stat().st_size > 10_000
    assert f"Chart: {one.with_suffix('.png')}" in said[0].output
    # What it shows is in its words as well.
    [commits] = set(re.findall(r"between commit\d\d and commit\d\d", said[0].output))
    assert commits in one.read_text()


def refused(said: Said) -> str:
    assert (said.code, said.output) == (2, "")
    assert said.errors.count("\n") == 1
    return said.errors.removeprefix("outboxbench: ").strip()


def test_of_too_few_runs_it_says_how_many_it_takes(
    trend: Callable[..., Said], tmp_path: Path
) -> None:
    runs = keep(tmp_path / "runs", 0.12, seed=7, runs=7)

    assert refused(trend(runs)) == (
        f"changes over time take 8 runs of a suite, and in {runs} no arm was measured in more than"
        " 7 of its usable runs (suite quick): run it more often"
    )


def test_the_committed_references_are_one_run_a_suite(trend: Callable[..., Said]) -> None:
    message = refused(trend(REFERENCES))

    assert "no arm was measured in more than 1 of its usable runs" in message
    assert "left out: faults: it measured no throughput and no latency" in message


def test_folders_without_runs_are_told(trend: Callable[..., Said], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert refused(trend(tmp_path / "none")) == (
        f"{tmp_path / 'none'} is no folder: name one that holds folders of runs"
    )
    assert refused(trend(tmp_path / "empty")) == (
        f"{tmp_path / 'empty'} has no run in it: name a folder that holds folders with a run.json"
    )
    write(tmp_path / "failed", run(verdict="unknown"))
    assert "none of its runs can be used" in refused(trend(tmp_path / "failed"))


def test_offline_and_never_installed_it_says_what_to_do(
    trend: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("OUTBOXBENCH_CACHE", str(tmp_path / "cache"))

    said = trend(keep(tmp_path / "runs", 0.0, seed=6))

    assert said.code == 3
    assert "cannot build an environment of apache-otava==0.8.0 (No matching" in said.errors
    assert "set OUTBOXBENCH_CACHE to a folder where it was built before" in said.errors
