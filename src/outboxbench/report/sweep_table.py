"""Sweeps of rates on the terminal: one row for each, however many rates it has."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Final

from rich.text import Text

from outboxbench.analysis.comparable import settings_text
from outboxbench.analysis.rate_series import sweep
from outboxbench.report.figures_table import VERDICT, Name, figures_table
from outboxbench.report.numbers import BLANK, milliseconds, rounds, three_digits
from outboxbench.report.verdicts import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table

    from outboxbench.analysis.rate_series import Sweep
    from outboxbench.analysis.series import Panel
    from outboxbench.results.model import Run

_HEADINGS: Final = (
    "capac-\nity/s",
    "knee/s",
    "p99 ms\nat knee",
    "p50 ms\nlowest",
    "p99 ms\nlowest",
    "highest\nok/s",
)
_NEEDS_WIDTH: Final = frozenset({"p50 ms\nlowest", "highest\nok/s"})
_ALL_FIGURES_WIDTH: Final = 72


def sweep_table(panel: Panel, width: int) -> Table:
    """What each strategy can take, the one that does most on top; fits from 60 columns on."""
    loops = {series.loop for series in panel.series}
    names_loops = len(loops) > 1
    title = f"{panel.title}, {panel.settings.get('arrivals')} at rising rates"
    shown = [width >= _ALL_FIGURES_WIDTH or each not in _NEEDS_WIDTH for each in _HEADINGS]
    table = figures_table(
        title if names_loops else f"{title}, {loops.pop()}",
        ("strategy", "loop") if names_loops else ("strategy",),
        compress(_HEADINGS, shown),
        (VERDICT,),
    )
    for each in _by_throughput(panel):
        series = each.series
        table.add_row(
            Name(series.strategy),
            *([Text(series.loop)] if names_loops else []),
            *map(Text, compress(_figures(each), shown)),
            VERDICTS[series.verdict],
            style="" if series.verdict == "pass" else "dim",
        )
    return table


def sweep_notes(run: Run, panel: Panel) -> Text:
    """What the figures mean, and which are not as the others."""
    sweeps = _by_throughput(panel)
    rates = sorted({point.offered_per_s for each in sweeps for point in each.medians})
    lines = [
        f"{settings_text(panel.settings)}; PostgreSQL {run.server.version}",
        f"{rounds(run)} at each rate, {three_digits(rates[0])} to {three_digits(rates[-1])} per s",
        "capacity: in a closed loop; knee: most work per latency; lowest: of the rates",
    ]
    if by_median := [each for each in sweeps if each.judged_by == "p50"]:
        lines.append(f"* by the median, too few samples for p99: {_names(by_median)}")
    if endless := [each for each in sweeps if each.knee is None]:
        lines.append(f"{BLANK} no knee within the rates measured: {_names(endless)}")
    if losses := list(_losses(sweeps)):
        lines.insert(0, f"skipped or failed, all rates together: {', '.join(losses)}")
    return Text("\n".join(lines), style="dim")


def _by_throughput(panel: Panel) -> list[Sweep]:
    return sorted(map(sweep, panel.series), key=lambda each: -each.highest_ok_per_s)


def _figures(each: Sweep) -> Iterator[str]:
    found = each.knee
    mark = "*" if each.judged_by == "p50" else ""
    yield three_digits(each.capacity_per_s)
    yield BLANK if found is None else three_digits(found.offered_per_s)
    yield BLANK if found is None else f"{milliseconds(found.latency_us)}{mark}"
    yield milliseconds(each.medians[0].latency_us)
    yield milliseconds(each.tails[0].latency_us)
    yield three_digits(each.highest_ok_per_s)


def _names(sweeps: Sequence[Sweep]) -> str:
    return ", ".join(map(_name, sweeps))


def _name(each: Sweep) -> str:
    return f"{each.series.strategy} {each.series.loop}"


def _losses(sweeps: Sequence[Sweep]) -> Iterator[str]:
    for each in sweeps:
        outcomes = [arm.summary.outcomes for arm in each.series.arms if arm.summary]
        attempted = sum(counts.attempted for counts in outcomes)
        lost = attempted - sum(counts.good for counts in outcomes)
        if lost:
            yield f"{_name(each)} {lost / attempted:.2%}"
