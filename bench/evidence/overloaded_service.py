"""Evidence that a service which is asked for three times what it can do goes on doing what it can.

The peak is set by a small pool and by a network in between, so that neither the service nor Locust
is at its own limit. The load is open: at 60% of the peak, then at 300% of it. Who is not served has
to be told so soon, who is served must not wait much longer than before, memory must not grow, and
afterwards the database has to hold what the clients were told, no more and no less.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psutil

from outboxbench.analysis.checks import judge_block
from outboxbench.analysis.latency import percentiles
from outboxbench.harness.http.instance import Instance
from outboxbench.harness.http.load_plan import LoadPlan
from outboxbench.harness.http.locust_process import LocustProcess
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres.counters import process_cpu_seconds
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.final_state import read_final_state, wait_until_unused
from outboxbench.harness.postgres.server import open_server
from outboxbench.harness.relay_database import prepare_database
from outboxbench.harness.suite.measurement import Surveillance, from_workers
from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template
from outboxbench.harness.wire.proxy_process import NetworkProxy
from outboxbench.results import histograms
from outboxbench.results.block import Conditions, LatencyUs

if TYPE_CHECKING:
    from outboxbench.results.final_state import ClientTally

POOL_SIZE = 4
IN_FLIGHT = 6
RTT_MS = 4.0
USERS = 64
SIZE = DatasetSize(accounts=10_000, orders=1_000)
LEAST_GOODPUT = 0.8
MOST_TIMES_P99 = 3.0
SOON_MS = 100.0
MOST_GROWTH = 0.1
SATURATED = 0.9


@dataclass(frozen=True)
class Phase:
    """What came out of one load."""

    name: str
    offered_per_s: float | None
    ok_per_s: float
    served: LatencyUs
    turned_away: LatencyUs
    shed_share: float
    busiest_generator: float
    rss_mib: float


def main() -> int:
    """Print a phase a line and what has to hold; the exit code is 1 if one thing does not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of overload")
    parser.add_argument("--strategy", default="asyncpg")
    options = parser.parse_args()
    with ExitStack() as stack:
        janitor = stack.enter_context(Janitor())
        server = stack.enter_context(open_server(None, None, janitor))
        databases = stack.enter_context(Databases(server, "overload"))
        address = databases.create("load")
        prepare_template(address, SIZE)
        prepare_database(address, "lease", announces=False)
        before = read_final_state(address)
        proxy = stack.enter_context(NetworkProxy(server.address, RTT_MS, janitor))
        words = ("--pool-size", str(POOL_SIZE), "--in-flight", str(IN_FLIGHT))
        instance = stack.enter_context(
            Instance(options.strategy, proxy.address(address.database), words, janitor)
        )
        url = instance.url()
        tallies: list[ClientTally] = []

        def load(name: str, users: int, rate_per_s: float | None, seconds: float) -> Phase:
            plan = LoadPlan(
                "charge",
                SIZE.accounts,
                SIZE.orders,
                name,
                warm_up_s=3.0,
                window_s=seconds,
                rate_per_s=rate_per_s,
                workers=2,
            )
            with LocustProcess(plan, users, [url], janitor) as locust:
                window = locust.window()
                pids = locust.pids
                time.sleep(max(0.0, (window.opens_ns - time.monotonic_ns()) / 1e9))
                used = [process_cpu_seconds(pid) or 0.0 for pid in pids]
                time.sleep(max(0.0, (window.closes_ns - time.monotonic_ns()) / 1e9))
                later = [process_cpu_seconds(pid) or 0.0 for pid in pids]
                rss_mib = psutil.Process(instance.pid).memory_info().rss / 2**20
                result = locust.result()
            measured = from_workers(result.workers, Surveillance(None, None, Conditions()))
            tallies.append(measured.tally)
            attempted = sum(measured.outcomes.values())
            phase = Phase(
                name,
                rate_per_s,
                measured.ended_good / window.seconds,
                _latency(measured.latency_counts.get("ok", ())),
                _latency(measured.latency_counts.get("failed", ())),
                measured.outcomes.get("failed", 0) / attempted,
                max(b - a for a, b in zip(used, later, strict=True)) / window.seconds,
                rss_mib,
            )
            print(_told(phase), flush=True)
            return phase

        print(_HEAD)
        peak = load("peak", IN_FLIGHT, None, 10.0)
        calm = load("60%", USERS, 0.6 * peak.ok_per_s, 20.0)
        settled = load("300%, 10 s", USERS, 3 * peak.ok_per_s, 10.0)
        over = load("300%", USERS, 3 * peak.ok_per_s, options.seconds)
        instance.stop()
        wait_until_unused(address)
        checks = judge_block(_together(tallies), before, read_final_state(address))
    growth = over.rss_mib / settled.rss_mib - 1
    assert over.served.p99 is not None
    assert calm.served.p99 is not None
    assert over.turned_away.p99 is not None
    of_peak = over.ok_per_s / peak.ok_per_s
    longer = over.served.p99 / calm.served.p99
    soon_ms = over.turned_away.p99 / 1000
    busiest = max(each.busiest_generator for each in (peak, calm, over))
    memory = f"{settled.rss_mib:.1f} MiB, and after {options.seconds:g} s more {over.rss_mib:.1f}"
    findings = [
        (of_peak >= LEAST_GOODPUT, f"goodput is {of_peak:.0%} of the peak (at least 80%)"),
        (longer <= MOST_TIMES_P99, f"p99 of who is served: {longer:.2f} × that at 60% (at most 3)"),
        (soon_ms <= SOON_MS, f"99% of who is not are told so in {soon_ms:.1f} ms (at most 100)"),
        (growth <= MOST_GROWTH, f"memory: {memory} MiB ({growth:+.1%}, at most 10%)"),
        (busiest < SATURATED, f"Locust's busiest process: {busiest:.0%} of a core (void from 90%)"),
        *((check.verdict == "pass", f"{check.name}: {check.detail}") for check in checks),
    ]
    for holds, told in findings:
        print(f"{'holds ' if holds else 'FAILS '} {told}")
    return int(not all(holds for holds, _ in findings))


_HEAD = (
    "phase        offered/s    ok/s  served p50   p99 ms  turned away  p99 ms  Locust    RSS MiB"
)


def _told(phase: Phase) -> str:
    offered = "closed" if phase.offered_per_s is None else f"{phase.offered_per_s:,.0f}"
    return (
        f"{phase.name:<12} {offered:>9} {phase.ok_per_s:7,.0f}  {_ms(phase.served.p50):>10} "
        f"{_ms(phase.served.p99):>8}  {phase.shed_share:11.1%} {_ms(phase.turned_away.p99):>7} "
        f"{phase.busiest_generator:7.0%}  {phase.rss_mib:9.1f}"
    )


def _ms(value_us: float | None) -> str:
    return "–" if value_us is None else f"{value_us / 1000:.1f}"


def _latency(intervals: object) -> LatencyUs:
    counts = [each for each in intervals if each]  # type: ignore[attr-defined]
    return percentiles(histograms.merge(histograms.to_hdr(each) for each in counts))


def _together(tallies: list[ClientTally]) -> ClientTally:
    """What all loads have done is judged as one."""
    outcomes: dict[str, dict[str, int]] = {}
    for tally in tallies:
        for command, counts in tally.outcomes.items():
            merged = outcomes.setdefault(command, {})
            for outcome, count in counts.items():
                merged[outcome] = merged.get(outcome, 0) + count
    return replace(
        tallies[0],
        outcomes=outcomes,
        charged_cents=sum(each.charged_cents or 0 for each in tallies),
    )


if __name__ == "__main__":
    sys.exit(main())
