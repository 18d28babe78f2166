"""What figures are held against, instead of a clock: this machine at this moment."""

from __future__ import annotations

from time import perf_counter_ns

PYTHON_LOOP = "a loop in Python"
"""For what computes."""

ROUND_TRIP = "an empty round trip"
"""For what asks the server; see `outboxbench.harness.cost.bare_round_trip`."""

_STEPS = 1_000
_KEYS = 97


def times_of_loops_ns(number: int) -> list[int]:
    """Run the loop so often; return how long each took."""
    times_ns = []
    for _ in range(number):
        began_ns = perf_counter_ns()
        _loop()
        times_ns.append(perf_counter_ns() - began_ns)
    return times_ns


def _loop() -> dict[int, int]:
    seen: dict[int, int] = {}
    for step in range(_STEPS):
        seen[step % _KEYS] = seen.get(step % _KEYS, 0) + step
    return seen
