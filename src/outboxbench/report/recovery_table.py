"""How soon each strategy was back, on the terminal: its profiles side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from outboxbench.analysis.fault_panels import PROFILE, fault_panels
from outboxbench.analysis.history.availability_summary import summarise
from outboxbench.report.figures_table import Name, figures_table
from outboxbench.report.numbers import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from outboxbench.analysis.fault_panels import FaultPanel
    from outboxbench.results.availability import Spread
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

_NEVER: Final = "never"
_GAP: Final = 2
"""Blanks between columns."""


def recovery_report(run: Run) -> Iterator[RenderableType]:
    """A table for each fault where the table of faults does not say it all.

    That is where the server was away, so that a part of the time is its own, or where a strategy
    was measured in more than one profile.
    """
    told = False
    for panel in fault_panels(run):
        profiles = sorted({arm.profile for arm in panel.arms}, reverse=True)
        if len(profiles) > 1 or any(_after_server(arm).measured for arm in panel.arms):
            yield from (Text(), _table(panel, profiles))
            told = True
    if told:
        yield Text(
            "the worst of all injections: first ok: from the onset, of an attempt invoked\n"
            "after the fault had taken effect; after server: less the time until the server\n"
            "answered a fresh connection; below 0 where a client was first. wedged: in all.",
            style="dim",
        )


def _table(panel: FaultPanel, profiles: Sequence[str]) -> Table:
    figures = (
        f"{profile}\n{column}" if column.startswith("first") else column
        for profile in profiles
        for column in ("first\nok ms", "after\nserver", "wedged")
    )
    table = figures_table(f"{panel.fault}: back after", ("strategy",), figures, gap=_GAP)
    for label, by_profile in _rows(panel):
        table.add_row(Name(label), *_cells(by_profile.get(profile) for profile in profiles))
    return table


def _rows(panel: FaultPanel) -> list[tuple[str, dict[str, FaultArm]]]:
    """The arms by profile, those in a row that differ in nothing else; none takes another's place.

    Where two have everything in common that a label tells, each has a row of its own.
    """
    rows: list[tuple[str, dict[str, FaultArm]]] = []
    for arm in panel.arms:
        label = " ".join((arm.strategy, *panel.details(arm, but=PROFILE)))
        for known, by_profile in rows:
            if known == label and arm.profile not in by_profile:
                by_profile[arm.profile] = arm
                break
        else:
            rows.append((label, {arm.profile: arm}))
    return rows


def _cells(arms: Iterable[FaultArm | None]) -> Iterator[str]:
    for arm in arms:
        if arm is None:
            yield from (BLANK,) * 3
            continue
        summary = summarise(arm.availability.injections)
        yield _worst(summary.first_ok_after_effect_ms)
        yield _worst(summary.after_server_ms)
        yield f"{summary.wedged_clients}"


def _after_server(arm: FaultArm) -> Spread:
    return summarise(arm.availability.injections).after_server_ms


def _worst(spread: Spread) -> str:
    if spread.never or spread.max is None:
        return _NEVER if spread.never else BLANK
    return f"{spread.max:,.0f}"
