"""Doubts about blocks: what else went on, what the harness took, what a load could not show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.results.model import RunWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outboxbench.results.block import Block
    from outboxbench.results.model import Arm, Run

HARNESS_SHARE_LIMIT: Final = 0.01
STEAL_LIMIT: Final = 0.02
FOREIGN_CPU_LIMIT: Final = 0.05
SATURATED_CORE: Final = 0.9
SATURATED_SERVER: Final = 0.8
"""Less than of a client: backends that wait for the disk and for locks leave a core idle."""
GENERATOR_LAG_LIMIT_US: Final = 2000.0
FEW_SKIPPED: Final = 0.001


def doubts(run: Run) -> Iterator[RunWarning]:
    """Yield what the blocks of a run give rise to."""
    yield from _others_took_cpu(run)
    yield from _server_was_busy(run)
    yield from _harness_in_the_way(run)
    yield from _server_saturated(run)
    yield from _open_loops(run)
    yield from _load_saturated(run)
    clamped = sum(block.latencies_clamped for block in _blocks(run))
    if clamped:
        yield RunWarning(
            code="latencies-clamped",
            message=f"{clamped} latencies of an hour or more are counted as one hour",
            advice="set statement_timeout_s lower in the suite",
        )


def _others_took_cpu(run: Run) -> Iterator[RunWarning]:
    share, where = _worst(run, lambda block: block.conditions.steal_share)
    if share > STEAL_LIMIT:
        yield RunWarning(
            code="stolen-time",
            message=f"the hypervisor gave up to {share:.0%} of the CPU time of a block to others "
            f"({where})",
            advice="compare arms by their ratios, with more --rounds; absolute figures are too low",
        )
    share, where = _worst(run, lambda block: block.conditions.foreign_cpu_share)
    if share > FOREIGN_CPU_LIMIT:
        yield RunWarning(
            code="busy-machine",
            message=f"other processes used up to {share:.0%} of the CPU time of a block ({where})",
            advice="end what else runs on this machine, and repeat the run",
        )


def _server_was_busy(run: Run) -> Iterator[RunWarning]:
    """A checkpoint or a vacuum in some arms is a burden that the others had not."""
    busy = {
        "checkpoint": _arms_with(run, lambda block: block.conditions.checkpoints),
        "autovacuum": _arms_with(run, lambda block: block.conditions.autovacuums),
    }
    advice = {
        "checkpoint": "raise checkpoint_timeout and max_wal_size, or use a shorter --duration",
        "autovacuum": "use a shorter --duration, or compare arms in which it ran alike",
    }
    for what, arms in busy.items():
        if 0 < len(arms) < len(run.arms):
            yield RunWarning(
                code=f"{what}-in-block",
                message=f"{what} ran inside blocks of {len(arms)} of {len(run.arms)} arms "
                f"({arms[0]}{', …' if len(arms) > 1 else ''})",
                advice=advice[what],
            )


def _harness_in_the_way(run: Run) -> Iterator[RunWarning]:
    share, where = _worst(run, lambda block: block.counters.harness_idle_share)
    if share > HARNESS_SHARE_LIMIT:
        yield RunWarning(
            code="harness-in-the-way",
            message=f"clients spent up to {share:.1%} of the time on the harness's own work "
            f"({where})",
            advice="use more clients, or compare these arms with each other alone",
        )


def _server_saturated(run: Run) -> Iterator[RunWarning]:
    """On few cores a pinned server may be the limit: then all fast arms look alike."""
    cores = run.pinning.server_cores
    if cores is None:
        return
    arms = [
        arm.name
        for arm in run.arms
        if arm.role == "strategy"
        and any(_server_cpu_share(block) > SATURATED_SERVER * len(cores) for block in arm.blocks)
    ]
    if arms:
        yield RunWarning(
            code="server-saturated",
            message="the server used up what it was pinned to, "
            f"{'one core' if len(cores) == 1 else f'{len(cores)} cores'}, in {len(arms)} of "
            f"{len(run.arms)} arms ({arms[0]})",
            advice="they show what the server can do; compare client CPU per operation as well, or "
            'measure with more cores, or with pin = "none"',
        )


def _server_cpu_share(block: Block) -> float:
    per_operation_us = block.counters.server_cpu_us_per_op or 0.0
    return per_operation_us * block.outcomes.attempted / block.seconds / 1e6


def _open_loops(run: Run) -> Iterator[RunWarning]:
    arms = [arm for arm in run.arms if arm.offered_per_s is not None and arm.summary is not None]
    skipping = [arm for arm in arms if _skipped_share(arm) > FEW_SKIPPED]
    if skipping:
        worst = max(skipping, key=_skipped_share)
        yield RunWarning(
            code="skipped-arrivals",
            message=f"{len(skipping)} arms could not keep up with their rate and skipped arrivals, "
            f"up to {_skipped_share(worst):.1%} ({worst.name})",
            advice="their latencies are those of the operations that got through: lower the rate",
        )
    kept_up = [arm for arm in arms if arm not in skipping]
    saturated = [arm.name for arm in kept_up if _client_cpu_per_worker(arm) > SATURATED_CORE]
    if saturated:
        yield RunWarning(
            code="client-saturated",
            message=f"a client process used more than {SATURATED_CORE:.0%} of its core in "
            f"{len(saturated)} arms ({saturated[0]})",
            advice="their latencies show the client's queue: lower the rate, or set workers higher",
        )
    late = {
        arm.name: lag.p99
        for arm in kept_up
        if arm.summary is not None
        and (lag := arm.summary.generator_lag_us) is not None
        and lag.p99 is not None
        and lag.p99 > GENERATOR_LAG_LIMIT_US
        and arm.name not in saturated
    }
    if late:
        name = max(late, key=late.__getitem__)
        yield RunWarning(
            code="generator-late",
            message=f"arrivals were noticed up to {late[name] / 1000:.1f} ms late (99th "
            f"percentile, {name})",
            advice="that is part of the latencies: lower the rate, or run on a quiet machine",
        )


def _load_saturated(run: Run) -> Iterator[RunWarning]:
    """Where what asks is at its limit, a service has shown nothing of its own."""
    shares = {
        arm.name: max(
            block.http.busiest_generator_share or 0.0 for block in arm.blocks if block.http
        )
        for arm in run.arms
        if any(block.http for block in arm.blocks)
    }
    saturated = [name for name, share in shares.items() if share > SATURATED_CORE]
    if saturated:
        worst = max(saturated, key=shares.__getitem__)
        yield RunWarning(
            code="load-saturated",
            message=f"a process of Locust used up to {shares[worst]:.0%} of its core in "
            f"{len(saturated)} arms ({worst})",
            advice="these arms show what Locust can do, not the service: set processes higher",
        )


def _skipped_share(arm: Arm) -> float:
    outcomes = arm.summary.outcomes if arm.summary else None
    return outcomes.skipped / outcomes.attempted if outcomes and outcomes.attempted else 0.0


def _client_cpu_per_worker(arm: Arm) -> float:
    workers = arm.settings.get("workers")
    count = workers if isinstance(workers, int) else 1
    return max((block.counters.client_cpu_share or 0.0) for block in arm.blocks) / count


def _worst(run: Run, share_of: Callable[[Block], float | None]) -> tuple[float, str]:
    shares = [(share_of(block) or 0.0, arm.name) for arm in run.arms for block in arm.blocks]
    return max(shares, default=(0.0, ""))


def _arms_with(run: Run, count_of: Callable[[Block], int | None]) -> list[str]:
    return [arm.name for arm in run.arms if any(count_of(block) for block in arm.blocks)]


def _blocks(run: Run) -> Iterator[Block]:
    return (block for arm in run.arms for block in arm.blocks)
