"""Which strategy is the least code, and what that costs in speed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.answers.answer import Answer
from outboxbench.analysis.answers.measured import distrusted, logs
from outboxbench.analysis.answers.ranking import excludes_a_tie, lead
from outboxbench.analysis.answers.speed import most_work
from outboxbench.analysis.answers.words import figure, listed, percentage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from outboxbench.results.model import Run

LEAST_CODE: Final = "Which strategy for the least code?"


def least_code(run: Run) -> Iterator[Answer]:
    """Say which of the trusted strategies has the fewest lines, and how fast it is."""
    out = distrusted(run)
    lines = {
        arm.strategy: arm.source_lines
        for arm in run.arms
        if arm.source_lines is not None and arm.strategy not in out
    }
    if len(set(lines.values())) < 2:
        return
    fewest, most = min(lines.values()), max(lines.values())
    shortest = sorted(name for name, count in lines.items() if count == fewest)
    longest = sorted(name for name, count in lines.items() if count == most)
    each = " each" if len(shortest) > 1 else ""
    yield Answer(
        LEAST_CODE,
        f"{listed(shortest)}: {figure(fewest)} lines{each}, against {figure(most)} of "
        f"{listed(longest)}.{_price(run, shortest)}",
        "lines of code of the modules that a strategy imports; without blanks, comments, "
        "docstrings and what strategies of different libraries share",
    )


def _price(run: Run, shortest: Sequence[str]) -> str:
    """What the shortest do of what the fastest does, where the two can be told apart."""
    found = most_work(run)
    if found is None:
        return ""
    first = found.ranking.first
    shares = [
        f"{name} does {percentage(ratio)}"
        for name in shortest
        if name in found.arms
        and name != first
        and (mean := lead(logs(found.arms[name], "ok_per_s"), logs(found.arms[first], "ok_per_s")))
        and excludes_a_tie(ratio := mean.t_interval())
    ]
    return f" Of what {first} does, {listed(shares)}." if shares else ""
