"""When a chunk that arrives now may go on, on a link that is far away or narrow."""

from __future__ import annotations

from random import Random
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol

from outboxbench.harness.wire.relay import CHUNK_BYTES

if TYPE_CHECKING:
    from outboxbench.harness.wire.relay import Direction

_MS_PER_S: Final = 1000.0
_PIECES_PER_S: Final = 50


class Shaper(Protocol):
    """Makes chunks wait. A lane is one direction of the connection of a number."""

    chunk_bytes: int
    """How much may be read at once."""
    most_held_bytes: int
    """A lane that holds more reads no further."""

    def due_s(self, direction: Direction, number: int, size_bytes: int) -> float:
        """Return when what arrives now may go on, by the monotonic clock."""
        ...

    def note(self, size_bytes: int, waited_s: float) -> None:
        """A chunk goes on."""
        ...

    def evidence(self) -> dict[str, Any]:
        """Return what proves that chunks waited."""
        ...


class Latency:
    """Half the delay and a random part of half the jitter, for each chunk in each direction.

    The random parts of a lane depend on the seed and its connection's number alone.
    """

    chunk_bytes = CHUNK_BYTES
    # A gigabyte each second and 4 ms fit; a slow network is no place for more.
    most_held_bytes = 4 * 1024 * 1024

    def __init__(self, delay_ms: float, jitter_ms: float, seed: int) -> None:
        self._half_delay_s = delay_ms / 2 / _MS_PER_S
        self._half_jitter_s = jitter_ms / 2 / _MS_PER_S
        self._seed = seed
        self._lanes: dict[tuple[Direction, int], Random] = {}
        self._chunks = 0
        self._waited_s = 0.0

    def delay_s(self, direction: Direction, number: int) -> float:
        """Return how long the next chunk of a lane takes."""
        lane = (direction, number)
        if lane not in self._lanes:
            self._lanes[lane] = Random(f"{self._seed} {direction} {number}")  # noqa: S311
        return self._half_delay_s + self._half_jitter_s * self._lanes[lane].random()

    def due_s(self, direction: Direction, number: int, size_bytes: int) -> float:  # noqa: ARG002
        """Return when what arrives now may go on, by the monotonic clock."""
        return monotonic() + self.delay_s(direction, number)

    def note(self, size_bytes: int, waited_s: float) -> None:
        """A chunk goes on; the end of a stream waits as well, but is none."""
        if size_bytes:
            self._chunks += 1
            self._waited_s += waited_s

    def evidence(self) -> dict[str, Any]:
        """Return how many chunks went on, and how long they waited."""
        mean_s = self._waited_s / self._chunks if self._chunks else 0.0
        return {"chunks": self._chunks, "delayed_ms_mean": mean_s * _MS_PER_S}


class Bandwidth:
    """So many bytes a second in each direction, over all connections together.

    Nothing is saved up while nobody speaks. Pieces are small, so that connections take turns.
    """

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._free_s: dict[Direction, float] = {}
        self._passed_bytes = 0
        self._waited_s = 0.0
        self.chunk_bytes = max(1, min(CHUNK_BYTES, int(bytes_per_s / _PIECES_PER_S)))
        self.most_held_bytes = 0

    def due_s(self, direction: Direction, number: int, size_bytes: int) -> float:  # noqa: ARG002
        """Return when what arrives now may go on, by the monotonic clock."""
        begin_s = max(monotonic(), self._free_s.get(direction, 0.0))
        self._free_s[direction] = begin_s + size_bytes / self._bytes_per_s
        return self._free_s[direction]

    def note(self, size_bytes: int, waited_s: float) -> None:
        """A chunk goes on."""
        self._passed_bytes += size_bytes
        self._waited_s += waited_s

    def evidence(self) -> dict[str, Any]:
        """Return how much went on, and how long all its pieces waited together."""
        return {"passed_bytes": self._passed_bytes, "waited_s": self._waited_s}
