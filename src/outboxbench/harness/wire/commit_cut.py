"""Which commits are to be cut, and how many were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

When: TypeAlias = Literal["before", "after"]
"""Whether the server is to see the commit of which the client never hears."""


class CommitCuts:
    """What all connections share: the next so many commits, of any of them, are cut."""

    def __init__(self) -> None:
        self._when: When = "before"
        self._left = 0
        self._cut = 0
        self._answers_dropped = 0
        self.is_armed = False
        """Whether cuts were asked for and not healed, even if all of them were made."""

    def arm(self, when: When, count: int) -> None:
        """Cut the next so many commits, and count from zero."""
        self._when, self._left = when, count
        self._cut = self._answers_dropped = 0
        self.is_armed = True

    def disarm(self) -> None:
        """Let all commits pass from now on."""
        self._left = 0
        self.is_armed = False

    @property
    def is_any_left(self) -> bool:
        """Whether a commit that passes is to be cut."""
        return self._left > 0

    def claim(self) -> When | None:
        """Return how the commit that is about to pass is to be cut, if it is."""
        if not self._left:
            return None
        self._left -= 1
        return self._when

    def note(self, *, has_answered: bool) -> None:
        """A connection is about to be reset at its commit."""
        self._cut += 1
        self._answers_dropped += has_answered

    def evidence(self) -> dict[str, Any]:
        """Return the numbers since they were last armed."""
        return {"cut": self._cut, "answers_dropped": self._answers_dropped}


@dataclass(slots=True)
class CutAfter:
    """A commit that passes to the server, whose answer does not pass to the client.

    Args:
        answers_before: how many ReadyForQuery are due to what came before.
        answer_start: where in the server's stream the answer begins; holds once none of them is.
    """

    answers_before: int
    answer_start: int
    end: int | None = None
    """Where in the client's stream the last message ends that the server is to see."""
