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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from outboxbench.results.model import Block


class ProgressObserver:
    """Draws a run's progress: a live line on a terminal, nothing but troubles elsewhere."""

    def __init__(self, progress: Progress, blocks: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=blocks)

    def preparing(self, what: str) -> None:
        """Something untimed takes a moment."""
        self._progress.update(self._task, description=what)

    def block_started(self, arm: str, round: int) -> None:
        """The next block begins; rounds count from 0."""
        self._progress.update(self._task, description=f"round {round + 1}: {arm}")

    def block_finished(self, arm: str, block: Block) -> None:
        """A block is measured and judged; what did not pass is said at once."""
        self._progress.advance(self._task)
        for check in block.checks:
            if check.verdict != "pass":
                self._progress.console.print(
                    f"{arm}, round {block.round + 1}: {check.verdict}: {check.name} "
                    f"({check.detail})",
                    style="bold red",
                    markup=False,
                    soft_wrap=True,
                )


@contextmanager
def show_progress(console: Console, blocks: int) -> Iterator[ProgressObserver]:
    """Draw progress on this console while the context lasts."""
    with Progress(
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
        # Redrawing costs CPU that a busy machine would take from the arm being measured.
        refresh_per_second=2,
    ) as progress:
        yield ProgressObserver(progress, blocks)
