"""Made-up arms, told by what their blocks show round by round."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from outboxbench.results.block import Block, Counters, LatencyUs, OutcomeCounts
from outboxbench.results.model import Arm

if TYPE_CHECKING:
    from collections.abc import Sequence

    Values = Sequence[float | None]


def arm(
    name: str = "base",
    *,
    ok_per_s: Values = (),
    p50: Values = (),
    client_cpu: Values = (),
    p99: Values = (),
    first_round: int = 0,
    offered_per_s: float | None = None,
) -> Arm:
    rows = zip_longest(ok_per_s, p50, client_cpu, p99)
    blocks = (
        Block(
            round=number,
            position=0,
            seconds=1.0,
            ok_per_s=ok or 0.0,
            outcomes=OutcomeCounts(),
            attempts=0,
            latency_us=LatencyUs(samples=0, p50=median, p99=slowest),
            counters=Counters(client_cpu_us_per_op=cpu),
            verdict="pass",
            checks=(),
        )
        for number, (ok, median, cpu, slowest) in enumerate(rows, first_round)
    )
    return Arm(
        name=name,
        role="strategy",
        strategy=name,
        write_plan="statements",
        driver="asyncpg",
        loop="uvloop",
        profile="matched",
        workload="charge",
        settings={},
        offered_per_s=offered_per_s,
        blocks=tuple(blocks),
    )
