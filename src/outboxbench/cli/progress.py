"""Shows what runs now, how far the run is, and how long it will take."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from outboxbench.report.verdicts import failed_check
from outboxbench.results.faults import FaultArm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from outboxbench.results.block import Block
    from outboxbench.results.relay import RelayBlock


class ProgressObserver:
    """Draws a run's progress: a live line on a terminal, nothing but troubles elsewhere."""

    def __init__(self, progress: Progress, blocks: int) -> None:
        self._progress = progress
        self._blocks = blocks
        self._task = progress.add_task("", total=blocks)

    def preparing(self, what: str) -> None:
        """Something untimed takes a moment."""
        self._progress.update(self._task, description=what)

    def adding(self, blocks: int) -> None:
        """So many blocks come on top of the plan, for what is inconclusive."""
        self._blocks += blocks
        self._progress.update(self._task, total=self._blocks)

    def block_started(self, arm: str, round: int) -> None:
        """The next block begins; rounds count from 0."""
        self._progress.update(self._task, description=f"round {round + 1}: {arm}")

    def block_finished(self, arm: str, block: Block | RelayBlock | FaultArm) -> None:
        """A block is measured and judged; what did not pass is said at once."""
        self._progress.advance(self._task)
        where = arm if isinstance(block, FaultArm) else f"{arm}, round {block.round + 1}"
        expected = block.expected_findings if isinstance(block, FaultArm) else ()
        for check in block.checks:
            if check.verdict != "pass":
                self._progress.console.print(
                    f"{where}: {failed_check(check, expected)}",
                    style="yellow" if check.name in expected else "bold red",
                    markup=False,
                    soft_wrap=True,
                )


class CostProgress:
    """Draws how the prices of commands come along: a live line on a terminal, nothing elsewhere."""

    def __init__(self, progress: Progress, commands: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=commands)

    def preparing(self, what: str) -> None:
        """Something takes a moment."""
        self._progress.update(self._task, description=what)

    def command_started(self, name: str) -> None:
        """The next command is to be counted, or timed."""
        self._progress.update(self._task, description=name)

    def command_finished(self) -> None:
        """It is through."""
        self._progress.advance(self._task)


@contextmanager
def show_progress(console: Console, blocks: int) -> Iterator[ProgressObserver]:
    """Draw a run's progress on this console while the context lasts."""
    with _live_line(console) as progress:
        yield ProgressObserver(progress, blocks)


@contextmanager
def show_cost_progress(console: Console, commands: int) -> Iterator[CostProgress]:
    """Draw the progress of pricing on this console while the context lasts."""
    with _live_line(console) as progress:
        yield CostProgress(progress, commands)


def _live_line(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        MofNCompleteColumn(),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
        # Redrawing costs CPU that a busy machine would take from what is being measured.
        refresh_per_second=2,
    )
