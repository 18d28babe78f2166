"""An open loop is a queue with as many servers as it has clients, and agrees with the theory."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING, Literal

import pytest
from tests.harness.load.fakes import WitnessRecorder, charges, fake_bus, kiefer_wolfowitz
from tests.harness.load.virtual_time import VirtualTimeLoop, run_in_virtual_time

from outboxbench.core.application.retry import RetryPolicy
from outboxbench.harness.load.arrivals import Arrivals, poisson_times_ns
from outboxbench.harness.load.client import run_open_loop
from outboxbench.harness.load.job import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

MEAN_SERVICE_NS = 2_000_000
ARRIVALS = 2_000
SPARE_ARRIVALS = 500
FOREVER_NS = 10**15


def services_ns(kind: Literal["exponential", "constant"]) -> Iterator[int]:
    random = Random(5)
    while True:
        yield (
            round(random.expovariate(1 / MEAN_SERVICE_NS)) + 1
            if kind == "exponential"
            else MEAN_SERVICE_NS
        )


def serve_all(
    due_ns: list[int],
    servers: int,
    services: Iterator[int],
    window: Window,
    max_wait_ns: int = FOREVER_NS,
) -> WitnessRecorder:
    """Run an open loop in virtual time; services are drawn in the order in which they begin."""
    recorder = WitnessRecorder(window, "start")

    async def work(loop: VirtualTimeLoop) -> None:
        async def serve() -> None:
            await loop.sleep_ns(next(services))

        bus = fake_bus(serve)
        with Arrivals(iter(due_ns), make_alarm=loop.make_alarm, now_ns=loop.now_ns) as arrivals:
            async with asyncio.TaskGroup() as clients:
                for number in range(servers):
                    clients.create_task(
                        run_open_loop(
                            bus,
                            charges(number),
                            RetryPolicy(1),
                            recorder,
                            arrivals,
                            max_wait_ns,
                            loop.now_ns,
                        )
                    )

    run_in_virtual_time(work)
    return recorder


def arrivals_at(load: float, servers: int) -> list[int]:
    rate_per_s = load * servers * 1e9 / MEAN_SERVICE_NS
    closes_ns = round((ARRIVALS + SPARE_ARRIVALS) / rate_per_s * 1e9)
    return list(poisson_times_ns(rate_per_s, 1_000, closes_ns, "1"))


@pytest.mark.parametrize("kind", ["exponential", "constant"])
@pytest.mark.parametrize("load", [0.5, 0.9, 1.2])
@pytest.mark.parametrize("servers", [1, 2, 5])
def test_every_wait_is_that_of_the_kiefer_wolfowitz_recursion(
    servers: int, load: float, kind: Literal["exponential", "constant"]
) -> None:
    due_ns = arrivals_at(load, servers)

    recorder = serve_all(due_ns, servers, services_ns(kind), Window.of(0, 0, FOREVER_NS))

    services = services_ns(kind)
    expected_ns = kiefer_wolfowitz(due_ns, [next(services) for _ in due_ns], servers)
    waits_ns = [started - due for due, started in sorted(recorder.seen)]
    assert [due for due, _ in sorted(recorder.seen)] == due_ns
    assert waits_ns == expected_ns
    assert len(waits_ns) >= ARRIVALS
    assert max(waits_ns) > (100 * MEAN_SERVICE_NS if load > 1 and servers == 1 else 0)


@pytest.mark.parametrize("kind", ["exponential", "constant"])
@pytest.mark.parametrize("servers", [1, 2, 5])
def test_exactly_those_are_skipped_who_would_wait_longer_than_allowed(
    servers: int, kind: Literal["exponential", "constant"]
) -> None:
    due_ns = arrivals_at(1.2, servers)
    max_wait_ns = 5 * MEAN_SERVICE_NS

    recorder = serve_all(
        due_ns, servers, services_ns(kind), Window.of(0, 0, FOREVER_NS), max_wait_ns
    )

    services = services_ns(kind)
    free_at_ns = [0] * servers
    expected = []
    for due in due_ns:
        began = max(min(free_at_ns), due)
        if began - due <= max_wait_ns:
            free_at_ns[free_at_ns.index(min(free_at_ns))] = began + next(services)
            expected.append((due, began))
    assert sorted(recorder.seen) == expected
    assert recorder.window_outcomes == {"ok": len(expected), "skipped": len(due_ns) - len(expected)}
    assert 0 < len(expected) < len(due_ns)


def test_who_waits_too_long_is_skipped_and_counted() -> None:
    due_ns = arrivals_at(1.5, 2)
    window = Window.of(0, due_ns[100], due_ns[-100])
    max_wait_ns = 10 * MEAN_SERVICE_NS

    recorder = serve_all(due_ns, 2, services_ns("constant"), window, max_wait_ns)

    due_in_window = sum(window.opens_ns <= due < window.closes_ns for due in due_ns)
    counts = recorder.window_outcomes
    assert counts["skipped"] > 0
    assert counts["ok"] > 0
    assert sum(counts.values()) == due_in_window
    assert sum(sum(each.values()) for each in recorder.latency_counts["ok"]) == counts["ok"]
    assert all(started - due <= max_wait_ns for due, started in recorder.seen)
