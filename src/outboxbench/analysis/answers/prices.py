"""What a choice costs or buys in throughput: the ORM, uvloop, a write plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from outboxbench.analysis.answers.answer import Answer
from outboxbench.analysis.answers.measured import closed_loops, logs, rounds_of
from outboxbench.analysis.answers.ranking import excludes_a_tie, lead
from outboxbench.analysis.answers.words import listed, percentage, times

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from outboxbench.analysis.answers.measured import Table
    from outboxbench.analysis.intervals import Estimate
    from outboxbench.results.model import Arm, Run

ORM: Final = "What does the ORM cost?"
EVENT_LOOP: Final = "What does uvloop buy?"
WRITE_PLAN: Final = "What do other write plans buy?"

_DRIVERS: Final = ("asyncpg", "psycopg")
_MOST_UNTOLD: Final = 3


class _Price(NamedTuple):
    """How much one arm does for each of another's."""

    head: Arm
    base: Arm
    ratio: Estimate

    @property
    def is_told(self) -> bool:
        """Whether the interval excludes that it makes no difference."""
        return excludes_a_tie(self.ratio)


def orm_cost(run: Run) -> Iterator[Answer]:
    """Say what share of the work is left by the ORM, of its own driver's and of Core's."""
    for table in closed_loops(run)[:1]:
        prices = []
        for driver in _DRIVERS:
            orm = table.arm(f"orm-{driver}", table.loop)
            bases = [table.arm(name, table.loop) for name in (driver, f"core-{driver}")]
            prices += [found for base in bases if (found := _price(orm, base))]
        shares: dict[str, list[str]] = {}
        for each in prices:
            if each.is_told:
                share = f"{percentage(each.ratio)} of what {each.base.strategy} does"
                shares.setdefault(each.head.strategy, []).append(share)
        told = [f"{name} does {' and '.join(words)}" for name, words in shares.items()]
        untold = [
            f"{each.head.strategy} against {each.base.strategy} ({percentage(each.ratio)})"
            for each in prices
            if not each.is_told
        ]
        yield from _answer(ORM, table, prices, "; ".join(told), untold)


def event_loop(run: Run) -> Iterator[Answer]:
    """Say how much more each strategy does on uvloop."""
    for table in closed_loops(run)[:1]:
        strategies = sorted({arm.strategy for arm in table.arms})
        prices = _largest_first(
            _price(table.arm(name, "uvloop"), table.arm(name, "asyncio")) for name in strategies
        )
        told = [
            f"{times(each.ratio)} times the ok/s of asyncio with {each.head.strategy}"
            if number == 0
            else f"{times(each.ratio)} with {each.head.strategy}"
            for number, each in enumerate(each for each in prices if each.is_told)
        ]
        untold = [
            f"{each.head.strategy} ({times(each.ratio)})" for each in prices if not each.is_told
        ]
        yield from _answer(EVENT_LOOP, table, prices, listed(told), untold)


def write_plans(run: Run) -> Iterator[Answer]:
    """Say how much more each other plan does than the statements of the same library."""
    for table in closed_loops(run)[:1]:
        prices = _largest_first(
            _price(arm, table.arm(arm.strategy.removesuffix(f"-{arm.write_plan}"), table.loop))
            for arm in table.on_one_loop()
            if arm.write_plan != "statements"
        )
        told = [
            f"{each.head.strategy} does {times(each.ratio)} times as much as {each.base.strategy}"
            for each in prices
            if each.is_told
        ]
        untold = [
            f"{each.head.strategy} against {each.base.strategy} ({times(each.ratio)})"
            for each in prices
            if not each.is_told
        ]
        yield from _answer(WRITE_PLAN, table, prices, listed(told), untold)


def _price(head: Arm | None, base: Arm | None) -> _Price | None:
    if head is None or base is None:
        return None
    mean = lead(logs(head, "ok_per_s"), logs(base, "ok_per_s"))
    return None if mean is None else _Price(head, base, mean.t_interval())


def _largest_first(prices: Iterable[_Price | None]) -> list[_Price]:
    known = [each for each in prices if each is not None]
    return sorted(known, key=lambda each: (-each.ratio.ratio, each.head.strategy))


def _answer(
    question: str,
    table: Table,
    prices: Sequence[_Price],
    told: str,
    untold: Sequence[str],
) -> Iterator[Answer]:
    """Put together what makes a difference and what may make none."""
    if not prices:
        return
    sentences = [f"{told}."] if told else []
    if untold:
        sentences.append(f"No difference can be told for {listed(untold, most=_MOST_UNTOLD)}.")
    arms = [arm for each in prices for arm in (each.head, each.base)]
    loop = "" if question == EVENT_LOOP else f", {table.loop}"
    yield Answer(
        question,
        " ".join(sentences),
        f"{table.title}{loop}; ok/s in {rounds_of(arms)}; means over rounds [95% interval]",
    )
