"""Changes over many runs on the terminal: what changed, by how much, and between which commits."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from outboxbench.analysis.trend import FEWEST_RUNS
from outboxbench.report.figures_table import figures_table
from outboxbench.report.numbers import METRIC_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from outboxbench.analysis.trend import Change, LeftOut, Series, Trend


def trend_report(
    trends: Sequence[Trend], too_short: Sequence[Series], left_out: Sequence[LeftOut]
) -> RenderableType:
    """Every change, and what was not looked at; fits 80 columns."""
    changed = [trend for trend in trends if trend.changes]
    return Group(
        Text(_summary(trends, changed), style="bold"),
        *((Text(), _table(changed)) if changed else ()),
        Text(),
        *(Text(line, style="dim") for line in _notes(trends, too_short)),
        *(
            Text.assemble(("Left out: ", "yellow"), f"{each.name}: {each.reason}")
            for each in left_out
        ),
    )


def between(change: Change) -> str:
    """The commits around a change, or that they are not known."""
    before, after = change.before.revision, change.after.revision
    if before is None or after is None:
        return f"commit {'before' if before is None else 'after'} it not recorded"
    if before == after:
        return f"both runs from {after}"
    return f"between {before} and {after}"


def size_text(change: Change) -> str:
    """By how much a ratio changed."""
    return f"{change.size:+.1%}"


def _summary(trends: Sequence[Trend], changed: Sequence[Trend]) -> str:
    runs = {run.name: run for trend in trends for run in trend.series.runs}
    started = [run.run.started_at for run in runs.values()]
    count = sum(len(trend.changes) for trend in changed)
    found = "no change" if not count else f"{count} change{'' if count == 1 else 's'}"
    return (
        f"{len(runs)} runs from {min(started):%Y-%m-%d} to {max(started):%Y-%m-%d},"
        f" {len(trends)} series: {found}"
    )


def _table(changed: Sequence[Trend]) -> Table:
    table = figures_table("", ("arm, metric",), ("change",), ("",), gap=3)
    table.add_column(Text("since"), overflow="fold")
    for column in table.columns:
        column.vertical = "top"
    earlier: tuple[str, ...] = ()
    for trend in changed:
        track = trend.series.track
        if (*track.group, track.arm) != earlier:
            table.add_row(Text(track.arm, style="bold"))
            earlier = (*track.group, track.arm)
        advisory = " (advisory)" if track.is_advisory else ""
        for change in trend.changes:
            table.add_row(
                Text(f"  {METRIC_NAMES[track.metric]}{advisory}"),
                size_text(change),
                Text("better", "green") if change.is_better else Text("worse", "bold red"),
                Text("\n".join(_since(change))),
                style="dim" if track.is_advisory else "",
            )
    return table


def _since(change: Change) -> Iterator[str]:
    yield f"{change.after.run.started_at:%Y-%m-%d}, {change.after.name}"
    yield between(change)
    yield from change.differences


def _notes(trends: Sequence[Trend], too_short: Sequence[Series]) -> Iterator[str]:
    references = sorted({trend.series.track.reference for trend in trends})
    yield f"of the ratio to {', '.join(references)} in the same run; less than 5% counts as none"
    at_once = Counter(
        (change.after.name, track.suite, track.metric, change.is_better)
        for trend in trends
        for track, changes in [(trend.series.track, trend.changes)]
        for change in changes
    )
    of_a_kind = Counter((trend.series.track.suite, trend.series.track.metric) for trend in trends)
    for (run, suite, metric, _), count in at_once.items():
        arms = of_a_kind[suite, metric]
        if 2 < arms < 2 * count:
            yield (
                f"{METRIC_NAMES[metric]} since {run}: {count} of {arms} arms changed at once, so it"
                " may be the reference that did"
            )
    if too_short:
        most = max(len(series.runs) for series in too_short)
        yield (f"{len(too_short)} series have {most} runs or fewer, and changes take {FEWEST_RUNS}")
