"""Arms that may be compared, as a table on the terminal: what each did, and what that cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from outboxbench.analysis.comparable import changed_durability
from outboxbench.analysis.comparison import METRICS
from outboxbench.report.divisors import divisor, divisor_note
from outboxbench.report.figures_table import FULL_WIDTH, VERDICT, Name, figures_table
from outboxbench.report.numbers import (
    BLANK,
    METRIC_NAMES,
    interval,
    milliseconds,
    percent,
    rounds,
    three_digits,
)
from outboxbench.report.spread import WIDTH, scale, spread
from outboxbench.report.verdicts import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import RenderableType
    from rich.table import Table

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.comparison import Metric
    from outboxbench.results.model import Arm, Run, Summary

_CEILING_WIDTH: Final = 74
_CPU_WIDTH: Final = 69


@dataclass(frozen=True, slots=True)
class _Column:
    """A figure of every arm that has a summary."""

    heading: str
    cell: Callable[[Arm, Summary], str]
    least_width: int = 0
    """Of the terminal: in a narrower one other columns need the room more."""


def arm_table(run: Run, arms: ComparableArms, width: int) -> Table:
    """One row for each arm, ceilings first; narrower than `width` from 60 columns on."""
    loops = {arm.loop for arm in arms.strategies if arm.loop}
    # The only loop stands in the title: long names of strategies need the room.
    names_loops = len(loops) != 1
    columns = [each for each in _columns(run, arms) if each.least_width <= width]
    table = figures_table(
        arms.title if names_loops else f"{arms.title}, {loops.pop()}",
        ("strategy", "loop") if names_loops else ("strategy",),
        [column.heading for column in columns],
        (VERDICT,),
    )
    for arm in arms.ceilings:
        table.add_row(*_row(arms, arm, columns, with_loop=names_loops))
    table.add_section()
    for arm in arms.strategies:
        table.add_row(
            *_row(arms, arm, columns, with_loop=names_loops),
            style="" if arm.verdict == "pass" else "dim",
        )
    return table


def _columns(run: Run, arms: ComparableArms) -> Iterator[_Column]:
    metric = _compared_metric(arms)
    ratios = {each.head: interval(each) for each in run.comparisons if each.metric == metric}
    if metric == "ok_per_s":
        yield _Column("ok/s", lambda _, summary: three_digits(summary.ok_per_s_median))
        yield _Column("% of\nceil", _share_of_ceiling, _CEILING_WIDTH)
    else:
        if not _shared_rate(arms):
            yield _Column("offered\n/s", lambda arm, _: three_digits(arm.offered_per_s))
        yield _Column("skip-\nped", _skipped)
    of_rounds = _by_round(arms, metric)
    widest = scale(of_rounds.values())
    yield _Column(
        "each\nround", lambda arm, _: spread(of_rounds[arm.name], widest).ljust(WIDTH), FULL_WIDTH
    )
    yield _Column(
        f"{METRIC_NAMES[metric]} ÷\n{divisor(run, arms)}",
        lambda arm, _: ratios.get(arm.name, ""),
    )
    yield _Column("p50\nms", lambda _, summary: milliseconds(summary.latency_us.p50))
    yield _Column("p99\nms", lambda _, summary: milliseconds(summary.latency_us.p99))
    yield _Column("CPU µs\ncl.+srv.", _cpu, _CPU_WIDTH)


def _share_of_ceiling(arm: Arm, summary: Summary) -> str:
    return "100%" if arm.role == "ceiling" else percent(summary.ceiling_ratio_median)


def _skipped(_: Arm, summary: Summary) -> str:
    return f"{summary.outcomes.skipped / max(summary.outcomes.attempted, 1):.1%}"


def _cpu(_: Arm, summary: Summary) -> str:
    client, server = summary.client_cpu_us_per_op, summary.server_cpu_us_per_op
    return f"{three_digits(client)}+{three_digits(server)}"


def _by_round(arms: ComparableArms, metric: Metric) -> Mapping[str, list[float]]:
    read = METRICS[metric].read
    return {
        arm.name: [value for block in arm.blocks if (value := read(block))]
        for arm in (*arms.ceilings, *arms.strategies)
    }


def _compared_metric(arms: ComparableArms) -> Metric:
    """What decides in this table: how much a closed loop does, how long an open one waits."""
    is_open = any(arm.offered_per_s is not None for arm in arms.strategies)
    return "latency_p50" if is_open else "ok_per_s"


def _shared_rate(arms: ComparableArms) -> float | None:
    """What all arms of the table were offered; it needs no column, and their names the room."""
    rates = {arm.offered_per_s for arm in arms.strategies}
    return next(iter(rates)) if len(rates) == 1 else None


def _row(
    arms: ComparableArms, arm: Arm, columns: list[_Column], *, with_loop: bool
) -> Iterator[Text]:
    is_ceiling = arm.role == "ceiling"
    yield Name(arms.label(arm), style="italic" if is_ceiling else "")
    if with_loop:
        yield Text("ceiling", style="italic") if is_ceiling else Text(arm.loop or BLANK)
    for column in columns:
        yield Text(BLANK if arm.summary is None else column.cell(arm, arm.summary))
    yield VERDICTS[arm.verdict]


def arm_notes(run: Run, arms: ComparableArms, width: int) -> RenderableType:
    """What the arms have in common, what the columns mean, and what did not succeed."""
    durability = changed_durability(run.server)
    lines = [
        f"{arms.settings_text or 'default settings'}; PostgreSQL {run.server.version}",
        f"medians of {rounds(run)}; {divisor_note(run, arms)}, mean over rounds [95% interval]",
    ]
    if width >= FULL_WIDTH:
        lines.append("each round: its bar around the arm's median")
    if width >= _CPU_WIDTH:
        lines[-1] += "; CPU: client and server, per attempt"
    if rate := _shared_rate(arms):
        lines.insert(0, f"offered to each: {three_digits(rate)} operations per second")
    if losses := _not_ok(arms):
        # Beside the rate: a rate alone would praise who gives up early.
        lines.insert(0, f"operations that did not succeed: {', '.join(losses)}")
    if durability:
        lines.insert(0, f"NOT the usual durability: {', '.join(durability)}")
    return Text("\n".join(lines), style="dim")


def _not_ok(arms: ComparableArms) -> list[str]:
    """Name the arms that had operations failed, in doubt or skipped, and their share of all."""
    return [
        f"{arms.label(arm)} {arm.loop or 'ceiling'} {1 - outcomes.good / outcomes.attempted:.2%}"
        for arm in (*arms.ceilings, *arms.strategies)
        if arm.summary and (outcomes := arm.summary.outcomes).good < outcomes.attempted
    ]
