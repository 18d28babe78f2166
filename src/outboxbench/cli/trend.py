"""`outboxbench trend`: many runs over time, and when an arm became faster or slower."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console

from outboxbench.analysis.trend import (
    FEWEST_RUNS,
    LeftOut,
    UnusableRun,
    measured_run,
    series_of,
    trend,
)
from outboxbench.harness.environments.otava import change_points
from outboxbench.harness.errors import BadInput
from outboxbench.report.trend_table import trend_report
from outboxbench.results.folders import RunReadError
from outboxbench.results.importing import import_run
from outboxbench.results.reference import PACKED_RUN_FILE
from outboxbench.results.run_file import RUN_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from outboxbench.analysis.trend import MeasuredRun, Series, Trend

TRENDS: Final = Path("results/trends")
_TOLD: Final = 3
"""Runs that were left out, in the sentence that says that there are too few."""


def trend_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of folders of runs.")],
    *,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The strategy to hold others against where a run names none."
        ),
    ] = None,
    fail_on_regression: Annotated[
        bool,
        typer.Option(
            help="Exit with 1 if the newest change of an arm's ok/s or p50 was for the worse."
        ),
    ] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the charts go.")] = TRENDS,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, and draw nothing.")] = False,
) -> None:
    """Find when the ratio of an arm to the reference changed, over many runs of a suite.

    Runs that did not pass are left out. The first call installs Apache Otava beside outboxbench.

    Example: outboxbench trend results/runs
    """
    runs, left_out = _read(folder, reference)
    series = series_of(runs)
    enough = [each for each in series if len(each.runs) >= FEWEST_RUNS]
    if not enough:
        raise BadInput(_too_few(folder, series, left_out))
    points = change_points([each.ratios for each in enough], observe=_observe)
    trends = [trend(each, found) for each, found in zip(enough, points, strict=True)]
    if as_json:
        sys.stdout.write(json.dumps(_document(trends, left_out), indent=2) + "\n")
    else:
        console = Console()
        too_short = [each for each in series if len(each.runs) < FEWEST_RUNS]
        console.print(trend_report(trends, too_short, left_out))
        for path in _draw(trends, out):
            if path.suffix == ".png":
                console.print(f"Chart: {path}", soft_wrap=True, highlight=False)
    if fail_on_regression and any(each.has_regressed for each in trends):
        raise typer.Exit(1)


def _observe(text: str) -> None:
    typer.echo(f"outboxbench: {text}", err=True)


def _read(folder: Path, reference: str | None) -> tuple[list[MeasuredRun], list[LeftOut]]:
    """Read the runs of a folder one by one, and keep of each what is followed."""
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder: name one that holds folders of runs")
    runs: list[MeasuredRun] = []
    left_out: list[LeftOut] = []
    seen: dict[tuple[object, ...], str] = {}
    for path in sorted(folder.iterdir()):
        if not ((path / RUN_FILE).exists() or (path / PACKED_RUN_FILE).exists()):
            continue
        try:
            run = import_run(path)
            identity = (run.suite, run.seed, run.started_at, run.sha256)
            if twin := seen.get(identity):
                raise UnusableRun(f"it is the same run as {twin}")
            runs.append(measured_run(path.name, run, reference))
            seen[identity] = path.name
        except (UnusableRun, RunReadError) as error:
            left_out.append(LeftOut(path.name, str(error)))
    if not (runs or left_out):
        raise BadInput(
            f"{folder} has no run in it: name a folder that holds folders with a {RUN_FILE}"
        )
    return runs, left_out


def _too_few(folder: Path, series: Sequence[Series], left_out: Sequence[LeftOut]) -> str:
    most = max(series, key=lambda each: len(each.runs), default=None)
    if most is None:
        found = "none of its runs can be used"
    else:
        count = len(most.runs)
        found = (
            f"no arm was measured in more than {count} of its usable runs"
            f" (suite {most.track.suite})"
        )
    told = [f"{each.name}: {each.reason}" for each in left_out[:_TOLD]]
    more = [f"{len(left_out) - _TOLD} more"] if len(left_out) > _TOLD else []
    reasons = f"; left out: {'; '.join((*told, *more))}" if left_out else ""
    return (
        f"changes over time take {FEWEST_RUNS} runs of a suite, and in {folder} {found}: run it"
        f" more often{reasons}"
    )


def _draw(trends: Sequence[Trend], out: Path) -> list[Path]:
    # What draws takes longer to import than most commands take.
    from outboxbench.report.charts.render import render_trend_charts

    groups: dict[tuple[str, ...], list[Trend]] = {}
    for each in trends:
        groups.setdefault(each.series.track.group, []).append(each)
    return list(render_trend_charts(list(groups.values()), out))


def _document(trends: Sequence[Trend], left_out: Sequence[LeftOut]) -> dict[str, Any]:
    return {
        "left_out": [each._asdict() for each in left_out],
        "series": [_series(each) for each in trends],
    }


def _series(told: Trend) -> dict[str, Any]:
    track = told.series.track
    return {
        "suite": track.suite,
        "arm": track.arm,
        "reference": track.reference,
        "settings": track.settings,
        "metric": track.metric,
        "is_advisory": track.is_advisory,
        "has_regressed": told.has_regressed,
        "runs": [
            {**_place(run), "ratio": ratio}
            for run, ratio in zip(told.series.runs, told.series.ratios, strict=True)
        ],
        "changes": list(_changes(told)),
    }


def _changes(told: Trend) -> Iterator[dict[str, Any]]:
    for change in told.changes:
        yield {
            "index": change.index,
            "before": _place(change.before),
            "after": _place(change.after),
            "ratio_before": change.ratio_before,
            "ratio_after": change.ratio_after,
            "size": change.size,
            "is_better": change.is_better,
            "differences": list(change.differences),
        }


def _place(run: MeasuredRun) -> dict[str, Any]:
    return {
        "run": run.name,
        "started_at": run.run.started_at.isoformat(),
        "revision": run.revision,
    }
