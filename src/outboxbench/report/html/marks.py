"""Verdicts and decisions as signs and words: nobody has to tell colours apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from outboxbench.report.fault_matrix import Sign
    from outboxbench.results.comparison import Decision

Kind = Literal["fail", "unknown", "expected", "pass", "plain"]
"""The class that colours a mark."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A verdict or a decision: its sign, its word, and its place among others, the worst first."""

    kind: Kind
    sign: str
    word: str
    rank: int

    @property
    def is_doubtful(self) -> bool:
        """Whether figures beside it are in doubt, where it is a verdict."""
        return self.kind in {"fail", "unknown"}


_MARKS: Final[dict[Sign, Mark]] = {
    "fail": Mark("fail", "✗", "FAIL", 0),
    "unknown": Mark("unknown", "?", "unknown", 1),
    "expected": Mark("expected", "✗", "as expected", 2),
    "pass": Mark("pass", "✓", "pass", 3),
}
_DECISIONS: Final[dict[Decision, Mark]] = {
    "regression": Mark("fail", "✗", "regression", 0),
    "inconclusive": Mark("unknown", "?", "inconclusive", 1),
    "same": Mark("plain", "=", "same", 2),
    "improvement": Mark("pass", "✓", "improvement", 3),
}


def mark_of(verdict: Sign) -> Mark:
    """The mark of a verdict, or of a failure that was there to be found."""
    return _MARKS[verdict]


def decision_mark_of(decision: Decision) -> Mark:
    """The mark of what a comparison has decided."""
    return _DECISIONS[decision]
