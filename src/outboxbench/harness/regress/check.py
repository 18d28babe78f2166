"""A regression check from its first gate to its last.

Counts take seconds, faults half a minute, and both are certain; rounds take all the time that is
left, and are not measured where it is decided without them. Who breaks what belongs together is
told of both: one transaction more is a count, and what it loses a verdict. Where counts refuse,
those strategies alone are put through faults whose counts are worse.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from outboxbench.analysis.comparison import REGRESSIONS
from outboxbench.analysis.regression import correctness_gate, counts_gate, gravest, timing_gate
from outboxbench.harness.cost.plan import CostPlan
from outboxbench.harness.cost.runner import take_prices
from outboxbench.harness.strategies import load_measurable
from outboxbench.harness.suite.fault_plan import plan_faults
from outboxbench.harness.suite.further_rounds import WithinBudget
from outboxbench.harness.suite.plan import Plan, make_plan
from outboxbench.harness.suite.runner import RunRequest, run_suite
from outboxbench.results.regression import Gate, Regression, RevisionNamed
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from outboxbench.harness.cost.commands import CostObserver
    from outboxbench.harness.environments.worker_environment import WorkerEnvironment
    from outboxbench.harness.regress.revisions import Revision
    from outboxbench.harness.regress.sides import Sides
    from outboxbench.harness.suite.model import Suite
    from outboxbench.harness.suite.runner import RunObserver
    from outboxbench.results.cost import Costs
    from outboxbench.results.model import Run
    from outboxbench.results.noise import Noise

COUNTED_WORKLOADS = ("charge", "place", "amend")
ENDING_S = 5.0
"""For what follows the last block: the server is stopped, and the results are written."""


class Watcher(Protocol):
    """Shows how a check comes along, one part after the other."""

    def counting(self, steps: int) -> AbstractContextManager[CostObserver]:
        """Show how the counts of one side come along."""
        ...

    def running(self, blocks: int) -> AbstractContextManager[RunObserver]:
        """Show how a run comes along."""
        ...


@dataclass(frozen=True, slots=True)
class RegressionCheck:
    """What to hold against what, for how long, and where the results go.

    `deadline_s` is on the monotonic clock; `strategies` are those that both sides have.
    """

    base: Revision
    head: Revision
    suite: Suite
    strategies: tuple[str, ...]
    folder: Path
    command: str
    budget_s: float
    deadline_s: float
    started_at: datetime
    noise: Noise | None = None
    pg_bin: Path | None = None
    notes: tuple[str, ...] = ()

    def carry_out(self, sides: Sides, watcher: Watcher) -> Regression:
        """Ask one gate after the other, the last one only if none has refused.

        Raises:
            BadInput: the suite cannot be measured so.
            CannotRun: this machine cannot do it, or a worker failed.
            RunWriteError: the results cannot be written.
        """
        began_s = monotonic()
        before, now = self._count(sides, watcher)
        counts = counts_gate(before, now, monotonic() - began_s)
        began_s = monotonic()
        suspects = _suspects(counts) if counts.decision == "regression" else self.strategies
        verified = self._verify(sides.head, suspects, watcher)
        correctness = correctness_gate(verified, now, None, monotonic() - began_s)
        if "regression" in (counts.decision, correctness.decision):
            return self._document(counts, correctness, _NOT_TIMED)
        if monotonic() > self.deadline_s:
            return self._document(counts, correctness, _TOO_LATE)
        began_s = monotonic()
        timed = self._time(sides, watcher)
        seconds = monotonic() - began_s
        return self._document(
            counts,
            correctness_gate(verified, now, timed, correctness.seconds),
            timing_gate(timed, seconds),
        )

    def _count(self, sides: Sides, watcher: Watcher) -> tuple[Costs, Costs]:
        plan = CostPlan(
            strategies=tuple(load_measurable(name) for name in self.strategies),
            workloads=COUNTED_WORKLOADS,
            profiles=("matched",),
            timed_operations=None,
        )
        counted = []
        for side in (sides.base, sides.head):
            with watcher.counting(plan.steps) as observer:
                there = replace(plan, environment=side)
                counted.append(take_prices(there, self.command, self.pg_bin, observer))
        return counted[0], counted[1]

    def _verify(
        self, head: WorkerEnvironment, strategies: Sequence[str], watcher: Watcher
    ) -> Run | None:
        suite = self.suite.model_copy(update={"arms": ()})
        faults = plan_faults(suite, frozenset(strategies)) if suite.faults else ()
        if not faults:
            return None
        request = RunRequest(
            suite=suite,
            plan=Plan((), ()),
            faults=[replace(arm, environment=head) for arm in faults],
            folder=RunFolder.create(self.folder, "correctness", datetime.now(UTC)),
            command=self.command,
            pg_bin=self.pg_bin,
        )
        with watcher.running(request.blocks) as observer:
            return run_suite(request, observer)

    def _time(self, sides: Sides, watcher: Watcher) -> Run:
        suite = self.suite.model_copy(update={"faults": ()})
        request = RunRequest(
            suite=suite,
            plan=make_plan(suite, frozenset(self.strategies), (sides.base, sides.head)),
            folder=RunFolder.create(self.folder, "timing", datetime.now(UTC)),
            command=self.command,
            noise=self.noise,
            judging=REGRESSIONS,
            compares_strategies=False,
            further=WithinBudget(lambda: self.deadline_s - ENDING_S - monotonic()),
            pg_bin=self.pg_bin,
        )
        with watcher.running(request.blocks) as observer:
            return run_suite(request, observer)

    def _document(self, *gates: Gate) -> Regression:
        return Regression(
            base=RevisionNamed(name=self.base.name, commit=self.base.commit),
            head=RevisionNamed(name=self.head.name, commit=self.head.commit),
            suite=self.suite.name,
            command=self.command,
            started_at=self.started_at,
            finished_at=datetime.now(UTC),
            budget_s=self.budget_s,
            decision=gravest(gate.decision for gate in gates),
            notes=self.notes,
            gates=gates,
        )


def _suspects(counts: Gate) -> list[str]:
    """Return the strategies whose counts are worse: of the others nobody waits to hear more."""
    return sorted(
        {
            finding.subject.partition(" ")[0]
            for finding in counts.findings
            if finding.decision == "regression"
        }
    )


_TOO_LATE = Gate(
    name="timing",
    decision="inconclusive",
    detail="the budget was spent before the first round",
    seconds=0.0,
)
_NOT_TIMED = Gate(
    name="timing", decision=None, detail="it is decided without a single round", seconds=0.0
)
