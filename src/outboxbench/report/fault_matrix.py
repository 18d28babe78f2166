"""Every verdict of a run under faults at a glance: a row for each fault, a column a strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table
from rich.text import Text

from outboxbench.analysis.fault_panels import fault_panels
from outboxbench.analysis.verdict import as_expected
from outboxbench.report.numbers import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType

    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

FEWEST_FAULTS: Final = 2
FEWEST_STRATEGIES: Final = 2

_PASS: Final = Text("✓", style="green")
_AS_EXPECTED: Final = Text("✓*", style="yellow")
_FAIL: Final = Text("✗", style="bold red")
_UNKNOWN: Final = Text("?", style="bold yellow")


def fault_matrix(run: Run) -> Iterator[RenderableType]:
    """The verdicts as a table, with what its signs and columns mean; nothing for a single row.

    What else tells arms apart, such as their retries, makes rows of its own.
    """
    strategies = sorted({arm.strategy for arm in run.faults})
    rows = _rows(run)
    if len(rows) < FEWEST_FAULTS or len(strategies) < FEWEST_STRATEGIES:
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("verdicts", overflow="fold")
    for number, _ in enumerate(strategies, 1):
        table.add_column(str(number), justify="center", no_wrap=True)
    for name, arms in rows.items():
        table.add_row(Text(name), *(_sign(arms.get(strategy, ())) for strategy in strategies))
    yield table
    columns = ", ".join(f"{number} {name}" for number, name in enumerate(strategies, 1))
    yield Text(columns, style="dim")
    yield Text(
        "✓ pass, ✗ fail, ? unknown, ✓* what was to be found was found, and counted",
        style="dim",
    )


def _rows(run: Run) -> dict[str, dict[str, list[FaultArm]]]:
    rows: dict[str, dict[str, list[FaultArm]]] = {}
    for panel in fault_panels(run):
        for arm in panel.arms:
            name = " ".join((panel.fault, *panel.details(arm)))
            rows.setdefault(name, {}).setdefault(arm.strategy, []).append(arm)
    return rows


def _sign(arms: Iterable[FaultArm]) -> Text:
    """The worst of them; blank where there is none."""
    signs = [_sign_of(arm) for arm in arms]
    for sign in (_FAIL, _UNKNOWN, _AS_EXPECTED, _PASS):
        if sign in signs:
            return sign
    return Text(BLANK)


def _sign_of(arm: FaultArm) -> Text:
    match as_expected(arm.checks, arm.expected_findings):
        case "fail":
            return _FAIL
        case "unknown":
            return _UNKNOWN
        case "pass":
            return _PASS if arm.verdict == "pass" else _AS_EXPECTED
