"""Two runs on one page: what has become of the second, and both beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outboxbench.analysis.two_runs import software_differences
from outboxbench.report.comparison_table import comparison_notes
from outboxbench.report.failed_checks import doubted_arms
from outboxbench.report.html.comparison_table import TWO_RUNS_LEGEND, two_run_tables
from outboxbench.report.html.decisions import comparison_answer
from outboxbench.report.html.marks import mark_of
from outboxbench.report.html.pairs import BASE, HEAD, chart_pairs, left_out_of_both
from outboxbench.report.html.rendering import rendered
from outboxbench.report.html.surroundings import paired_surroundings
from outboxbench.report.html.table import Group, choices
from outboxbench.report.html.verdict_words import verdict_sentence
from outboxbench.report.numbers import rounds
from outboxbench.report.verdicts import INCOMPLETE, cautions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from outboxbench.analysis.two_runs import Obstacles
    from outboxbench.report.failed_checks import DoubtedArm
    from outboxbench.report.html.inputs import ComparedRun
    from outboxbench.report.html.marks import Mark
    from outboxbench.results.comparison import Comparison
    from outboxbench.results.model import Run


@dataclass(frozen=True, slots=True)
class _Side:
    """What the first screen says of one run."""

    role: str
    name: str
    run: Run
    rounds: str
    verdict: Mark
    verdict_sentence: str
    doubted: tuple[DoubtedArm, ...]


def render_comparison(
    base: ComparedRun,
    head: ComparedRun,
    comparisons: Sequence[Comparison],
    obstacles: Obstacles,
    *,
    is_calibrated: bool,
) -> str:
    """Return the whole file as text.

    Args:
        base: the run that is compared with.
        head: the run that is judged.
        comparisons: of head with base, none where the obstacles are fatal.
        obstacles: what stands between the two.
        is_calibrated: whether the noise of the machine is known.
    """
    notes = comparison_notes(base.run, head.run, comparisons, is_calibrated=is_calibrated)
    tables = tuple(two_run_tables(base.run, head.run, comparisons))
    groups = (Group("Head against base", TWO_RUNS_LEGEND, tables),) if tables else ()
    return rendered(
        "comparison.html.jinja",
        {
            "sides": tuple(_side(role, each) for role, each in ((BASE, base), (HEAD, head))),
            "suites": " and ".join(dict.fromkeys((base.run.suite, head.run.suite))),
            "doubts": tuple(_doubts(base.run, head.run, obstacles)),
            "answer": comparison_answer(comparisons, obstacles, tuple(notes)),
            "software": software_differences(base.run, head.run),
            "groups": groups,
            "choices": choices(groups),
            "pairs": chart_pairs(base, head),
            "left_out": left_out_of_both(base, head),
            "surroundings": paired_surroundings(base.run, head.run),
        },
    )


def _side(role: str, compared: ComparedRun) -> _Side:
    run = compared.run
    return _Side(
        role=role,
        name=compared.name,
        run=run,
        rounds=rounds(run),
        verdict=mark_of(run.verdict),
        verdict_sentence=verdict_sentence(run),
        doubted=tuple(doubted_arms(run)),
    )


def _doubts(base: Run, head: Run, obstacles: Obstacles) -> Iterator[str]:
    """What nobody may overlook, each thing once."""
    for doubt in (*obstacles.fatal, *obstacles.serious):
        yield f"Beware: {doubt}."
    for role, run in ((BASE, base), (HEAD, head)):
        for caution in cautions(run):
            # That a run was interrupted is among the obstacles.
            if caution != INCOMPLETE:
                yield f"The {role}: {caution}"
