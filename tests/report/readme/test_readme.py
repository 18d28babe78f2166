"""README.md and docs/ say of the reference results what these say, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.analysis.fault_arms import fault_arm, injection
from tests.report import faults

from outboxbench.report.numbers import three_digits
from outboxbench.report.readme import speed, thesis
from outboxbench.report.readme.documents import changed, made, write
from outboxbench.report.readme.references import WANTED
from outboxbench.results.folders import RunReadError
from outboxbench.results.reducing import make_reference
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.report.conftest import MadeUpRun, RunBuilder

    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

CHECKOUT = Path(__file__).parents[3]
STARTED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
COMMAND = (sys.executable, "-m", "outboxbench.report.readme")
PATIENCE_S = 120.0


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The documents of this checkout in a folder of their own, without a reference."""
    root = tmp_path / "checkout"
    shutil.copytree(CHECKOUT / "docs", root / "docs")
    shutil.copy(CHECKOUT / "README.md", root / "README.md")
    return root


@pytest.fixture
def add(tmp_path: Path) -> Callable[[Path, MadeUpRun], None]:
    """Puts a run into the references of a checkout."""

    def to(root: Path, made_up: MadeUpRun) -> None:
        folder = RunFolder.create(tmp_path / "runs", "made-up", STARTED_AT)
        folder.write_run(made_up.record(folder))
        make_reference(folder.path, root / "results" / "reference")

    return to


def thesis_run() -> Run:
    """Six strategies that take ever longer, and are hurt ever more, under one fault."""
    return faults.run(*_slower_and_slower()).model_copy(update={"suite": "thesis"})


def _slower_and_slower() -> Iterator[FaultArm]:
    for number, strategy in enumerate(faults.STRATEGIES[:6]):
        hurt = injection(
            service_ms=2.0 + number,
            in_flight=number,
            interrupted=number,
            caught_up_ms=100.0 * (number + 1),
            first_ok_after_effect_ms=50.0,
            on_time=190 - number,
        )
        yield fault_arm(strategy, injections=(hurt,), capacity_per_s=900.0 - 100.0 * number)


def test_readme_and_docs_agree_with_the_reference() -> None:
    differing = [str(path.relative_to(CHECKOUT)) for path in changed(CHECKOUT)]

    assert differing == [], "write them anew with `make readme`"


def test_a_figure_that_was_changed_by_hand_is_found(
    checkout: Path, add: Callable[..., None], quick_run: MadeUpRun
) -> None:
    add(checkout, quick_run)
    write(changed(checkout))
    readme = checkout / "README.md"
    whole = readme.read_text()
    [figure] = {
        three_digits(arm.summary.ok_per_s_median)
        for arm in quick_run.run.arms
        if arm.name == "asyncpg-uvloop" and arm.summary
    }
    assert changed(checkout) == {}
    assert f"| asyncpg | {figure} |" in whole

    readme.write_text(whole.replace(f"| asyncpg | {figure} |", "| asyncpg | 9,999 |"))

    assert changed(checkout) == {readme: whole}


def test_a_reference_that_was_measured_anew_is_found(
    checkout: Path, add: Callable[..., None], quick_run: MadeUpRun, build_run: RunBuilder
) -> None:
    add(checkout, quick_run)
    write(changed(checkout))

    add(checkout, build_run(strategies={"asyncpg": (900.0, 1000.0), "psycopg": (700.0, 800.0)}))

    differing = changed(checkout)
    assert checkout / "README.md" in differing
    assert checkout / "docs" / "charts" / speed.CHART in differing


def test_without_references_the_documents_say_which_command_makes_them(checkout: Path) -> None:
    write(changed(checkout))

    readme = (checkout / "README.md").read_text()
    for suite in ("throughput", "thesis"):
        assert f"`make bench SUITE={suite}`, `make reference RUN=results/runs/…`" in readme
    for suite in ("latency", "relay", "faults"):
        assert f"not yet: `make bench SUITE={suite}`" in readme
    results = (checkout / "docs" / "results.md").read_text()
    assert f"Not in the reference yet: {', '.join(f'`{each}`' for each in WANTED)}." in results
    assert list((checkout / "docs" / "charts").glob("*")) == []
    assert changed(checkout) == {}


def test_the_larger_suite_takes_the_place_of_the_smaller_one(
    checkout: Path, add: Callable[..., None], quick_run: MadeUpRun
) -> None:
    add(checkout, quick_run)
    write(changed(checkout))
    quick = (checkout / "README.md").read_text()

    throughput = quick_run.run.model_copy(update={"suite": "throughput"})
    add(checkout, replace(quick_run, run=throughput))
    write(changed(checkout))

    readme = (checkout / "README.md").read_text()
    assert "That is the suite `quick`" in quick
    assert "That is the suite" not in readme
    assert "(results/reference/throughput)" in readme
    assert "(results/reference/quick)" not in readme


def test_a_strategy_that_did_not_pass_is_shown_with_its_verdict_and_never_chosen(
    checkout: Path, add: Callable[..., None], build_run: RunBuilder
) -> None:
    add(checkout, build_run(failing=("asyncpg-uvloop",)))
    write(changed(checkout))

    readme = (checkout / "README.md").read_text()
    assert re.search(r"^\| asyncpg \| .* \| FAIL \|$", readme, re.MULTILINE)
    assert "verdict **fail**" in readme
    [throughput] = [
        line for line in readme.splitlines() if line.startswith("| Which strategy for throughput?")
    ]
    assert "| asyncpg" not in throughput.removeprefix("| Which strategy for throughput? ")


def test_the_claims_of_the_thesis_stand_with_their_ranks(checkout: Path, tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "runs", "thesis", STARTED_AT)
    run = thesis_run()
    arms = [faults.record(folder, arm) for arm in run.faults]
    folder.write_run(run.model_copy(update={"faults": tuple(arms)}))
    make_reference(folder.path, checkout / "results" / "reference")

    write(changed(checkout))

    readme = (checkout / "README.md").read_text()
    assert "| the longer operations take, the more are in flight at the onset | held (ρ 1.00" in (
        readme
    )
    assert f"({'../docs/charts/' + thesis.CHART})" in (checkout / "docs" / "results.md").read_text()
    assert (checkout / "docs" / "charts" / thesis.CHART).exists()


def test_a_chart_whose_reference_is_gone_is_removed(
    checkout: Path, add: Callable[..., None], quick_run: MadeUpRun
) -> None:
    add(checkout, quick_run)
    write(changed(checkout))
    chart = checkout / "docs" / "charts" / speed.CHART
    assert chart.exists()

    shutil.rmtree(checkout / "results" / "reference" / "quick")

    assert changed(checkout)[chart] is None
    write(changed(checkout))
    assert not chart.exists()


def test_the_chart_is_a_white_card_that_a_dark_page_shows_too(
    checkout: Path, add: Callable[..., None], quick_run: MadeUpRun
) -> None:
    add(checkout, quick_run)

    drawn = made(checkout)[checkout / "docs" / "charts" / speed.CHART]

    assert drawn is not None
    [background] = re.findall(
        r'<g id="patch_1">\s*<path d="([^"]+)"\s+style="fill: #ffffff"', drawn
    )
    width, height = (float(each) for each in re.findall(r'viewBox="0 0 (\S+) (\S+)"', drawn)[0])
    assert f"M 0 {height:g}" in background
    assert f"L {width:g} 0" in background


def test_every_process_makes_the_same_bytes(
    checkout: Path, add: Callable[..., None], quick_run: MadeUpRun
) -> None:
    add(checkout, quick_run)

    def call(seed: str, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *options],
            cwd=checkout,
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )

    before = call("1", "--check")
    assert (before.returncode, before.stderr.count("\n")) == (1, 1)
    assert "README.md\n" in before.stdout
    assert "write them with `make readme`" in before.stderr

    written = call("1")
    assert (written.returncode, written.stderr) == (0, "")
    assert written.stdout == before.stdout
    again = call("2", "--check")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_a_damaged_reference_is_refused_in_a_sentence(
    checkout: Path, add: Callable[..., None], quick_run: MadeUpRun
) -> None:
    add(checkout, quick_run)
    next((checkout / "results" / "reference" / "quick" / "histograms").iterdir()).unlink()

    with pytest.raises(RunReadError, match="cannot read"):
        changed(checkout)
    done = subprocess.run(
        COMMAND, cwd=checkout, check=False, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_elsewhere_than_in_a_checkout_it_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=PATIENCE_S
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "outboxbench: README.md: No such file or directory: call it in a checkout of outboxbench\n"
    )
