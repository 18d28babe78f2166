"""Aggregates against the messages that tell of them: one to one, and to the cent."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

from outboxbench.analysis.history.findings import Findings
from outboxbench.results.history import AggregateLine, MessageLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.analysis.history.judgement import Part
    from outboxbench.results.block import Check
    from outboxbench.results.history import HistoryLine

_Key: TypeAlias = tuple[str, str]


class AggregatesJudge:
    """Does the state of each aggregate follow from its messages?"""

    def __init__(self) -> None:
        self._aggregates = 0
        self._gaps = Findings("versions are contiguous and one-to-one with messages")
        self._money = Findings("money is conserved")

    def begin_part(self, part: Part) -> None:
        """Begin with the aggregates of a part."""
        self._part = part
        self._states: dict[_Key, AggregateLine] = {}
        self._versions: dict[_Key, set[int]] = defaultdict(set)
        self._cents: dict[_Key, int] = defaultdict(int)

    def see(self, line: HistoryLine) -> None:
        """Take note of states and messages."""
        if isinstance(line, MessageLine):
            if line.aggregate_id in self._part:
                key = (line.aggregate_type, line.aggregate_id)
                self._versions[key].add(line.version)
                self._cents[key] += line.cents or 0
        elif isinstance(line, AggregateLine) and line.aggregate_id in self._part:
            self._states[line.aggregate_type, line.aggregate_id] = line

    def end_part(self) -> None:
        """Set each state against its messages."""
        self._aggregates += len(self._states.keys() | self._versions.keys())
        for key, state in self._states.items():
            if self._versions.get(key, set()) != set(range(1, state.version + 1)):
                self._gaps.add(" ".join(key))
            if state.cents is not None and state.cents != self._cents.get(key, 0):
                self._money.add(" ".join(key))
        for key in self._versions.keys() - self._states.keys():
            self._gaps.add(f"{' '.join(key)}, which is not there")
        del self._states, self._versions, self._cents

    def checks(self) -> Sequence[Check]:
        """Return the checks over aggregates."""
        return (
            self._gaps.check("differ from their messages", self._aggregates),
            self._money.check("have another balance than their messages say", self._aggregates),
        )
