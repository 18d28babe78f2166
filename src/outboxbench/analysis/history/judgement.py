"""Reads a history as often as its memory asks for, and has every judge see its part of it.

Operations, aggregates and messages are divided into parts by their ids, and a pass looks at one
part alone. So an hour of load takes no more memory than a minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from outboxbench.analysis.history.aggregates import AggregatesJudge
from outboxbench.analysis.history.deliveries import DeliveriesJudge
from outboxbench.analysis.history.fencing import FENCED_PLANS, FencingJudge
from outboxbench.analysis.history.injections import InjectionsJudge
from outboxbench.analysis.history.losses import Losses
from outboxbench.analysis.history.operations import OperationsJudge, SeveralOpIds
from outboxbench.results.history import AttemptLine, Header, HistoryDamaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from outboxbench.results.block import Check
    from outboxbench.results.history import HistoryLine
    from outboxbench.results.loss import Loss

    Read = Callable[[], Iterable[HistoryLine]]

LINES_PER_PASS: Final = 400_000
"""About how many lines a pass keeps something of."""


class Judge(Protocol):
    """Sees the lines of one part after the other, and says in the end what it found."""

    def begin_part(self, part: Part) -> None:
        """Begin with a part; lines of others have to be left out."""
        ...

    def see(self, line: HistoryLine) -> None:
        """Take note of a line, of any kind and any part."""
        ...

    def end_part(self) -> None:
        """Draw the conclusions of a part, and forget it."""
        ...

    def checks(self) -> Sequence[Check]:
        """Return every check, once all parts have been seen."""
        ...


class Part:
    """One of `parts` parts of all ids, which are hexadecimal digits."""

    def __init__(self, number: int, parts: int) -> None:
        self._number = number
        self._parts = parts

    def __contains__(self, id: object) -> bool:
        return self._parts == 1 or int(str(id)[-6:], 16) % self._parts == self._number


class Judgement(NamedTuple):
    """What a history says: every check, passed or not, and what was lost.

    `expected_findings` are the checks that the block was there to fail, as the history names them.
    """

    checks: tuple[Check, ...]
    expected_findings: tuple[str, ...]
    loss: Loss


def judge(read: Read, lines_per_pass: int = LINES_PER_PASS) -> Judgement:
    """Judge a history.

    Args:
        read: yields the lines, from the first one each time.
        lines_per_pass: bounds the memory.

    Raises:
        HistoryDamaged: it is not as it was written.
        OSError: it cannot be read.
    """
    lines = 0
    about: dict[str, Any] = {}
    several, losses = SeveralOpIds(), Losses()
    for line in read():
        lines += 1
        if isinstance(line, Header):
            about = line.about
        elif isinstance(line, AttemptLine):
            several.see(line)
        else:
            losses.see(line)
    if not about:
        raise HistoryDamaged("the history does not say what it is of")
    judges: list[Judge] = [
        InjectionsJudge(),
        OperationsJudge(several.operations, losses),
        AggregatesJudge(),
    ]
    if about.get("is_relayed"):
        judges.append(
            DeliveriesJudge(losses.left_behind, were_cut=about.get("drained") == "under way")
        )
        if about.get("relay_plan") in FENCED_PLANS:
            judges.append(FencingJudge(about["relays"]))
    parts = -(-lines // lines_per_pass)
    for number in range(parts):
        part = Part(number, parts)
        for each in judges:
            each.begin_part(part)
        for line in read():
            for each in judges:
                each.see(line)
        for each in judges:
            each.end_part()
    checks = (*(check for each in judges for check in each.checks()), *losses.checks())
    return Judgement(checks, tuple(about.get("expected_findings", ())), losses.loss())
