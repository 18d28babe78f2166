"""What a load on a service is: the mix, its clients or its rate, and how that goes over time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from outboxbench.harness.load.arrivals import even_times_ns, poisson_times_ns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.harness.load.arrivals import ArrivalProcess
    from outboxbench.harness.load.job import Window

Shape: TypeAlias = Literal["constant", "ramp", "step", "spike"]

_RAMP_STEPS: Final = 20

SHAPES: Final[dict[Shape, tuple[tuple[float, float], ...]]] = {
    "constant": ((0.0, 1.0),),
    "ramp": tuple((step / _RAMP_STEPS, (step + 1) / _RAMP_STEPS) for step in range(_RAMP_STEPS)),
    "step": ((0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0)),
    "spike": ((0.0, 0.3), (0.4, 1.0), (0.6, 0.3)),
}
"""From which share of the time on there is which share of the load, of clients or of arrivals."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """A load of one run, over all processes that bring it.

    Without a rate the loop is closed: clients ask again as soon as they have their answer.
    `journals` is a folder of this machine where every attempt is put on record, for a judge.
    """

    mix: str
    accounts: int
    orders: int
    seed: str
    warm_up_s: float
    window_s: float
    shape: Shape = "constant"
    rate_per_s: float | None = None
    arrivals: ArrivalProcess = "poisson"
    max_wait_s: float = 1.0
    workers: int = 1
    journals: str | None = None

    def to_fields(self) -> dict[str, Any]:
        """Return the plan as JSON can carry it; `LoadPlan(**fields)` reads it back."""
        return asdict(self)


def share_of_load(shape: Shape, elapsed: float) -> float:
    """Return the share of the load that there is after a share of the time."""
    # Who is told of the beginning may ask a moment before it.
    elapsed = max(elapsed, 0.0)
    return next(share for begins, share in reversed(SHAPES[shape]) if elapsed >= begins)


def arrival_times_ns(plan: LoadPlan, window: Window, worker: int) -> Iterator[int]:
    """Yield when operations are due that fall to one of the plan's workers.

    Raises:
        ValueError: the loop is closed.
    """
    if plan.rate_per_s is None:
        raise ValueError("a closed loop has no arrivals")
    length_ns = window.closes_ns - window.begins_ns
    steps = [*SHAPES[plan.shape], (1.0, 0.0)]
    for number, ((begins, share), (ends, _)) in enumerate(pairwise(steps)):
        rate_per_s = plan.rate_per_s * share / plan.workers
        begins_ns = window.begins_ns + int(begins * length_ns)
        ends_ns = window.begins_ns + int(ends * length_ns)
        match plan.arrivals:
            case "poisson":
                seed = f"{plan.seed}/{worker}/{number}"
                yield from poisson_times_ns(rate_per_s, begins_ns, ends_ns, seed)
            case "even":
                yield from even_times_ns(rate_per_s, begins_ns, ends_ns, worker / plan.workers)
