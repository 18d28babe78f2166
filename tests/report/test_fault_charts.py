"""Charts of faults: what all of them have in common, in words and as files."""

from __future__ import annotations

import gzip
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from tests.report import faults
from tests.report.fault_timelines import timeline
from tests.report.seen import overlaps, words

from outboxbench.analysis.fault_panels import due_in_spans, fault_panels
from outboxbench.report.charts import (
    fault_names,
    fault_outcomes,
    fault_recovery,
    fault_timeline,
    fault_unavailability,
)
from outboxbench.report.charts.catalogue import CATALOGUE
from outboxbench.report.charts.frame import NoDataError
from outboxbench.report.charts.render import render_charts
from outboxbench.report.terminal import print_report
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.figure import Figure

    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

OF_A_RUN = (fault_unavailability, fault_outcomes, fault_recovery)
SIZES = ((1, 1), (12, 1), (2, 20))


DRAWINGS: dict[str, Callable[[Run], Figure]] = {
    "timeline": timeline,
    "unavailability": fault_unavailability.draw,
    "outcomes": fault_outcomes.draw,
    "recovery": fault_recovery.draw,
}


@pytest.mark.parametrize(("strategies", "count"), SIZES)
@pytest.mark.parametrize("name", DRAWINGS)
def test_no_text_of_a_chart_covers_another_or_is_cut_off(
    name: str, strategies: int, count: int
) -> None:
    figure = DRAWINGS[name](faults.run(*faults.many(strategies, count)))
    figure.set_dpi(150)

    assert overlaps(figure) == []


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_chart_has_the_verdict_of_the_run_and_of_each_arm(name: str) -> None:
    good = words(DRAWINGS[name](faults.run(faults.arm())))
    bad = words(DRAWINGS[name](faults.run(faults.arm(), faults.arm("psycopg", verdict="fail"))))

    assert "Verdict of the run: pass" in good
    assert "2 injections an arm" in good
    assert "✗" not in good
    assert "Verdict of the run: ✗ FAIL" in bad
    assert "psycopg  ✗ FAIL" in bad


@pytest.mark.parametrize("name", DRAWINGS)
def test_profiles_of_a_strategy_stand_beside_each_other_under_names_of_their_own(name: str) -> None:
    told = words(
        DRAWINGS[name](
            faults.run(
                faults.arm(profile="matched"),
                faults.arm("psycopg", profile="matched"),
                faults.arm(profile="idiomatic"),
            )
        )
    )

    names = [line.strip() for line in told.splitlines() if " matched" in line or " idiom" in line]
    assert names == ["asyncpg idiomatic", "asyncpg matched", "psycopg matched"]


@pytest.mark.parametrize("chart", OF_A_RUN)
def test_a_chart_of_no_injection_is_left_out_with_the_reason(chart: Any) -> None:
    reason = "no operation was due" if chart is fault_outcomes else "no fault was injected"
    for measured in (faults.run(), faults.run(faults.arm(injections=0))):
        with pytest.raises(NoDataError, match=f"^{reason}"):
            chart.draw(measured)


def test_long_names_differ_still_when_they_are_shortened() -> None:
    long = "a-strategy-of-somebody-else-with-a-long-name"
    (panel,) = fault_panels(
        faults.run(faults.arm(long), faults.arm(long, profile="idiomatic", retries="naive"))
    )

    names = {fault_names.whole_name(panel, arm) for arm in panel.arms}

    assert len(names) == 2
    assert max(map(len, names)) <= fault_names.LONGEST


def test_charts_are_described_with_their_figures_and_verdicts() -> None:
    arm = faults.arm(verdict="unknown", server_ready_ms=200)
    run = faults.run(arm)

    unavailable = fault_unavailability.describe(run)
    assert unavailable.startswith("reset: asyncpg, verdict unknown: time to first ok median ")
    counts = due_in_spans(arm)
    assert fault_outcomes.describe(run) == (
        f"reset: asyncpg, verdict unknown: {counts.failed} failed, {counts.indeterminate} in doubt,"
        f" {counts.skipped} skipped, {counts.ok_recovered} recovered, {counts.ok} ok."
    )
    assert "server answers again median 200 ms, worst 200 ms" in fault_recovery.describe(run)
    timeline = fault_timeline.describe(run, fault_panels(run)[0], {})
    assert f"{arm.name}: 2 injections, {counts.failed} failed" in timeline


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "faults", datetime(2026, 3, 1, tzinfo=UTC))


def recorded(folder: RunFolder) -> tuple[FaultArm, FaultArm]:
    first, second = faults.arm(), faults.arm("psycopg", "black-hole")
    return faults.record(folder, first), faults.record(folder, second)


def test_a_run_of_faults_has_their_charts_the_same_bytes_each_time(
    folder: RunFolder,
) -> None:
    run = faults.run(recorded(folder)[0])

    drawn = []
    for _ in range(2):
        rendered = render_charts(run, folder)
        drawn.append(
            {path.stem: path.read_bytes() for path in rendered.files if path.suffix == ".svg"}
        )

    assert drawn[0].keys() == {
        *("fault-unavailability", "fault-outcomes", "fault-recovery"),
        "fault-timeline-reset",
    }
    assert drawn[0] == drawn[1]
    assert rendered.left_out.keys() == CATALOGUE.keys() - {
        *("fault-unavailability", "fault-outcomes", "fault-recovery", "fault-timeline")
    }


def test_the_terminal_names_the_charts_that_were_drawn(folder: RunFolder) -> None:
    run = faults.run(recorded(folder)[0])
    file = io.StringIO()

    print_report(Console(file=file, width=80), run, folder.path)
    assert "Charts:" not in file.getvalue()
    render_charts(run, folder)
    print_report(Console(file=file, width=80), run, folder.path)

    told = file.getvalue()
    assert " ".join(told.split()).endswith(
        "Charts: fault-outcomes, fault-recovery, fault-timeline-reset, fault-unavailability"
    )


@pytest.mark.parametrize(
    ("becomes", "reason"),
    [
        ("cut", "it was cut"),
        ("missing", "cannot read"),
        ("another's", "was changed after the run"),
    ],
)
def test_a_history_that_cannot_be_read_costs_only_its_own_timeline(
    becomes: str, reason: str, folder: RunFolder
) -> None:
    arms = recorded(folder)
    path = folder.path / arms[0].history
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.unlink()
    if becomes == "cut":
        path.write_bytes(gzip.compress(b"".join(lines[:-1])))
    elif becomes == "another's":
        path.write_bytes((folder.path / arms[1].history).read_bytes())

    rendered = render_charts(faults.run(*arms), folder)

    assert {path.stem for path in rendered.files} == {
        *("fault-unavailability", "fault-outcomes", "fault-recovery"),
        "fault-timeline-black-hole",
    }
    assert reason in rendered.left_out["fault-timeline-reset"]


def test_a_history_outside_the_folder_of_its_run_is_not_read(folder: RunFolder) -> None:
    arm = faults.arm().model_copy(update={"history": "../elsewhere.jsonl.gz"})

    rendered = render_charts(faults.run(arm), folder)

    assert "outside its folder" in rendered.left_out["fault-timeline-reset"]
