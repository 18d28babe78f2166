"""Who is first, in a sentence: the winner with its lead, or all those that may be it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.answers.words import listed, times

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.analysis.answers.ranking import Ranking

_MOST_NAMED: Final = 4


def who_is_first(ranking: Ranking, figure_of: Callable[[str], str], comparative: str) -> str:
    """Name the first with its figure and its lead over the next.

    Args:
        ranking: who is first, and by how much.
        figure_of: the figure of somebody, by name.
        comparative: what the first is so many times: "as much as", say.
    """
    if not ranking.tied:
        [closest, *_] = ranking.behind
        assert closest.lead is not None
        return (
            f"{ranking.first}: {figure_of(ranking.first)}, {times(closest.lead)} times "
            f"{comparative} the next, {closest.name} ({figure_of(closest.name)})."
        )
    front = listed([f"{name} ({figure_of(name)})" for name in ranking.front], most=_MOST_NAMED)
    behind = [rival.name for rival in ranking.behind]
    rest = f" Behind them: {listed(behind, most=_MOST_NAMED)}." if behind else ""
    return f"{front} cannot be told apart here{_why(ranking)}.{rest}"


def _why(ranking: Ranking) -> str:
    leads = [rival.lead for rival in ranking.tied]
    if None in leads:
        return ", which takes two rounds of each"
    [closest, *others] = leads
    return "" if others or closest is None else f", {times(closest)} times"
