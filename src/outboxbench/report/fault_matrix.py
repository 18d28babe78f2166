"""Every verdict of a run under faults at a glance: a row for each fault, a column a strategy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, get_args

from rich.text import Text

from outboxbench.analysis.fault_panels import fault_panels
from outboxbench.analysis.history.operations import NONE_LOST, NONE_TWICE
from outboxbench.analysis.verdict import as_expected
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.figures_table import FULL_WIDTH, Name, figures_table
from outboxbench.report.numbers import BLANK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import RenderableType

    from outboxbench.results.block import Check
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

FEWEST_FAULTS: Final = 2
FEWEST_STRATEGIES: Final = 2

Sign = Literal["fail", "unknown", "expected", "pass"]
"""A verdict, or `expected`: a failure that the arm was there to show. The worst first."""

_PASS, _FAIL, _UNKNOWN = "✓ pass", "✗ FAIL", "? unknown"
_STYLES: Final = {_PASS: "green", _FAIL: "bold red", _UNKNOWN: "bold yellow", BLANK: "dim"}
_FOUND: Final = {NONE_LOST: "lost", NONE_TWICE: "twice"}
_COUNT: Final = re.compile(r"\d+")
_LONGEST_NAME: Final = 36
_GAP: Final = 2
"""Blanks between columns."""

LEGEND: Final = (
    "Every cell is the verdict over the histories of one strategy under one fault.",
    "✓ pass: every check passed. ✗ FAIL: one did not. ? unknown: nothing is proved.",
    "lost 9, twice 9: the arm is there to show a loss, or a repetition, and did: 9",
    "operations were acknowledged and are not there, or were applied twice; every",
    "other check passed. lost 0: it showed none this time. –: not measured.",
)


def fault_matrix(run: Run) -> Iterator[RenderableType]:
    """The verdicts in tables of as many columns as fit, and what they mean; none for a single row.

    What else tells arms apart, such as their retries, makes rows of its own.
    """
    blocks = _blocks(run, _broken, gap=_GAP, edge=0)
    for block in blocks:
        first, *strategies = block.columns
        table = figures_table("", (first,), (), map(_broken, strategies), gap=_GAP)
        table.columns[0].max_width = _LONGEST_NAME
        for name, *cells in block.rows:
            table.add_row(Name(f"{name}"), *(_styled(f"{cell}") for cell in cells))
        yield from (table, Text())
    if blocks:
        yield Text("\n".join(LEGEND), style="dim")


def markdown_matrix(run: Run) -> str:
    """The same as Markdown; empty for a single row or column."""
    blocks = _blocks(run, str, gap=3, edge=4)
    parts = ["\n".join(_markdown_lines(block)) for block in blocks]
    return "\n\n".join((*parts, "\n".join(LEGEND))) + "\n" if blocks else ""


def _blocks(
    run: Run, heading: Callable[[str], str], *, gap: int, edge: int
) -> tuple[DataTable, ...]:
    """The verdicts in words, in blocks of as many strategies as stand beside the faults.

    None if there are too few of either to make a matrix. `gap` is what a column takes beside its
    text, `edge` what the first one does.
    """
    strategies = sorted({arm.strategy for arm in run.faults})
    rows = matrix_rows(run)
    if len(rows) < FEWEST_FAULTS or len(strategies) < FEWEST_STRATEGIES:
        return ()
    columns = {
        strategy: [_cell(arms.get(strategy, ())) for arms in rows.values()]
        for strategy in strategies
    }
    room = FULL_WIDTH - edge - min(_LONGEST_NAME, max(map(len, rows)))
    blocks: list[list[str]] = []
    left = 0
    for strategy, cells in columns.items():
        width = gap + max(map(len, (*heading(strategy).split("\n"), *cells)))
        if not blocks or width > left:
            blocks.append([])
            left = room
        blocks[-1].append(strategy)
        left -= width
    return tuple(
        DataTable(
            columns=("fault", *block),
            rows=tuple(zip(rows, *(columns[each] for each in block), strict=True)),
        )
        for block in blocks
    )


def matrix_rows(run: Run) -> dict[str, dict[str, list[FaultArm]]]:
    """A row for each fault, and for what else tells arms apart: its arms by their strategies."""
    rows: dict[str, dict[str, list[FaultArm]]] = {}
    for panel in fault_panels(run):
        for arm in panel.arms:
            name = " ".join((panel.fault, *panel.details(arm)))
            rows.setdefault(name, {}).setdefault(arm.strategy, []).append(arm)
    return rows


def worst_sign(arms: Iterable[FaultArm]) -> Sign | None:
    """The worst of them; None where there is none."""
    signs = {sign_of(arm) for arm in arms}
    return next((sign for sign in get_args(Sign) if sign in signs), None)


def sign_of(arm: FaultArm) -> Sign:
    """The verdict of an arm, less what it was there to show."""
    if arm.verdict == "pass":
        return "pass"
    verdict = as_expected(arm.checks, arm.expected_findings)
    return "expected" if verdict == "pass" else verdict


def _cell(arms: Sequence[FaultArm]) -> str:
    """The worst of them; blank where there is none."""
    told = [_told(arm) for arm in arms]
    for verdict in (_FAIL, _UNKNOWN):
        if verdict in told:
            return verdict
    found = [each for each in told if each != _PASS]
    return (found or told or [BLANK])[0]


def _told(arm: FaultArm) -> str:
    match sign_of(arm):
        case "fail":
            return _FAIL
        case "unknown":
            return _UNKNOWN
        case "expected" | "pass":
            expected = [check for check in arm.checks if check.name in arm.expected_findings]
            return ", ".join(map(_found, expected)) or _PASS


def _found(check: Check) -> str:
    """What a check has found that was expected to: its detail begins with how many."""
    what = _FOUND.get(check.name, "found")
    count = _COUNT.match(check.detail)
    if check.verdict == "pass":
        return f"{what} 0"
    return f"{what} {count.group()}" if count else what


def _styled(cell: str) -> Text:
    return Text(cell, style=_STYLES.get(cell, "bold magenta"))


def _broken(strategy: str) -> str:
    """A name in lines of its parts: columns are narrow."""
    return strategy.replace("-", "-\n")


def _markdown_lines(block: DataTable) -> Iterator[str]:
    rows = [[f"{cell}".replace("|", "\\|") for cell in row] for row in (block.columns, *block.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    heading, *others = rows
    for row in (heading, ["-" * width for width in widths], *others):
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"| {' | '.join(padded)} |"
