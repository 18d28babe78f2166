"""Reasons to doubt a run's figures that show from its plan, its machine and its blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.results.model import RunWarning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from outboxbench.harness.suite.model import Suite
    from outboxbench.results.machine import Environment, Server
    from outboxbench.results.model import Arm

ENOUGH_ROUNDS = 5
MEMORY_FILESYSTEMS = frozenset({"tmpfs", "ramfs"})
DURABILITY_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes")
WIDE_SPREAD = 0.25
HARNESS_SHARE_LIMIT = 0.01


def run_warnings(
    suite: Suite, environment: Environment, server: Server, arms: Sequence[Arm]
) -> tuple[RunWarning, ...]:
    """Return every doubt, each with what to do about it."""
    return tuple(
        warning
        for warnings in (
            _few_rounds(suite),
            _not_durable(environment, server),
            _wide_spread(arms),
            _harness_in_the_way(arms),
            _clamped(arms),
        )
        for warning in warnings
    )


def _few_rounds(suite: Suite) -> Iterator[RunWarning]:
    if suite.rounds < ENOUGH_ROUNDS:
        yield RunWarning(
            code="few-rounds",
            message=f"{suite.rounds} rounds say little about the noise between rounds",
            advice=f"run with --rounds {ENOUGH_ROUNDS} or more",
        )


def _not_durable(environment: Environment, server: Server) -> Iterator[RunWarning]:
    if environment.data_filesystem in MEMORY_FILESYSTEMS:
        yield RunWarning(
            code="data-in-memory",
            message=f"the server's data lies on {environment.data_filesystem}, so a commit waits "
            "for no disk",
            advice="name a folder on a disk in OUTBOXBENCH_TMPDIR",
        )
    for name in DURABILITY_SETTINGS:
        if server.settings.get(name, "on") != "on":
            yield RunWarning(
                code="not-durable",
                message=f"the server runs with {name} = {server.settings[name]}: "
                "an acknowledged commit may be lost",
                advice=f"set {name} = on",
            )


def _wide_spread(arms: Sequence[Arm]) -> Iterator[RunWarning]:
    wide = [
        arm.name
        for arm in arms
        if (summary := arm.summary) is not None
        and summary.ok_per_s_max - summary.ok_per_s_min > WIDE_SPREAD * summary.ok_per_s_median
    ]
    if wide:
        yield RunWarning(
            code="wide-spread",
            message=f"in {len(wide)} of {len(arms)} arms the rounds differ by more than "
            f"{WIDE_SPREAD:.0%} of their median",
            advice="run on a quiet machine, or with longer windows (--duration) and more --rounds",
        )


def _harness_in_the_way(arms: Sequence[Arm]) -> Iterator[RunWarning]:
    shares = {
        arm.name: max((block.counters.harness_idle_share or 0.0) for block in arm.blocks)
        for arm in arms
    }
    slow = {name: share for name, share in shares.items() if share > HARNESS_SHARE_LIMIT}
    if slow:
        name = max(slow, key=slow.__getitem__)
        yield RunWarning(
            code="harness-in-the-way",
            message=f"clients spent up to {slow[name]:.1%} of the time on the harness's own work "
            f"({name})",
            advice="use more clients, or compare these arms with each other alone",
        )


def _clamped(arms: Sequence[Arm]) -> Iterator[RunWarning]:
    clamped = sum(block.latencies_clamped for arm in arms for block in arm.blocks)
    if clamped:
        yield RunWarning(
            code="latencies-clamped",
            message=f"{clamped} latencies of an hour or more are counted as one hour",
            advice="set statement_timeout_s lower in the suite",
        )
