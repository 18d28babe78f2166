"""The report of the largest suites, made in a process of its own, and what that took.

Run as a module, it prints the size of the file, the seconds and the highest memory as JSON.
"""

from __future__ import annotations

import json
import resource
import time
from typing import TYPE_CHECKING

from tests.analysis import runs
from tests.report.html.made_up import answer, chart, faults_run, png, warning

from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.html.page import render_html
from outboxbench.results.block import LatencyUs, OutcomeCounts
from outboxbench.results.comparison import Comparison
from outboxbench.results.model import Summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.report.html.inputs import ReportChart
    from outboxbench.results.model import Arm, Run

STRATEGIES = 12
FAULTS = 23
SETTINGS = 25

_KIB = 1024


def many_faults() -> Run:
    """276 arms under faults."""
    run = faults_run(STRATEGIES, FAULTS)
    return run.model_copy(update={"warnings": tuple(map(warning, range(30)))})


def many_arms() -> Run:
    """600 arms of closed loops, each of which is compared with a first one in two metrics."""
    arms = [
        _arm(f"strategy-{strategy}", loop, setting)
        for setting in range(SETTINGS)
        for strategy in range(STRATEGIES)
        for loop in ("asyncio", "uvloop")
    ]
    comparisons = tuple(
        Comparison(
            base=arms[0].name,
            head=arm.name,
            metric=metric,
            rounds=5,
            ratio=0.8123,
            low=0.7,
            high=0.9,
            bootstrap_low=0.7,
            bootstrap_high=0.9,
            hodges_lehmann=0.8,
            margin=0.05,
            p_value=0.0123,
            decision="regression",
            is_advisory=False,
        )
        for arm in arms[1:]
        for metric in ("ok_per_s", "latency_p50")
    )
    return runs.run(*arms, comparisons=comparisons, verdict="pass")


def many_charts(tall_px: int, marks: int, *, of_each: int = FAULTS) -> Iterator[ReportChart]:
    """Three charts of all arms, and one for each fault, with their figures."""
    data = DataTable(
        ("strategy", "loop", "time s", "goodput per s", "p99 ms", "share"),
        tuple((f"strategy-{n % 12}", "uvloop", n / 10, n * 1.5, 12.5, 0.25) for n in range(2_000)),
    )
    tall, short = png(1650, tall_px, marks=marks), png(1650, tall_px // 8, marks=marks // 8)
    for number in range(3 + of_each):
        yield chart(f"chart-{number}", png=tall if number < 3 else short, data=data)


def _arm(strategy: str, loop: str, setting: int) -> Arm:
    latency = LatencyUs(samples=9_999, p50=1234.0, p90=2345.0, p99=3456.0, max=45678.0)
    summary = Summary(
        rounds=5,
        ok_per_s_median=1234.5,
        ok_per_s_min=1200.25,
        ok_per_s_max=1300.75,
        ceiling_ratio_median=0.51,
        outcomes=OutcomeCounts(ok=9_999, failed=3),
        latency_us=latency,
        client_cpu_us_per_op=321.5,
        server_cpu_us_per_op=456.75,
    )
    return runs.arm(
        f"{strategy}/{loop}/charge/matched/{setting} clients",
        [runs.block(0)],
        strategy=strategy,
        loop=loop,
        settings={"clients": setting},
        summary=summary,
    )


def _measured() -> dict[str, float]:
    charts = list(many_charts(16_000, 8_000))
    run = many_faults()
    before_s = time.monotonic()
    page = render_html(run, charts, {}, [answer()] * 8)
    return {
        "size_bytes": len(page.encode()),
        "seconds": time.monotonic() - before_s,
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB,
    }


if __name__ == "__main__":
    print(json.dumps(_measured()))  # noqa: T201
