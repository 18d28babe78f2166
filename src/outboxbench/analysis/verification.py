"""Judges the histories of a run again, and says where that differs from what the run says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from outboxbench.analysis.history.judgement import Judgement, judge
from outboxbench.analysis.memory import memory_checks
from outboxbench.analysis.verdict import as_expected, combine
from outboxbench.results.block import Check
from outboxbench.results.folders import RunReadError
from outboxbench.results.loss import Loss
from outboxbench.results.store import RunFolder

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
    judgement: Judgement
    agrees: bool

    @property
    def verdict(self) -> Verdict:
        """The verdict of the history as it is now."""
        return combine(check.verdict for check in self.judgement.checks)

    @property
    def counts_as(self) -> Verdict:
        """The same for a run that expects to find what the block was there to show."""
        return as_expected(self.judgement.checks, self.judgement.expected_findings)


def verify(run: Run, folder: Path) -> Iterator[Verification]:
    """Yield every history of a run, judged from its lines alone.

    One that is missing, or not as it was written, proves nothing: its verdict is `unknown`.
    """
    files = RunFolder(folder)
    for arm in run.faults:
        try:
            judgement = judge(partial(files.history, arm))
            judgement = judgement._replace(
                checks=(*judgement.checks, *memory_checks(arm.memory)),
            )
        except RunReadError as error:
            check = Check(name="the history is whole", verdict="unknown", detail=f"{error}")
            judgement = Judgement((check,), (), Loss())
        said = Judgement(arm.checks, arm.expected_findings, arm.loss)
        yield Verification(arm, judgement, agrees=judgement == said)
