"""A run as a machine with two cores might leave it, made up from a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pytest
from tests.report.closed_loops import closed_loops
from tests.report.loads import across_a_network, same_rate, sweep

from outboxbench.analysis.comparison import compare_arms
from outboxbench.analysis.verdict import combine
from outboxbench.results.histograms import Interval, merge
from outboxbench.results.machine import Environment, NetworkDelay, Server
from outboxbench.results.model import Run, RunWarning

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hdrh.histogram import HdrHistogram

    from outboxbench.results.document import Profile
    from outboxbench.results.model import Arm
    from outboxbench.results.store import RunFolder

STARTED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
REFERENCE = "asyncpg"
MARGIN = 0.05

# Strategy: ok/s on asyncio, on uvloop; the order of magnitude of two cores.
STRATEGIES = {
    "asyncpg": (2610.0, 3020.0),
    "psycopg": (1650.0, 1790.0),
    "core-asyncpg": (1340.0, 1460.0),
    "core-psycopg": (1090.0, 1150.0),
    "orm-asyncpg": (905.0, 975.0),
    "orm-psycopg": (790.0, 812.0),
}


@dataclass(frozen=True)
class MadeUpRun:
    """A run, and the latencies of each arm's blocks by the arm's name."""

    run: Run
    blocks: Mapping[str, Sequence[HdrHistogram]]

    @property
    def histograms(self) -> dict[str, HdrHistogram]:
        return {name: merge(blocks) for name, blocks in self.blocks.items()}

    def record(self, folder: RunFolder) -> Run:
        """Write the histograms as the harness does; returns the run that names them."""
        start_s = STARTED_AT.timestamp()
        arms = []
        for arm in self.run.arms:
            logs = [
                folder.write_histograms(
                    f"{arm.name}-{block.round}",
                    [Interval("ok", start_s, block.seconds, histogram)],
                    start_s=start_s,
                )
                for block, histogram in zip(arm.blocks, self.blocks[arm.name], strict=True)
            ]
            blocks = [
                block.model_copy(update={"histogram": log.path, "histogram_sha256": log.sha256})
                for block, log in zip(arm.blocks, logs, strict=True)
            ]
            arms.append(arm.model_copy(update={"blocks": tuple(blocks)}))
        return self.run.model_copy(update={"arms": tuple(arms)})


class RunBuilder(Protocol):
    def __call__(
        self,
        *,
        strategies: Mapping[str, tuple[float, float]] = ...,
        failing: Sequence[str] = ...,
        workloads: Sequence[str] = ...,
        profiles: Sequence[Profile] = ...,
        rounds: int = ...,
        window_s: float = ...,
        server_settings: Mapping[str, str] | None = ...,
    ) -> MadeUpRun: ...


def _build(
    *,
    strategies: Mapping[str, tuple[float, float]] = STRATEGIES,
    failing: Sequence[str] = (),
    workloads: Sequence[str] = ("charge",),
    profiles: Sequence[Profile] = ("matched",),
    rounds: int = 5,
    window_s: float = 1.0,
    server_settings: Mapping[str, str] | None = None,
) -> MadeUpRun:
    random = np.random.default_rng(7)
    arms: list[Arm] = []
    histograms: dict[str, list[HdrHistogram]] = {}
    for workload in workloads:
        for profile in profiles:
            prefix = f"{workload}-{profile}" if len(workloads) * len(profiles) > 1 else ""
            for arm, blocks in closed_loops(random, strategies, failing, rounds, window_s):
                name = f"{arm.name}-{prefix}" if prefix else arm.name
                histograms[name] = blocks
                arms.append(
                    arm.model_copy(update={"name": name, "workload": workload, "profile": profile})
                )
    return MadeUpRun(_run(arms, rounds, window_s, server_settings), histograms)


def _run(
    arms: Sequence[Arm],
    rounds: int,
    window_s: float,
    server_settings: Mapping[str, str] | None = None,
) -> Run:
    return Run(
        suite="quick",
        command="outboxbench run quick --seed 7",
        seed=7,
        rounds=max(rounds, 1),
        window_s=window_s,
        started_at=STARTED_AT,
        finished_at=STARTED_AT + timedelta(minutes=2),
        complete=True,
        verdict=combine(arm.verdict for arm in arms),
        environment=Environment(
            cpu_model="A Processor",
            cores=2,
            memory_bytes=8_000_000_000,
            kernel="Linux 6.1",
            python="3.11.7",
            implementation="CPython",
            packages={"asyncpg": "0.31.0"},
            libpq="17.4",
            psycopg_implementation="binary",
            data_filesystem="ext4",
        ),
        server=Server(version="18.6", origin="embedded", settings=dict(server_settings or {})),
        reference=REFERENCE,
        arms=tuple(arms),
        comparisons=compare_arms(_pairs(arms), lambda _metric, _rounds: MARGIN),
        warnings=(
            RunWarning(
                code="few-rounds",
                message="5 rounds find only large differences.",
                advice="Repeat with --rounds 12 before you decide anything on them.",
            ),
        ),
    )


def _pairs(arms: Sequence[Arm]) -> list[tuple[Arm, Arm]]:
    """Every arm after the reference under the same load; a rate of its own has no like."""

    def load(arm: Arm) -> tuple[object, ...]:
        return arm.loop, arm.workload, arm.profile, arm.settings, arm.offered_per_s

    return [
        (base, head)
        for head in arms
        for base in arms
        if base.strategy == REFERENCE != head.strategy and load(base) == load(head)
    ]


@pytest.fixture(scope="session")
def build_run() -> RunBuilder:
    return _build


@pytest.fixture(scope="session")
def quick_run() -> MadeUpRun:
    """Six strategies on two event loops and a ceiling, over five rounds; all of them passed."""
    return _build()


@pytest.fixture(scope="session")
def slower_run() -> MadeUpRun:
    """The same as `quick_run`, but that psycopg has become slower."""
    return _build(strategies={**STRATEGIES, "psycopg": (1000.0, 1100.0)})


def _under_load(measured: Iterable[tuple[Arm, list[HdrHistogram]]]) -> MadeUpRun:
    arms, latencies = zip(*measured, strict=True)
    names = (arm.name for arm in arms)
    return MadeUpRun(_run(arms, 5, 2.0), dict(zip(names, latencies, strict=True)))


@pytest.fixture(scope="session")
def sweep_run() -> MadeUpRun:
    """Three strategies up to 110% of their own capacity, and at the same rate for all."""
    random = np.random.default_rng(7)
    return _under_load([*same_rate(random), *sweep(random)])


@pytest.fixture(scope="session")
def network_run() -> MadeUpRun:
    """Three strategies at three distances; asyncpg is the fastest at the first of them alone."""
    made_up = _under_load(across_a_network(np.random.default_rng(7)))
    delays = tuple(
        NetworkDelay(
            rtt_ms=rtt_ms, samples=400, added_p50_us=rtt_ms * 1000 + 9, added_p99_us=rtt_ms * 1200
        )
        for rtt_ms in (0.5, 2.0)
    )
    return replace(made_up, run=made_up.run.model_copy(update={"network": delays}))
