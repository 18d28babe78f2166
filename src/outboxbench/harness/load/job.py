"""What the harness and a worker say to each other: JSON, a line each way.

Plain data and standard library only, so that a worker can be started by another interpreter.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.load.dataset import Dataset

if TYPE_CHECKING:
    from outboxbench.harness.load.arrivals import ArrivalProcess

Loop: TypeAlias = Literal["asyncio", "uvloop"]

_INTERVALS = 20
_SHORTEST_INTERVAL_S = 0.1


@dataclass(frozen=True, slots=True)
class OpenLoad:
    """Arrivals that do not wait for answers, as far as they fall to one worker.

    `phase` is how much of the distance between two even arrivals passes before the first.
    """

    process: ArrivalProcess
    rate_per_s: float
    max_wait_s: float
    seed: str
    phase: float = 0.0


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker has to do."""

    settings: StrategySettings
    loop: Loop
    mix: str
    clients: int
    first_client: int
    dataset: Dataset
    seed: str
    max_attempts: int
    open_load: OpenLoad | None = None
    busy_wait_us: float = 0.0
    announces: bool = False
    commits: str | None = None
    """Where every commit is recorded, by its operation and its moment; nowhere if absent."""

    def to_json(self) -> str:
        """Return the job as one line; it holds the password, so it goes through a pipe alone."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Job:
        """Read a job back."""
        fields = json.loads(line)
        open_load = fields.pop("open_load")
        return cls(
            settings=StrategySettings.of_fields(fields.pop("settings")),
            dataset=Dataset(**fields.pop("dataset")),
            open_load=None if open_load is None else OpenLoad(**open_load),
            **fields,
        )


@dataclass(frozen=True, slots=True)
class Window:
    """When to measure, on the monotonic clock that all processes of a machine share.

    The clients begin at `begins_ns`, so that the window opens on a load that is in full swing. It
    is divided into intervals, to show how latencies went over time.
    """

    begins_ns: int
    opens_ns: int
    closes_ns: int
    interval_ns: int

    @classmethod
    def of(cls, begins_ns: int, opens_ns: int, closes_ns: int) -> Window:
        """Return a window with about twenty intervals of a round length, at least 0.1 s each."""
        least_s = max((closes_ns - opens_ns) / 1e9 / _INTERVALS, _SHORTEST_INTERVAL_S)
        decade = 10.0 ** math.floor(math.log10(least_s))
        # Not every tenth has an exact place among the floating-point numbers.
        steps = (step * decade for step in (1, 2, 5, 10) if step * decade >= least_s * (1 - 1e-9))
        return cls(begins_ns, opens_ns, closes_ns, round(next(steps) * 1e9))

    @property
    def seconds(self) -> float:
        """How long the window is open."""
        return (self.closes_ns - self.opens_ns) / 1e9

    @property
    def intervals(self) -> int:
        """How many intervals there are; the last one may be cut short."""
        return -(-(self.closes_ns - self.opens_ns) // self.interval_ns)


NEVER = Window(0, 0, 0, 1)
"""The window of operations that only count for the check."""


@dataclass(frozen=True, slots=True)
class WorkerResult:
    """What a worker saw. Counts of durations are sparse: bucket → operations.

    `latency_counts` are by outcome, and there by interval of the window. `ended_good` are the good
    operations that ended inside the window, whenever they were due.
    """

    outcomes: dict[str, dict[str, int]] = field(default_factory=dict)
    window_outcomes: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    latency_counts: dict[str, list[dict[int, int]]] = field(default_factory=dict)
    schedule_lag_counts: dict[int, int] = field(default_factory=dict)
    generator_lag_counts: dict[int, int] = field(default_factory=dict)
    ended_good: int = 0
    attempts: int = 0
    charged_cents: int = 0
    clamped: int = 0
    idle_ns: int = 0
    running_ns: int = 0

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> WorkerResult:
        """Read a result back; JSON has turned the buckets into text."""
        latency_counts = {
            outcome: [_with_numbers(counts) for counts in intervals]
            for outcome, intervals in message.pop("latency_counts").items()
        }
        return cls(
            latency_counts=latency_counts,
            schedule_lag_counts=_with_numbers(message.pop("schedule_lag_counts")),
            generator_lag_counts=_with_numbers(message.pop("generator_lag_counts")),
            **message,
        )


def _with_numbers(counts: dict[str, int]) -> dict[int, int]:
    return {int(bucket): count for bucket, count in counts.items()}
