"""Verdicts as signs and words: nobody has to tell colours apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from outboxbench.report.fault_matrix import Sign


@dataclass(frozen=True, slots=True)
class Mark:
    """A verdict: its sign, its word, and its place among others, the worst first.

    `kind` names the class that colours it.
    """

    kind: Sign
    sign: str
    word: str
    rank: int

    @property
    def is_doubtful(self) -> bool:
        """Whether figures beside it are in doubt."""
        return self.kind in {"fail", "unknown"}


_MARKS: Final[dict[Sign, Mark]] = {
    "fail": Mark("fail", "✗", "FAIL", 0),
    "unknown": Mark("unknown", "?", "unknown", 1),
    "expected": Mark("expected", "✗", "as expected", 2),
    "pass": Mark("pass", "✓", "pass", 3),
}


def mark_of(verdict: Sign) -> Mark:
    """The mark of a verdict, or of a failure that was there to be found."""
    return _MARKS[verdict]
