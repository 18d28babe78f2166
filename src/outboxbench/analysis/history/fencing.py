"""Relays that stood still past their lease, against what they then were allowed to settle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.results.block import Check
from outboxbench.results.history import (
    MESSAGES_HELD,
    PID_GONE,
    PID_STILL,
    STILL_UNTIL_NS,
    DeliveryLine,
    FaultLine,
    RelayLine,
    message_id,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.analysis.history.judgement import Part
    from outboxbench.results.document import Verdict
    from outboxbench.results.history import HistoryLine

FENCED_PLANS: Final = frozenset({"lease", "delete"})
"""Relay plans in which every claim has a fencing token of its own. A relay of the others may get
back under its old one what it has lost."""

STALE_REFUSED: Final = "what is settled under a lease that has passed on is refused"


class FencingJudge:
    """Was a relay refused what it settled after another one had taken over?

    What it held while it stood still and what was delivered meanwhile was delivered by another, who
    had claimed it under a newer token. So at least one settlement of the one that stood still came
    too late. That does no harm by itself, as a run is settled up to a message and never beyond; but
    it gives a lease back that is somebody else's. One that was killed afterwards has told nobody
    what it was refused, so its standstills are not judged.

    Args:
        relays: how many relays there were at a time.
    """

    def __init__(self, relays: int) -> None:
        self._relays = relays
        self._stood_still: dict[int, FaultLine] = {}
        self._holders: dict[str, list[FaultLine]] = {}
        self._overtaken: set[int] = set()
        self._killed: set[int] = set()
        self._late: dict[int, int] = {}

    def begin_part(self, part: Part) -> None:
        """What relays held is so little that every part may see all of it."""

    def see(self, line: HistoryLine) -> None:
        """Take note of relays that stand still, and of deliveries; those come later."""
        if isinstance(line, FaultLine):
            if PID_GONE in line.evidence:
                self._killed.add(line.evidence[PID_GONE])
            if MESSAGES_HELD in line.evidence and STILL_UNTIL_NS in line.evidence:
                self._see_standstill(line)
        elif isinstance(line, RelayLine):
            self._late[line.relay] = line.late
        elif isinstance(line, DeliveryLine):
            for fault in self._holders.get(message_id(line.op_id, line.ordinal), ()):
                began_ns = fault.took_effect_ns
                if (
                    began_ns is not None
                    and began_ns < line.delivered_ns < fault.evidence[STILL_UNTIL_NS]
                ):
                    self._overtaken.add(fault.number)

    def end_part(self) -> None:
        """Nothing is forgotten."""

    def checks(self) -> Sequence[Check]:
        """Return the check; none where no relay stood still."""
        if not self._stood_still:
            return ()
        late = sum(self._late.values())
        told = sum(self._lived_on(number) for number in self._overtaken)
        untold = len(self._overtaken) - told
        verdict: Verdict = "pass"
        if self._overtaken and not told:
            verdict = "unknown"
        elif late < told:
            # One that had to be ended does not tell what it was refused.
            verdict = "fail" if len(self._late) >= self._relays else "unknown"
        return (
            Check(
                name=STALE_REFUSED,
                verdict=verdict,
                detail=(
                    f"{len(self._overtaken)} of {len(self._stood_still)} standstills were "
                    f"overtaken, and {late} settlements refused"
                    + (f"; {untold} were of relays that were killed later" if untold else "")
                ),
            ),
        )

    def _lived_on(self, number: int) -> bool:
        return self._stood_still[number].evidence.get(PID_STILL) not in self._killed

    def _see_standstill(self, fault: FaultLine) -> None:
        if fault.number in self._stood_still:
            return
        self._stood_still[fault.number] = fault
        for message in fault.evidence[MESSAGES_HELD]:
            self._holders.setdefault(message, []).append(fault)
