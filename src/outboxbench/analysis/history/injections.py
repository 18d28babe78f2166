"""Faults against the evidence that they took effect: without it, a history proves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.history.findings import Findings
from outboxbench.results.block import Check
from outboxbench.results.history import FaultLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.analysis.history.judgement import Part
    from outboxbench.results.history import HistoryLine


ATTEMPTS_SPENT: Final = "attempts_spent"
"""What the evidence of an outage of the broker calls the refusals that were counted during it."""


class InjectionsJudge:
    """Did every fault take effect, and was every one healed?"""

    def __init__(self) -> None:
        self._faults: dict[int, FaultLine] = {}

    def begin_part(self, part: Part) -> None:
        """Faults are so few that every part may see them all."""

    def see(self, line: HistoryLine) -> None:
        """Take note of faults."""
        if isinstance(line, FaultLine):
            self._faults[line.number] = line

    def end_part(self) -> None:
        """Nothing is forgotten."""

    def checks(self) -> Sequence[Check]:
        """Return the checks over faults; none where none was asked for."""
        if not self._faults:
            return ()
        without = [
            f"{fault.number}: {fault.fault}"
            for fault in self._faults.values()
            if fault.took_effect_ns is None or not fault.evidence
        ]
        sick = [
            f"{fault.number}: {fault.fault}"
            for fault in self._faults.values()
            if fault.healed_ns is None
        ]
        return (
            _proved("every fault took effect", without, "no evidence of", len(self._faults)),
            _proved("every fault was healed", sick, "not healed:", len(self._faults)),
            *self._free_outages(),
        )

    def _free_outages(self) -> Sequence[Check]:
        """A broker that cannot be reached says nothing about a message; none where it always is."""
        spent = {
            fault.number: fault.evidence[ATTEMPTS_SPENT]
            for fault in self._faults.values()
            if ATTEMPTS_SPENT in fault.evidence
        }
        if not spent:
            return ()
        costly = Findings("an outage of the broker costs no attempt")
        for number, attempts in spent.items():
            if attempts:
                costly.add(f"{attempts} at injection {number}")
        return (costly.check("have cost attempts", len(spent)),)


def _proved(name: str, missing: list[str], how: str, faults: int) -> Check:
    return Check(
        name=name,
        verdict="unknown" if missing else "pass",
        detail=f"{how} {', '.join(missing)}" if missing else f"all {faults}",
    )
