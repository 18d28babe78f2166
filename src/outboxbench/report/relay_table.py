"""Relays on the terminal: how fast a backlog was drained, how late messages of a chain came."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Final

from rich.text import Text

from outboxbench.analysis.relay_panels import relay_panels
from outboxbench.report.figures_table import FULL_WIDTH, VERDICT, Name, figures_table
from outboxbench.report.numbers import BLANK, milliseconds, rounds, three_digits
from outboxbench.report.verdicts import VERDICTS
from outboxbench.results.block import LatencyUs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from outboxbench.analysis.relay_panels import RelayPanel
    from outboxbench.results.model import Run
    from outboxbench.results.relay import RelayArm

_DRAIN_COLUMNS = ("messages\n/s", "min", "max", "÷ reference", "relay\nCPU µs", "server\nCPU µs")
_CHAIN_COLUMNS = (
    "delivery\np50 ms",
    "\np99",
    "broker\np50 ms",
    "chain\np50 ms",
    "\np99",
    "write\np50 ms",
    "relay\nCPU µs",
)

_NEEDS_WIDTH: Final = frozenset({"min", "max", "relay\nCPU µs", "server\nCPU µs", "write\np50 ms"})

_NOTHING = LatencyUs(samples=0)


def relay_report(run: Run, width: int) -> Iterator[RenderableType]:
    """A table for each load, with what its columns mean; fits from 60 columns on."""
    for panel in relay_panels(run, "drain"):
        yield from (Text(), _table(panel, _DRAIN_COLUMNS, width), _drain_notes(run, panel))
    for panel in relay_panels(run, "chain"):
        yield from (Text(), _table(panel, _CHAIN_COLUMNS, width), _chain_notes(run, panel))


def _table(panel: RelayPanel, columns: tuple[str, ...], width: int) -> Table:
    shown = [width >= FULL_WIDTH or each not in _NEEDS_WIDTH for each in columns]
    table = figures_table(panel.title, ("relay",), compress(columns, shown), (VERDICT,))
    for arm in panel.arms:
        cells = _drain_cells(arm) if panel.scenario == "drain" else _chain_cells(arm)
        table.add_row(
            Name(panel.label(arm)),
            *compress(cells, shown),
            VERDICTS[arm.verdict],
            style="" if arm.verdict == "pass" else "dim",
        )
    return table


def _drain_cells(arm: RelayArm) -> Iterator[str]:
    summary = arm.summary
    if summary is None:
        yield from [BLANK] * len(_DRAIN_COLUMNS)
        return
    ratio = summary.ratio
    yield three_digits(summary.delivered_per_s_median)
    yield three_digits(summary.delivered_per_s_min)
    yield three_digits(summary.delivered_per_s_max)
    yield "" if ratio is None else f"{ratio.ratio:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"
    yield three_digits(summary.relay_cpu_us_per_message)
    yield three_digits(summary.server_cpu_us_per_message)


def _chain_cells(arm: RelayArm) -> Iterator[str]:
    summary = arm.summary
    if summary is None:
        yield from [BLANK] * len(_CHAIN_COLUMNS)
        return
    hops = {each.hop: each.latency_us for each in summary.hops}
    delivery, chain = hops.get("delivery", _NOTHING), hops.get("chain", _NOTHING)
    yield milliseconds(delivery.p50)
    yield milliseconds(delivery.p99)
    yield milliseconds(hops.get("broker", _NOTHING).p50)
    yield milliseconds(chain.p50)
    yield milliseconds(chain.p99)
    yield milliseconds((summary.writes_us or _NOTHING).p50)
    yield three_digits(summary.relay_cpu_us_per_message)


def _drain_notes(run: Run, panel: RelayPanel) -> Text:
    return Text(
        f"{panel.settings_text}\n"
        f"medians of {run.rounds} round{'' if run.rounds == 1 else 's'}; "
        f"÷: strategies to {run.reference}, its plans to its plan\n"
        "lease, mean [95% interval]; CPU per message",
        style="dim",
    )


def _chain_notes(run: Run, panel: RelayPanel) -> Text:
    duplicates = sum(arm.summary.duplicates for arm in panel.arms if arm.summary)
    inversions = sum(arm.summary.inversions for arm in panel.arms if arm.summary)
    return Text(
        f"{panel.settings_text}\n"
        f"{rounds(run)}, merged; {duplicates} duplicates, "
        f"{inversions} out of order\n"
        "from a commit: delivery until all receivers are done, broker until it has\n"
        "confirmed; chain from an order's commit until the broker has its confirmation",
        style="dim",
    )
