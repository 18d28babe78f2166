"""Throughput and latency as tables: one for each set of arms that may be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.comparable import comparable_arms, settings_text
from outboxbench.analysis.rate_series import is_swept, sweep
from outboxbench.analysis.series import rate_panels
from outboxbench.report.divisors import divisor, divisor_note
from outboxbench.report.html.marks import mark_of
from outboxbench.report.html.table import (
    Cell,
    ReportTable,
    Row,
    blanks,
    count,
    figure,
    figure_columns,
    in_ms,
    ratio_with_interval,
    share,
    text_columns,
    verdict,
    word,
)
from outboxbench.report.numbers import METRIC_NAMES, rounds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.analysis.rate_series import Sweep
    from outboxbench.results.comparison import Comparison, Metric
    from outboxbench.results.model import Arm, Run, Summary

ARMS_LEGEND: Final = (
    "Percentiles are over all rounds, and blank where there are too few samples for them. CPU is "
    "that of an attempted operation."
)
SWEEPS_LEGEND: Final = (
    "Capacity: in a closed loop. Knee: up to where more load is worth its latency; a dash where no "
    "rate went that far."
)

_LATENCIES: Final = ("p50\nms", "p90\nms", "p99\nms", "p99.9\nms", "max\nms")
_COSTS: Final = ("client CPU\nµs/op", "server CPU\nµs/op")
_SWEEP: Final = (
    "capacity\nper s",
    "knee\nper s",
    "p99 at knee\nms",
    "p50 at lowest rate\nms",
    "p99 at lowest rate\nms",
    "highest ok\nper s",
)


def arm_tables(run: Run) -> Iterator[ReportTable]:
    """Yield a table for each set of comparable arms, the best of them first.

    Profiles are never mixed in one.
    """
    for arms in comparable_arms(run):
        yield _arms_table(run, arms)


def sweep_tables(run: Run) -> Iterator[ReportTable]:
    """Yield a table for each sweep of rates, a row for each strategy on an event loop."""
    for panel in rate_panels(run):
        sweeps = sorted(map(sweep, panel.series), key=lambda each: -each.highest_ok_per_s)
        yield ReportTable(
            title=f"{panel.title}, {panel.settings.get('arrivals')} at rising rates",
            names="strategy",
            columns=(
                *text_columns("verdict", "loop"),
                *figure_columns(_SWEEP),
                *text_columns("knee by"),
            ),
            rows=tuple(_sweep_row(each, panel.profile) for each in sweeps),
            notes=(f"{rounds(run)} at each rate", settings_text(panel.settings)),
        )


def _arms_table(run: Run, arms: ComparableArms) -> ReportTable:
    is_open = any(arm.offered_per_s is not None for arm in arms.strategies)
    metric: Metric = "latency_p50" if is_open else "ok_per_s"
    of_own_rate = " (each at a rate of its own)" if is_swept(run, arms) else ""
    load = (
        ("offered\nper s", "skipped\n% of due")
        if is_open
        else ("min\nok/s", "max\nok/s", "of ceiling\n%")
    )
    ratios = {each.head: each for each in run.comparisons if each.metric == metric}
    return ReportTable(
        title=f"{arms.title}{of_own_rate}",
        names="strategy",
        columns=(
            *text_columns("verdict", "loop", "write plan"),
            *figure_columns(
                (
                    "median\nok/s",
                    *load,
                    f"{METRIC_NAMES[metric]} ÷ {divisor(run, arms)}\n[95% interval]",
                    *_LATENCIES,
                    "not ok\n% of attempted",
                    *_COSTS,
                    "rounds",
                )
            ),
        ),
        rows=tuple(
            _arm_row(arms, arm, ratios, is_open=is_open)
            for arm in (*arms.ceilings, *arms.strategies)
        ),
        notes=(f"medians of {rounds(run)}; {divisor_note(run, arms)}", arms.settings_text),
    )


def _arm_row(
    arms: ComparableArms, arm: Arm, ratios: Mapping[str, Comparison], *, is_open: bool
) -> Row:
    is_ceiling = arm.role == "ceiling"
    name = f"{arms.label(arm)} (ceiling)" if is_ceiling else arms.label(arm)
    known = (verdict(arm.verdict), word(arm.loop), word(arm.write_plan))
    return Row(
        name=name,
        cells=(*known, *_figures(arm, arm.summary, ratios.get(arm.name), is_open=is_open)),
        mark=mark_of(arm.verdict),
        # The ceiling stays beside whatever is chosen: all of them are held against it.
        strategy=None if is_ceiling else arm.strategy,
        loop=arm.loop,
        profile=arm.profile,
    )


def _figures(
    arm: Arm, summary: Summary | None, ratio: Comparison | None, *, is_open: bool
) -> Iterator[Cell]:
    if summary is None:
        yield from blanks((4 if is_open else 5) + len(_LATENCIES) + 1 + len(_COSTS) + 1)
        return
    attempted = max(summary.outcomes.attempted, 1)
    yield figure(summary.ok_per_s_median)
    if is_open:
        yield figure(arm.offered_per_s)
        yield share(summary.outcomes.skipped / attempted, decimals=1)
    else:
        yield figure(summary.ok_per_s_min)
        yield figure(summary.ok_per_s_max)
        yield share(summary.ceiling_ratio_median)
    yield ratio_with_interval(ratio.ratio, ratio.low, ratio.high) if ratio else word(None)
    latency = summary.latency_us
    for value_us in (latency.p50, latency.p90, latency.p99, latency.p99_9, latency.max):
        yield in_ms(value_us)
    yield share(1 - summary.outcomes.good / attempted, decimals=1)
    yield figure(summary.client_cpu_us_per_op)
    yield figure(summary.server_cpu_us_per_op)
    yield count(summary.rounds)


def _sweep_row(each: Sweep, profile: str) -> Row:
    series, knee = each.series, each.knee
    return Row(
        name=series.strategy,
        cells=(
            verdict(series.verdict),
            word(series.loop),
            figure(each.capacity_per_s),
            figure(knee.offered_per_s if knee else None),
            in_ms(knee.latency_us if knee else None),
            in_ms(each.medians[0].latency_us),
            in_ms(each.tails[0].latency_us),
            figure(each.highest_ok_per_s),
            word(each.judged_by),
        ),
        mark=mark_of(series.verdict),
        strategy=series.strategy,
        loop=series.loop,
        profile=profile,
    )
