"""An answer in plain words, and what it stands on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What a run says to one question, made of its document alone."""

    question: str
    sentence: str
    """The decision first, then its figures, with units and at most three digits."""
    grounds: str
    """The conditions; after a semicolon, what was measured and what counts as a difference."""
    details: str = ""
    """A paragraph that the decision sums up, where it takes one."""

    @property
    def decision(self) -> str:
        """The first sentence, for where there is no room for all figures."""
        first, _, others = self.sentence.partition(". ")
        return f"{first}." if others else first

    @property
    def conditions(self) -> str:
        """What the answer is about, for where there is no room for all its grounds."""
        return self.grounds.partition(";")[0]
