"""Turns one measured block into its part of the run document, judged, with its histograms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.analysis.checks import judge_block
from outboxbench.analysis.latency import percentiles
from outboxbench.analysis.verdict import combine
from outboxbench.results import histograms
from outboxbench.results.block import Block, Counters, OutcomeCounts
from outboxbench.results.histograms import Interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from outboxbench.harness.suite.blocks import RawBlock
    from outboxbench.harness.suite.measurement import Measurement
    from outboxbench.harness.suite.plan import PlannedArm
    from outboxbench.results.block import LatencyUs
    from outboxbench.results.final_state import FinalState
    from outboxbench.results.store import RunFolder


def make_block(
    folder: RunFolder,
    arm: PlannedArm,
    raw: RawBlock,
    before: FinalState,
    *,
    round_number: int,
    position: int,
) -> Block:
    """Judge a block and write its histograms."""
    measured = raw.measurement
    outcomes = OutcomeCounts(**measured.outcomes)
    seconds = raw.window.seconds
    intervals = [*_latencies(raw), *_lags(raw)]
    checks = judge_block(measured.tally, before, raw.final_state, raw.relayed)
    log = (
        folder.write_histograms(
            f"{arm.name}-round-{round_number}", intervals, start_s=raw.opened_at_s
        )
        if intervals
        else None
    )
    return Block(
        round=round_number,
        position=position,
        seconds=seconds,
        ok_per_s=measured.ended_good / seconds,
        outcomes=outcomes,
        failures=dict(measured.failures),
        attempts=measured.attempts,
        latency_us=percentiles(
            histograms.merge(
                interval.histogram for interval in intervals if interval.tag in histograms.GOOD_TAGS
            )
        ),
        latencies_clamped=measured.clamped,
        schedule_lag_us=_percentiles_of(measured.schedule_lag_counts),
        generator_lag_us=_percentiles_of(measured.generator_lag_counts),
        histogram=None if log is None else log.path,
        histogram_sha256=None if log is None else log.sha256,
        counters=_counters(measured, outcomes.attempted, seconds),
        conditions=measured.surveillance.conditions.model_copy(
            update={"autovacuums": raw.autovacuums}
        ),
        http=raw.http,
        verdict=combine(check.verdict for check in checks),
        checks=checks,
    )


def _latencies(raw: RawBlock) -> Iterator[Interval]:
    length_s = raw.window.interval_ns / 1e9
    for outcome, intervals in raw.measurement.latency_counts.items():
        for number, counts in enumerate(intervals):
            if counts:
                start_s = number * length_s
                yield Interval(
                    tag=outcome,
                    start_s=raw.opened_at_s + start_s,
                    length_s=min(length_s, raw.window.seconds - start_s),
                    histogram=histograms.to_hdr(counts),
                )


def _lags(raw: RawBlock) -> Iterator[Interval]:
    lags = {
        histograms.SCHEDULE_LAG_TAG: raw.measurement.schedule_lag_counts,
        histograms.GENERATOR_LAG_TAG: raw.measurement.generator_lag_counts,
    }
    for tag, counts in lags.items():
        if counts:
            yield Interval(tag, raw.opened_at_s, raw.window.seconds, histograms.to_hdr(counts))


def _percentiles_of(counts: Mapping[int, int]) -> LatencyUs | None:
    return percentiles(histograms.to_hdr(counts)) if counts else None


def _counters(measured: Measurement, operations: int, seconds: float) -> Counters:
    def per_operation_us(cpu_s: float | None) -> float | None:
        return None if cpu_s is None or not operations else cpu_s * 1e6 / operations

    client_cpu_s = measured.surveillance.client_cpu_s
    return Counters(
        client_cpu_us_per_op=per_operation_us(client_cpu_s),
        server_cpu_us_per_op=per_operation_us(measured.surveillance.server_cpu_s),
        client_cpu_share=None if client_cpu_s is None else client_cpu_s / seconds,
        harness_idle_share=measured.harness_share,
    )
