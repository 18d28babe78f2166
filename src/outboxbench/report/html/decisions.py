"""What the comparisons of two runs come to, in a sentence for who has to decide on a change."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from outboxbench.analysis.answers import Answer
from outboxbench.analysis.answers.words import counted, listed
from outboxbench.report.numbers import METRIC_NAMES, interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.analysis.two_runs import Obstacles
    from outboxbench.results.comparison import Comparison, Decision

WORSE: Final = "Has anything become worse?"
COMPARABLE: Final = "Can these two runs be compared?"

_WORDS: Final[dict[Decision, str]] = {
    "regression": "worse",
    "inconclusive": "inconclusive",
    "same": "the same",
    "improvement": "better",
}


def comparison_answer(
    comparisons: Sequence[Comparison], obstacles: Obstacles, notes: Sequence[str]
) -> Answer:
    """Say whether head is worse than base in anything, or that this cannot be told.

    Args:
        comparisons: of head with base; none where the obstacles are fatal.
        obstacles: what stands between the two runs, which the page says above the answer.
        notes: what counts as a difference, which the answer stands on.
    """
    if obstacles.fatal:
        return Answer(COMPARABLE, "No. Here they only stand beside each other.", "")
    grounds = "; ".join(notes)
    deciding = [each for each in comparisons if not each.is_advisory]
    if not deciding:
        return Answer(WORSE, "It cannot be told.", grounds)
    return Answer(WORSE, " ".join(_sentences(comparisons, deciding)), grounds)


def _sentences(comparisons: Sequence[Comparison], deciding: Sequence[Comparison]) -> list[str]:
    counts = Counter(each.decision for each in deciding)
    told = listed(
        [f"{counts[decision]} {word}" for decision, word in _WORDS.items() if counts[decision]]
    )
    of_all = f"Of {counted(len(deciding), 'comparison')} that decide: {told}."
    regressions = [each for each in deciding if each.decision == "regression"]
    if regressions:
        first = f"Yes: {_named(regressions)}."
    elif counts["inconclusive"]:
        first = "Not that it could be told."
    else:
        first = "No."
    advisory = [each for each in comparisons if each.is_advisory and each.decision == "regression"]
    aside = f"Worse in what is advisory: {_named(advisory)}." if advisory else ""
    return [part for part in (first, of_all, aside) if part]


def _named(regressions: Sequence[Comparison]) -> str:
    return listed(
        [
            f"{each.head} has {interval(each)} times the {METRIC_NAMES[each.metric]}"
            for each in regressions
        ],
        most=3,
    )
