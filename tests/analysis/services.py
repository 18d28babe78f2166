"""Made-up services over HTTP, and their twins in process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.analysis.runs import arm, block

from outboxbench.results.block import Counters, HttpTimes, LatencyUs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.results.model import Arm

ALONE_US = (900.0, 1_000.0, 1_100.0)
OVER_HTTP_US = (2_400.0, 2_550.0, 2_600.0)


def in_process(strategy: str = "asyncpg", p50_us: Sequence[float] = ALONE_US) -> Arm:
    blocks = [
        block(
            number,
            latency_us=LatencyUs(samples=1_000, p50=value),
            counters=Counters(client_cpu_us_per_op=300.0, server_cpu_us_per_op=200.0),
        )
        for number, value in enumerate(p50_us)
    ]
    settings = {"clients": 8, "pool_size": 8, "workers": 1}
    return with_cpu(arm(f"{strategy}/uvloop", blocks, settings=settings), 300.0)


def service(
    strategy: str = "asyncpg",
    p50_us: Sequence[float] = OVER_HTTP_US,
    *,
    instances: int = 1,
    relays: int = 0,
    generator_share: float = 0.5,
) -> Arm:
    blocks = [
        block(
            number,
            latency_us=LatencyUs(samples=1_000, p50=value),
            counters=Counters(client_cpu_us_per_op=480.0, server_cpu_us_per_op=210.0),
            http=HttpTimes(
                samples=100,
                total_us=value,
                client_us=0.2 * value,
                wire_us=0.2 * value,
                service_us=0.1 * value,
                pool_wait_us=0.1 * value,
                transaction_us=0.4 * value,
                busiest_generator_share=generator_share,
            ),
        )
        for number, value in enumerate(p50_us)
    ]
    settings = {"clients": 8, "over": "http", "instances": instances, "pool_size": 8}
    settings["relays"] = relays
    name = f"{strategy}/http {instances}"
    return with_cpu(arm(name, blocks, strategy=strategy, settings=settings), 480.0)


def with_cpu(arm: Arm, cpu_us: float) -> Arm:
    assert arm.summary is not None
    summary = arm.summary.model_copy(update={"client_cpu_us_per_op": cpu_us})
    return arm.model_copy(update={"summary": summary})
