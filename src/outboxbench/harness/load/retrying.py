"""The retry policies that a suite can name, and what they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from outboxbench.core.application.backoff import Backoff
from outboxbench.core.application.retry import OUTAGES, RETRIABLE, RetryPolicy
from outboxbench.core.application.retry_budget import RetryBudget

RetryMode: TypeAlias = Literal["none", "conflicts", "safe", "naive"]
"""`none`: one attempt. `conflicts`: again at once where another was quicker. `safe`: also after an
outage, with a back-off and within a budget, and where a commit is in doubt only once it was looked
up. `naive`: as `safe`, but a commit in doubt is repeated as though it had not happened."""

_RESERVE: Final = 20.0
"""Retries that a worker has at hand before it has earned any."""


@dataclass(frozen=True, slots=True)
class Retrying:
    """How operations of an arm are retried. `budget` is what each of them earns of a retry."""

    mode: RetryMode = "conflicts"
    max_attempts: int = 10
    first_s: float = 0.01
    longest_s: float = 0.5
    budget: float = 0.2

    def policy(self) -> RetryPolicy:
        """Return the policy of one worker, with a budget of its own."""
        match self.mode:
            case "none":
                return RetryPolicy(1)
            case "conflicts":
                return RetryPolicy(self.max_attempts)
            case "safe" | "naive":
                return RetryPolicy(
                    self.max_attempts,
                    retried=RETRIABLE | OUTAGES,
                    in_doubt="go_on" if self.mode == "safe" else "repeat",
                    backoff=Backoff(self.first_s, self.longest_s, jitter=1.0),
                    budget=RetryBudget(self.budget, _RESERVE),
                )
