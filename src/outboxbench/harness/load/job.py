"""What the harness and a worker say to each other: JSON, a line each way.

Plain data and standard library only, so that a worker can be started by another interpreter.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from outboxbench.core.strategies.settings import DatabaseAddress, StrategySettings
from outboxbench.harness.load.dataset import Dataset

Loop: TypeAlias = Literal["asyncio", "uvloop"]


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

    def to_json(self) -> str:
        """Return the job as one line; it holds the password, so it goes through a pipe alone."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Job:
        """Read a job back."""
        fields = json.loads(line)
        settings = fields.pop("settings")
        address = DatabaseAddress(**settings.pop("address"))
        return cls(
            settings=StrategySettings(address=address, **settings),
            dataset=Dataset(**fields.pop("dataset")),
            **fields,
        )


@dataclass(frozen=True, slots=True)
class Window:
    """When to measure, on the monotonic clock that all processes of a machine share."""

    opens_ns: int
    closes_ns: int

    @property
    def seconds(self) -> float:
        """How long the window is open."""
        return (self.closes_ns - self.opens_ns) / 1e9


@dataclass(frozen=True, slots=True)
class WorkerResult:
    """What a worker saw. Latency counts are sparse: bucket → operations."""

    outcomes: dict[str, dict[str, int]] = field(default_factory=dict)
    window_outcomes: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    latency_counts: dict[str, dict[int, int]] = field(default_factory=dict)
    attempts: int = 0
    charged_cents: int = 0
    clamped: int = 0
    idle_ns: int = 0
    running_ns: int = 0

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> WorkerResult:
        """Read a result back; JSON has turned the buckets into text."""
        counts = {
            outcome: {int(bucket): count for bucket, count in buckets.items()}
            for outcome, buckets in message.pop("latency_counts").items()
        }
        return cls(latency_counts=counts, **message)
