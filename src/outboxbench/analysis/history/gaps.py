"""The longest time without an event, of events that come in no order."""

from __future__ import annotations

from array import array
from typing import Final

GAP_CELL_NS: Final = 10_000_000
"""Gaps are exact where they are at least as long; shorter ones may be missed for one another."""
_EMPTY: Final = -1


class Gaps:
    """Events of a span of time, of which the first and the last of each cell are kept."""

    def __init__(self, length_ns: int) -> None:
        self._length_ns = length_ns
        cells = -(-length_ns // GAP_CELL_NS)
        self._first_ns = array("q", [_EMPTY]) * cells
        self._last_ns = array("q", [_EMPTY]) * cells

    def add(self, since_ns: int) -> None:
        """Take note of an event, by the time since the begin of the span."""
        cell = since_ns // GAP_CELL_NS
        first_ns = self._first_ns[cell]
        if first_ns == _EMPTY or since_ns < first_ns:
            self._first_ns[cell] = since_ns
        if since_ns > self._last_ns[cell]:
            self._last_ns[cell] = since_ns

    def longest_ns(self) -> int | None:
        """The longest time without an event, both ends included; None if the span is empty."""
        if not self._length_ns:
            return None
        longest_ns = previous_ns = 0
        for first_ns, last_ns in zip(self._first_ns, self._last_ns, strict=True):
            if first_ns != _EMPTY:
                longest_ns = max(longest_ns, first_ns - previous_ns)
                previous_ns = last_ns
        return max(longest_ns, self._length_ns - previous_ns)
