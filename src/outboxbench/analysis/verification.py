"""Judges the histories of a run again, and says where that differs from what the run says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from outboxbench.analysis.history.judgement import judge_history
from outboxbench.analysis.verdict import combine
from outboxbench.results.block import Check
from outboxbench.results.history import HistoryDamaged, read_history

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from outboxbench.results.document import Verdict
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run


@dataclass(frozen=True, slots=True)
class Verification:
    """One history, judged again. `agrees` tells whether the run said the same."""

    arm: FaultArm
    checks: tuple[Check, ...]
    agrees: bool

    @property
    def verdict(self) -> Verdict:
        """The verdict of the history as it is now."""
        return combine(check.verdict for check in self.checks)


def verify(run: Run, folder: Path) -> Iterator[Verification]:
    """Yield every history of a run, judged from its lines alone.

    One that is missing, or not as it was written, proves nothing: its verdict is `unknown`.
    """
    for arm in run.faults:
        try:
            checks = judge_history(partial(read_history, _inside(folder, arm.history)))
        except (HistoryDamaged, OSError) as error:
            reason = f"{type(error).__name__}: {error}"
            checks = (Check(name="the history is whole", verdict="unknown", detail=reason),)
        yield Verification(arm, checks, agrees=checks == arm.checks)


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise HistoryDamaged(f"the run names a history outside its folder: {name}")
    return path
