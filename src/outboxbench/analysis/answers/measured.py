"""Which arms of a run an answer may be about, and which of its tables stands for the others."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from outboxbench.analysis.answers.words import counted
from outboxbench.analysis.comparable import comparable_arms, is_over_http, settings_text
from outboxbench.analysis.comparison import logs_by_round
from outboxbench.analysis.decision import MIN_MARGIN
from outboxbench.analysis.verdict import as_expected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.comparison import Metric
    from outboxbench.results.document import Loop
    from outboxbench.results.model import Arm, Run

REFERENCE_WORKLOAD: Final = "charge"
"""What every suite measures: one transaction that reads, updates and stores two messages."""

_USUAL_CLIENTS: Final = 16


@dataclass(frozen=True, slots=True)
class Table:
    """Arms that may be compared, one for each strategy and event loop, and all to be trusted."""

    title: str
    arms: tuple[Arm, ...]

    @property
    def loop(self) -> Loop:
        """The event loop on which strategies are compared: where most are, or else uvloop."""
        return _usual_loop(self.arms)

    def on_one_loop(self) -> tuple[Arm, ...]:
        """The arms on that loop."""
        return tuple(arm for arm in self.arms if arm.loop == self.loop)

    def arm(self, strategy: str, loop: Loop) -> Arm | None:
        """The arm of a strategy on an event loop, where there is one."""
        return next(
            (arm for arm in self.arms if (arm.strategy, arm.loop) == (strategy, loop)), None
        )


def distrusted(run: Run) -> frozenset[str]:
    """Strategies of which something in the run has not passed, unless that was to be expected."""
    return frozenset(
        [
            *(arm.strategy for arm in run.arms if arm.verdict != "pass"),
            *(
                arm.strategy
                for arm in run.faults
                if arm.verdict != "pass"
                and as_expected(arm.checks, arm.expected_findings) != "pass"
            ),
        ]
    )


def closed_loops(run: Run) -> tuple[Table, ...]:
    """What strategies do when clients ask again at once; the table for the others comes first."""
    return _tables(run, [each for each in comparable_arms(run) if "rate" not in each.settings])


def standing_for_others(run: Run) -> ComparableArms | None:
    """The closed loop whose table stands for the others, on one event loop, trusted or not.

    None where there is none.
    """
    found = [each for each in comparable_arms(run) if "rate" not in each.settings]
    found = [each for each in found if any(arm.loop for arm in each.strategies)]
    if not found:
        return None
    table = min(found, key=_place)
    loop = _usual_loop(table.strategies)
    return replace(table, strategies=tuple(arm for arm in table.strategies if arm.loop == loop))


def same_rate(run: Run) -> tuple[Table, ...]:
    """How strategies answer when all are offered the same; the table for the others first."""
    return _tables(
        run,
        [
            each
            for each in comparable_arms(run)
            if "rate" in each.settings and len({arm.offered_per_s for arm in each.strategies}) == 1
        ],
    )


def margin(run: Run, metric: Metric) -> float:
    """The share up to which a difference counts as none: the largest of the run's comparisons."""
    return max((each.margin for each in run.comparisons if each.metric == metric), default=0) or (
        MIN_MARGIN
    )


def logs(arm: Arm, metric: Metric) -> dict[str, float]:
    """The logarithms of a metric by round."""
    return {f"{number:06d}": value for number, value in logs_by_round(arm, metric).items()}


def rounds_of(arms: Sequence[Arm]) -> str:
    """How often the arms were measured, and for how long each time."""
    numbers = sorted({len(arm.blocks) for arm in arms})
    windows_s = sorted({round(block.seconds, 1) for arm in arms for block in arm.blocks})
    span = (
        counted(numbers[0], "round") if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]} rounds"
    )
    return f"{span} of {windows_s[0]:g} s" if len(windows_s) == 1 else span


def _tables(run: Run, found: Sequence[ComparableArms]) -> tuple[Table, ...]:
    out = distrusted(run)
    tables = []
    for each in sorted(found, key=_place):
        arms = [arm for arm in each.strategies if _is_plain(arm) and arm.strategy not in out]
        if arms:
            ordered = sorted(arms, key=lambda arm: (arm.strategy, arm.loop or "", arm.name))
            tables.append(Table(_title(each), tuple(ordered)))
    return tuple(tables)


def _usual_loop(arms: Sequence[Arm]) -> Loop:
    loops = [arm.loop for arm in arms if arm.loop is not None]
    return max(set(loops), key=lambda loop: (loops.count(loop), loop))


def _is_plain(arm: Arm) -> bool:
    """Whether nothing was done to the arm that its strategy is not responsible for."""
    return (
        arm.summary is not None
        and not arm.busy_wait_us
        and arm.copy_number == 1
        and arm.prepared_for is None
    )


def _place(table: ComparableArms) -> tuple[object, ...]:
    clients = table.settings.get("clients")
    distance_ms = table.settings.get("network_rtt_ms")
    return (
        table.workload != REFERENCE_WORKLOAD,
        table.workload,
        table.profile != "matched",
        is_over_http(table.settings),
        distance_ms if isinstance(distance_ms, int | float) else 0.0,
        -len({arm.strategy for arm in table.strategies}),
        abs(clients - _USUAL_CLIENTS) if isinstance(clients, int | float) else 0,
        settings_text(table.settings),
    )


def _title(table: ComparableArms) -> str:
    """The title of the table in the report, and what tells it from others of the same title."""
    clients = table.settings.get("clients")
    isolation = table.settings.get("isolation", "read committed")
    parts = [re.sub(r" profile\b", "", table.title)]
    if isinstance(clients, int):
        parts.append(counted(clients, "client"))
    if isolation != "read committed":
        parts.append(str(isolation))
    return ", ".join(parts)
