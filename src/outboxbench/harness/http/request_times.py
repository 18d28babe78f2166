"""Where the time of requests went, kept for so many of them that medians can be told.

Memory does not grow with the number of requests: beyond a limit each has the same chance to be
among those that are kept.
"""

from __future__ import annotations

from array import array
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_KEPT: Final = 20_000
_MIDDLE: Final = (0.45, 0.55)


class RequestTime(NamedTuple):
    """Parts of the time between a request and its answer, in µs.

    `outside` is what the service did not see of it: the client, the wire, and the wait for the
    service to read what has come.
    """

    total: int
    pool_wait: int
    transaction: int
    service: int

    @property
    def outside(self) -> int:
        """What the service did not see."""
        return self.total - self.pool_wait - self.transaction - self.service


class RequestTimes:
    """The times of one process."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)  # noqa: S311 - a sample, no secret
        self._kept = array("q")
        self._seen = 0

    def add(self, time: RequestTime) -> None:
        """Keep the time of a request, or not."""
        self._seen += 1
        if self._seen <= MOST_KEPT:
            self._kept.extend(time)
            return
        place = int(self._random.random() * self._seen)
        if place < MOST_KEPT:
            begins = place * len(time)
            self._kept[begins : begins + len(time)] = array("q", time)

    def kept(self) -> list[int]:
        """Return what is kept, one request after the other."""
        return self._kept.tolist()


class MedianRequest(NamedTuple):
    """The mean over the requests around the median, in µs: its parts add up, as medians do not."""

    samples: int
    total: float
    pool_wait: float
    transaction: float
    service: float
    outside: float


def median_request(kept: Iterable[Sequence[int]]) -> MedianRequest | None:
    """Return what a typical request was made of; None where there was none.

    Args:
        kept: what each process has kept.
    """
    width = len(RequestTime._fields)
    times = sorted(
        RequestTime(*each[begins : begins + width])
        for each in kept
        for begins in range(0, len(each), width)
    )
    if not times:
        return None
    low, high = (int(share * len(times)) for share in _MIDDLE)
    middle = times[low : max(high, low + 1)]

    def mean(values: Iterable[int]) -> float:
        return sum(values) / len(middle)

    return MedianRequest(
        samples=len(middle),
        total=mean(each.total for each in middle),
        pool_wait=mean(each.pool_wait for each in middle),
        transaction=mean(each.transaction for each in middle),
        service=mean(each.service for each in middle),
        outside=mean(each.outside for each in middle),
    )
