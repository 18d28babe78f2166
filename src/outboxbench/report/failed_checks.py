"""What did not pass in a run, arm by arm, in lines that say why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outboxbench.report.verdicts import failed_check
from outboxbench.results.model import Arm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.results.document import Verdict
    from outboxbench.results.model import Run
    from outboxbench.results.relay import RelayArm


@dataclass(frozen=True, slots=True)
class DoubtedArm:
    """An arm whose verdict is not `pass`, and a line for each check that did not."""

    name: str
    verdict: Verdict
    was_measured: bool
    reasons: tuple[str, ...]


def doubted_arms(run: Run) -> Iterator[DoubtedArm]:
    """Yield the arms that did not pass, in the order of the run."""
    measured: list[Arm | RelayArm] = [*run.arms, *run.relays]
    for arm in measured:
        if arm.verdict != "pass":
            yield DoubtedArm(arm.name, arm.verdict, bool(arm.blocks), tuple(_reasons(arm)))
    for under_fault in run.faults:
        if under_fault.verdict != "pass":
            reasons = (
                failed_check(check, under_fault.expected_findings)
                for check in under_fault.checks
                if check.verdict != "pass"
            )
            yield DoubtedArm(
                under_fault.name, under_fault.verdict, was_measured=True, reasons=tuple(reasons)
            )


def _reasons(arm: Arm | RelayArm) -> Iterator[str]:
    """Each check that did not pass, once, with the number of rounds in which it did not."""
    blocks_with: Counter[tuple[str, Verdict]] = Counter()
    details: dict[tuple[str, Verdict], str] = {}
    for block in arm.blocks:
        for check in block.checks:
            blocks_with[check.name, check.verdict] += 1
            details.setdefault((check.name, check.verdict), check.detail)
    for check in arm.checks if isinstance(arm, Arm) else ():
        details.setdefault((check.name, check.verdict), check.detail)
    for (name, verdict), detail in details.items():
        if verdict != "pass":
            rounds = blocks_with[name, verdict]
            where = f" (in {rounds} of {len(arm.blocks)} rounds)" if rounds else ""
            yield f"{verdict}: {name}{where}: {detail}"
