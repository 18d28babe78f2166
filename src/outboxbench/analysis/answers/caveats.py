"""What speaks against a run as a whole: said beside anything that is read off it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.answers.answer import Answer
from outboxbench.analysis.answers.measured import distrusted
from outboxbench.analysis.answers.words import counted, listed

if TYPE_CHECKING:
    from outboxbench.results.model import Run

QUESTION: Final = "Can these figures be believed?"

_IN_THE_INTERVALS: Final = frozenset({"not-calibrated", "wide-interval", "inconclusive"})
"""Warnings that the answers heed themselves: what cannot be told apart they call so."""


def caveat(run: Run) -> Answer | None:
    """Say why not to rely on a run; None where nothing is known to speak against it."""
    doubts = [each for each in run.warnings if each.code not in _IN_THE_INTERVALS]
    reasons = []
    if run.verdict != "pass":
        reasons.append(_verdict(run))
    if not run.complete:
        reasons.append("The run was interrupted, and this is the part that was measured.")
    if doubts:
        first, *others = doubts
        more = f"; {counted(len(others), 'more warning')}" if others else ""
        reasons.append(f"{first.message[0].upper()}{first.message[1:].rstrip('.')}{more}.")
    if not reasons:
        return None
    opening = "Not all of them." if run.verdict != "pass" else "With care."
    grounds = [f"verdict of the run: {run.verdict}", *(each.code for each in doubts)]
    return Answer(QUESTION, " ".join((opening, *reasons)), "; ".join(grounds))


def _verdict(run: Run) -> str:
    out = sorted(distrusted(run))
    relays = sorted(
        {f"{arm.plan} over {arm.strategy}" for arm in run.relays if arm.verdict != "pass"}
    )
    names = [*out, *(f"the relay {each}" for each in relays)]
    what = "failed a check" if run.verdict == "fail" else "could not be judged"
    if not names:
        return f"The verdict is {run.verdict}."
    return (
        f"{listed(names)} {what}: no answer below stands on {'it' if len(names) == 1 else 'them'}."
    )
