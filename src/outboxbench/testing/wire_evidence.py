"""What passed the wire during an operation, and what that proves of its outcome.

An operation that raised is `failed` only where that is proved, see `outcome_of`: an answer of the
server with severity ERROR proves it, and so does a wire over which nothing was committed. And one
that returned as though all were well is not believed where the wire says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from outboxbench.core.application.outcome import Outcome
from outboxbench.results.block import Check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.harness.wire.counts import WireCounts
    from outboxbench.testing.subject import Ended


class Seen(NamedTuple):
    """An operation, and what passed the wire while it ran."""

    ended: Ended
    wire: WireCounts


def is_left_open(wire: WireCounts) -> bool:
    """Whether statements were answered, and no transaction was over after them."""
    return wire.statements > 0 and wire.transactions == 0


def proved(seen: Seen) -> Ended:
    """Return the operation with the outcome that the wire proves."""
    ended, wire = seen
    is_in_doubt = ended.outcome is Outcome.INDETERMINATE
    nothing_committed = wire.commits == 0 and wire.transactions == wire.rollbacks
    if is_in_doubt and nothing_committed and not is_left_open(wire):
        return ended._replace(outcome=Outcome.FAILED)
    return ended


def checks_of(operations: Sequence[Seen], *, has_written: bool) -> tuple[Check, ...]:
    """Judge operations by what passed the wire.

    `has_written` is whether any transaction wrote: one that only reads may as well be rolled back.
    """
    ok = [seen.wire for seen in operations if seen.ended.outcome is Outcome.OK]
    open_ones = sum(is_left_open(wire) for wire in ok)
    rolled_back = sum(wire.rollbacks > 0 for wire in ok) if has_written else 0
    return (
        Check.of(
            "every operation ends its transaction",
            passed=open_ones == 0,
            detail=f"{open_ones} of {len(ok)} returned and left it open: is a commit missing?",
        ),
        Check.of(
            "no operation that returns was rolled back",
            passed=rolled_back == 0,
            detail=f"{rolled_back} of {len(ok)} returned, and were rolled back: "
            "is an error swallowed, or a commit missing?",
        ),
    )


def outcome_checks(outcomes: Sequence[Outcome]) -> tuple[Check, ...]:
    """Say whether the outcomes let a verdict be spoken at all."""
    ok, in_doubt = outcomes.count(Outcome.OK), outcomes.count(Outcome.INDETERMINATE)
    return (
        Check(
            name="operations succeeded",
            verdict="pass" if ok else "unknown",
            detail=f"{ok} of {len(outcomes)} operations ended ok",
        ),
        Check(
            name="no operation is in doubt",
            verdict="unknown" if in_doubt else "pass",
            detail=f"{in_doubt} of {len(outcomes)} may have been committed, or not",
        ),
    )
