"""What a network changes, in words: who overtakes whom, and how exact the delays were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.crossings import crossings

if TYPE_CHECKING:
    from outboxbench.analysis.series import Panel, Series
    from outboxbench.results.model import Run

MOST_LINES: Final = 12
"""Of crossings; the rest is counted."""


def series_name(panel: Panel, series: Series) -> str:
    """A strategy, with its event loop where the panel has both."""
    loops = {each.loop for each in panel.series}
    return series.strategy if len(loops) == 1 else f"{series.strategy} {series.loop}"


def crossing_lines(panel: Panel) -> list[str]:
    """Each overtaking in words, those of one strategy between the same distances together."""
    overtaken: dict[tuple[float, float, str], list[str]] = {}
    for each in crossings(panel):
        key = (each.near_ms, each.far_ms, series_name(panel, each.overtaking))
        overtaken.setdefault(key, []).append(series_name(panel, each.overtaken))
    lines = [
        f"From {near_ms:g} to {far_ms:g} ms {overtaking} overtakes {' and '.join(others)}."
        for (near_ms, far_ms, overtaking), others in sorted(overtaken.items())
    ]
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"And {len(lines) - MOST_LINES} more."]
    return lines or ["No strategy overtakes another, as far as the rounds can tell."]


def notes(run: Run, panel: Panel) -> list[str]:
    """The crossings, and how exact the network was."""
    if not run.network:
        return crossing_lines(panel)
    measured = "; ".join(
        f"{delay.rtt_ms:g} ms added {delay.added_p50_us / 1000:.2f} ms (p99"
        f" {delay.added_p99_us / 1000:.2f} ms)"
        for delay in run.network
    )
    return [*crossing_lines(panel), f"The network as measured: {measured}."]
