"""Relays as tables: how fast backlogs were drained, and how late the messages of chains came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.relay_panels import relay_panels
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
    text_columns,
    verdict,
    word,
)
from outboxbench.report.numbers import rounds
from outboxbench.results.block import LatencyUs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.analysis.relay_panels import RelayPanel
    from outboxbench.results.model import Run
    from outboxbench.results.relay import RelayArm, RelaySummary

_DRAIN: Final = (
    "median\nmessages/s",
    "min\nmessages/s",
    "max\nmessages/s",
    "÷ reference\n[95% interval]",
)
_CHAIN: Final = (
    "delivery p50\nms",
    "delivery p99\nms",
    "broker p50\nms",
    "chain p50\nms",
    "chain p99\nms",
    "write p50\nms",
)
_BOTH: Final = (
    "duplicates",
    "out of order",
    "relay CPU\nµs/message",
    "server CPU\nµs/message",
    "rounds",
)
RELAYS_LEGEND: Final = (
    "÷: strategies are held against the reference, and plans of a strategy against its plan lease. "
    "Latencies are from a commit: delivery until all receivers are done, broker until it has "
    "confirmed, chain from an order's commit until the broker has its confirmation."
)


def relay_tables(run: Run) -> Iterator[ReportTable]:
    """Yield a table for each load, backlogs before chains, the best relay first."""
    for panel in (*relay_panels(run, "drain"), *relay_panels(run, "chain")):
        figures = _DRAIN if panel.scenario == "drain" else _CHAIN
        yield ReportTable(
            title=panel.title,
            names="relay",
            columns=(
                *text_columns("verdict", "loop", "plan"),
                *figure_columns((*figures, *_BOTH)),
            ),
            rows=tuple(_row(panel, arm) for arm in panel.arms),
            notes=(rounds(run), panel.settings_text),
        )


def _row(panel: RelayPanel, arm: RelayArm) -> Row:
    if arm.summary is None:
        first = _DRAIN if panel.scenario == "drain" else _CHAIN
        figures = blanks(len(first) + len(_BOTH))
    else:
        first_cells = _drain if panel.scenario == "drain" else _chain
        figures = (*first_cells(arm.summary), *_both(arm.summary))
    return Row(
        name=panel.label(arm),
        cells=(verdict(arm.verdict), word(arm.loop), word(arm.plan), *figures),
        mark=mark_of(arm.verdict),
        strategy=arm.strategy,
        loop=arm.loop,
    )


def _drain(summary: RelaySummary) -> Iterator[Cell]:
    ratio = summary.ratio
    yield figure(summary.delivered_per_s_median)
    yield figure(summary.delivered_per_s_min)
    yield figure(summary.delivered_per_s_max)
    yield ratio_with_interval(ratio.ratio, ratio.low, ratio.high) if ratio else word(None)


def _chain(summary: RelaySummary) -> Iterator[Cell]:
    nothing = LatencyUs(samples=0)
    hops = {each.hop: each.latency_us for each in summary.hops}
    delivery, chain = hops.get("delivery", nothing), hops.get("chain", nothing)
    yield in_ms(delivery.p50)
    yield in_ms(delivery.p99)
    yield in_ms(hops.get("broker", nothing).p50)
    yield in_ms(chain.p50)
    yield in_ms(chain.p99)
    yield in_ms((summary.writes_us or nothing).p50)


def _both(summary: RelaySummary) -> Iterator[Cell]:
    yield count(summary.duplicates)
    yield count(summary.inversions)
    yield figure(summary.relay_cpu_us_per_message)
    yield figure(summary.server_cpu_us_per_message)
    yield count(summary.rounds)
