"""A span between two onsets in bins of time: its goodput, its gaps, and when it recovered."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from outboxbench.analysis.history.gaps import Gaps
from outboxbench.analysis.history.operations import GOOD
from outboxbench.results.availability import Baseline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outboxbench.analysis.history.whole_operations import WholeOperation

NS_PER_MS: Final = 1_000_000
NS_PER_S: Final = 1_000_000_000

BIN_NS: Final = 100 * NS_PER_MS
"""Width of a bin, where goodput is high enough."""
EXPECTED_PER_BIN: Final = 50
"""Good operations that the baseline has to put into a bin, or else bins are made wider: so many
that the few which are answered just after their bin do not decide over it."""
RECOVERED_SHARE: Final = 0.9
"""Of the baseline's goodput."""
SUSTAINED_BINS: Final = 5
"""So many bins in a row make a recovery, or all that are left of the span, if these are at least"""
FEWEST_BINS: Final = 2
"""so many and"""
SHORTEST_NS: Final = 500 * NS_PER_MS
"""so long: at a low rate five wide bins are more than there is between two injections."""
LULL_DEVIATIONS: Final = 3
"""How many standard deviations fewer arrivals than expected are put down to chance.

No more can be answered than is asked. Of random arrivals one bin in seven that expects 100 gets
fewer than 90, so that half of all that have recovered would seem not to have. Where fewer still are
due it is no lull: clients of a closed loop ask for nothing while they hang.
"""


class Recovery(NamedTuple):
    """When goodput was back for good; `is_back` is None where the span ends too soon to see."""

    is_back: bool | None
    after_bins: int | None
    """Of `BIN_NS`, since the begin of the span."""
    bin_ns: int


class Clean(NamedTuple):
    """What was due in a clean time: all of it, and what of that ended in it."""

    length_ns: int
    due: int
    good: int
    served: int
    service_ns: int


def baseline_of(clean_times: Iterable[Clean]) -> Baseline | None:
    """Pool the clean times of a block; None if nothing was good in them."""
    length_ns, due, good, served, service_ns = map(sum, zip(*clean_times, strict=True))
    if not good:
        return None
    seconds = length_ns / NS_PER_S
    return Baseline(
        seconds=seconds,
        good_per_s=good / seconds,
        due_per_s=due / seconds,
        service_ms=service_ns / served / NS_PER_MS,
    )


class Span:
    """The time from one onset to the next, the end excluded.

    Goodput counts where an operation ended, offered load where it was due.
    """

    def __init__(self, begins_ns: int, ends_ns: int) -> None:
        self.begins_ns = begins_ns
        self.ends_ns = ends_ns
        bins = _parts(self.length_ns, BIN_NS)
        self._good_ended = [0] * bins
        # Of those that were due in a bin: all, and what of them ended within the span.
        self._due = [0] * bins
        self._good_of_due = [0] * bins
        self._served = [0] * bins
        self._service_ns = [0] * bins
        self._oks = Gaps(self.length_ns)

    @property
    def length_ns(self) -> int:
        """From its begin to its end."""
        return self.ends_ns - self.begins_ns

    def add_due(self, operation: WholeOperation) -> None:
        """Count an operation that was due in the span."""
        place = (operation.due_ns - self.begins_ns) // BIN_NS
        self._due[place] += 1
        began_ns, ended_ns = operation.began_ns, operation.ended_ns
        if began_ns is None or ended_ns is None or ended_ns >= self.ends_ns:
            return
        self._served[place] += 1
        self._service_ns[place] += ended_ns - began_ns
        if operation.final in GOOD:
            self._good_of_due[place] += 1

    def add_good(self, ended_ns: int) -> None:
        """Count a good operation that ended in the span."""
        self._good_ended[(ended_ns - self.begins_ns) // BIN_NS] += 1

    def add_ok(self, ended_ns: int) -> None:
        """Take note of an attempt that ended ok in the span."""
        self._oks.add(ended_ns - self.begins_ns)

    def longest_gap_ns(self) -> int | None:
        """The longest time without an ok, both ends of the span included; None if it is empty."""
        return self._oks.longest_ns()

    def clean(self, after_bins: int) -> Clean:
        """Return what was done from a bin on, in operations due and ended there."""
        return Clean(
            length_ns=max(0, self.length_ns - after_bins * BIN_NS),
            due=sum(self._due[after_bins:]),
            good=sum(self._good_of_due[after_bins:]),
            served=sum(self._served[after_bins:]),
            service_ns=sum(self._service_ns[after_bins:]),
        )

    def bins_until(self, moment_ns: int) -> int:
        """How many of the span's first bins have to be left out to begin at a moment or later."""
        return max(0, _parts(moment_ns - self.begins_ns, BIN_NS))

    def recovery(self, good_per_s: float, took_effect_ns: int) -> Recovery:
        """Find the bin from which on goodput is back, and stays.

        It has to stay for `SUSTAINED_BINS` bins or to the end of the span, and as long after the
        fault took effect: before, there was nothing to recover from. Only bins that lie in the span
        as a whole are looked at. In a lull of arrivals its share of what was due is enough.
        Where the last bins reach it, but are too few, nobody can see whether it stays.

        Args:
            good_per_s: the baseline's goodput.
            took_effect_ns: when the fault did, or else its onset.
        """
        per_bin = good_per_s * BIN_NS / NS_PER_S
        width = max(1, math.ceil(EXPECTED_PER_BIN / per_bin))
        whole = self.length_ns // (width * BIN_NS)
        expected = per_bin * width
        lowest = expected - LULL_DEVIATIONS * math.sqrt(expected)
        reaches = []
        for place in range(0, whole * width, width):
            good = sum(self._good_ended[place : place + width])
            due = sum(self._due[place : place + width])
            reaches.append(good >= RECOVERED_SHARE * min(expected, max(due, lowest)))
        fewest = max(FEWEST_BINS, _parts(SHORTEST_NS, width * BIN_NS))
        effect = max(0, took_effect_ns - self.begins_ns) // (width * BIN_NS)
        if effect + fewest > whole:
            return Recovery(is_back=None, after_bins=None, bin_ns=width * BIN_NS)
        for place in range(whole - fewest + 1):
            until = min(max(place, effect) + SUSTAINED_BINS, whole)
            if all(reaches[place:until]):
                return Recovery(is_back=True, after_bins=place * width, bin_ns=width * BIN_NS)
        is_back = None if reaches[-1] else False
        return Recovery(is_back=is_back, after_bins=None, bin_ns=width * BIN_NS)

    def lost_good(self, good_per_s: float, until_bin: int | None) -> float:
        """How many good operations fewer there were than expected; until the end if None."""
        if until_bin is None:
            lasted_ns, good = self.length_ns, sum(self._good_ended)
        else:
            lasted_ns, good = until_bin * BIN_NS, sum(self._good_ended[:until_bin])
        return max(0.0, good_per_s * lasted_ns / NS_PER_S - good)


def _parts(length_ns: int, part_ns: int) -> int:
    """How many parts a length has, the last one cut short."""
    return -(-length_ns // part_ns)
