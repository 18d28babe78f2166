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
    """What was measured, under which conditions, and what counts as a difference."""
