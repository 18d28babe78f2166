"""Whether faults hurt a faster service less, of a run that was made to tell."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from outboxbench.analysis import thesis
from outboxbench.analysis.answers.answer import Answer
from outboxbench.analysis.answers.measured import distrusted
from outboxbench.analysis.answers.words import counted, listed
from outboxbench.analysis.thesis_words import asks_for_the_thesis, paragraph

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from outboxbench.results.model import Run

THESIS: Final = "Is a faster service hurt less by faults?"

_WORDS: Final[dict[thesis.Answer, tuple[str, str]]] = {
    "held": ("bears it out", "bear it out"),
    "did not show": ("shows nothing", "show nothing"),
    "was contradicted": ("contradicts it", "contradict it"),
    "cannot be told": ("cannot be told", "cannot be told"),
}
"""What one ranking does, and what several do."""


def hurt_less(run: Run) -> Iterator[Answer]:
    """Count the rankings for and against it, over the strategies that can be trusted."""
    if not asks_for_the_thesis(run):
        return
    out = distrusted(run)
    trusted = run.model_copy(
        update={"faults": tuple(arm for arm in run.faults if arm.strategy not in out)}
    )
    points = thesis.thesis_points(trusted)
    left_out = sorted({arm.strategy for arm in run.faults} & out)
    aside = f"{listed(left_out)} did not pass: left out." if left_out else ""
    faults = {point.fault for point in points}
    yield Answer(
        THESIS,
        _decision(thesis.findings(points), len(faults)),
        f"{counted(len(points), 'arm')} under {counted(len(faults), 'fault')}; each ranking is "
        "Spearman's ρ over the arms under a fault, without an interval: from "
        f"{thesis.CLEAR} on it bears a claim out, from -{thesis.CLEAR} down it contradicts it",
        details=" ".join(part for part in (paragraph(trusted), aside) if part),
    )


def _decision(found: Sequence[thesis.Finding], faults: int) -> str:
    answers = Counter(each.answer for each in found)
    parts = [
        f"{answers[answer]} {one if answers[answer] == 1 else several}"
        for answer, (one, several) in _WORDS.items()
        if answers[answer]
    ]
    if answers["cannot be told"] == len(found):
        return "It cannot be told: too few arms that differ met the same fault."
    if len(parts) == 1 and answers["held"]:
        opening = "Yes"
    elif answers["held"]:
        opening = "In part"
    else:
        opening = "No" if answers["was contradicted"] else "It did not show"
    under = "1 fault" if faults == 1 else f"each of {faults} faults"
    return (
        f"{opening}: of {len(found)} rankings ({len(thesis.CLAIMS)} claims under {under}), "
        f"{listed(parts)}."
    )
