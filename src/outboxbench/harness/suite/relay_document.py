"""Turns measured relay blocks into their part of the run document, judged and summarised."""

from __future__ import annotations

from collections import Counter
from math import log
from statistics import median
from typing import TYPE_CHECKING

from outboxbench.analysis.intervals import Paired
from outboxbench.analysis.latency import percentiles
from outboxbench.analysis.relay_checks import (
    duplicates,
    inversions,
    judge_chain,
    judge_deliveries,
)
from outboxbench.analysis.verdict import combine
from outboxbench.harness.relaying.hops import backlog_over_time, hop_latencies_ns
from outboxbench.harness.suite.relay_plan import ChainArm, DrainArm, reference_of
from outboxbench.results import histograms
from outboxbench.results.buckets import clamp_us, counts_index
from outboxbench.results.relay import (
    HopLatency,
    RelayArm,
    RelayBlock,
    RelayRatio,
    RelaySummary,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic import JsonValue

    from outboxbench.harness.suite.relay_blocks import RawRelayBlock
    from outboxbench.harness.suite.relay_plan import RelayingArm
    from outboxbench.results.block import LatencyUs
    from outboxbench.results.relay import Hop

BACKLOG_INTERVALS = 60


class MeasuredRelays:
    """What the relay arms of a run have come to so far."""

    def __init__(self, arms: Sequence[RelayingArm], reference: str) -> None:
        self._arms = arms
        self._reference = reference
        self._blocks: dict[RelayingArm, list[RelayBlock]] = {}
        self._hops: dict[RelayingArm, dict[Hop, Counter[int]]] = {}
        self._writes: dict[RelayingArm, Counter[int]] = {}

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def add(
        self, arm: RelayingArm, raw: RawRelayBlock, *, round_number: int, position: int
    ) -> RelayBlock:
        """Judge a block and keep it."""
        hops = {
            hop: _counted(latencies_ns)
            for hop, latencies_ns in hop_latencies_ns(
                raw.placed, raw.committed_ns, raw.records
            ).items()
        }
        writes = _write_latencies(raw)
        block = _block(arm, raw, hops, writes, round_number=round_number, position=position)
        self._blocks.setdefault(arm, []).append(block)
        merged = self._hops.setdefault(arm, {})
        for hop, counts in hops.items():
            merged.setdefault(hop, Counter()).update(counts)
        self._writes.setdefault(arm, Counter()).update(writes)
        return block

    def documents(self) -> tuple[RelayArm, ...]:
        """Return every arm that was measured, summarised, in the order of the suite."""
        return tuple(self._document(arm) for arm in self._arms if arm in self._blocks)

    def _document(self, arm: RelayingArm) -> RelayArm:
        blocks = self._blocks[arm]
        return RelayArm(
            name=arm.name,
            scenario="drain" if isinstance(arm, DrainArm) else "chain",
            strategy=arm.strategy.name,
            write_plan=arm.strategy.write_plan,
            driver=arm.strategy.driver,
            loop=arm.loop,
            plan=arm.plan,
            broker=arm.broker,
            relays=arm.relays,
            settings=_settings(arm),
            blocks=tuple(blocks),
            summary=self._summary(arm, blocks),
            verdict=combine(block.verdict for block in blocks),
        )

    def _summary(self, arm: RelayingArm, blocks: Sequence[RelayBlock]) -> RelaySummary:
        rates = [block.delivered_per_s for block in blocks]
        writes = self._writes[arm]
        return RelaySummary(
            rounds=len(blocks),
            delivered_per_s_median=median(rates),
            delivered_per_s_min=min(rates),
            delivered_per_s_max=max(rates),
            duplicates=sum(block.duplicates for block in blocks),
            inversions=sum(block.inversions for block in blocks),
            hops=_hops(self._hops[arm]),
            writes_us=_percentiles(writes) if writes else None,
            relay_cpu_us_per_message=_median(block.relay_cpu_us_per_message for block in blocks),
            server_cpu_us_per_message=_median(block.server_cpu_us_per_message for block in blocks),
            ratio=self._ratio(arm, blocks) if isinstance(arm, DrainArm) else None,
        )

    def _ratio(self, arm: DrainArm, blocks: Sequence[RelayBlock]) -> RelayRatio | None:
        base = reference_of(arm, tuple(self._blocks), self._reference)
        if base is None:
            return None
        by_round = {block.round: block.delivered_per_s for block in self._blocks[base]}
        pairs = [
            (by_round[block.round], block.delivered_per_s)
            for block in blocks
            if by_round.get(block.round) and block.delivered_per_s
        ]
        if len(pairs) < 2:
            return None
        logarithms = tuple(log(head / base_rate) for base_rate, head in pairs)
        ratio, low, high = Paired(logarithms).mean().t_interval()
        return RelayRatio(base=base.name, ratio=ratio, low=low, high=high)


def _block(
    arm: RelayingArm,
    raw: RawRelayBlock,
    hops: Mapping[Hop, Counter[int]],
    writes: Counter[int],
    *,
    round_number: int,
    position: int,
) -> RelayBlock:
    delivered = sum(result.delivered for result in raw.results)
    checks = [*judge_deliveries(raw.deliveries)]
    if raw.chain is not None:
        checks.append(judge_chain(raw.chain))
    in_seconds = delivered if isinstance(arm, DrainArm) else _delivered_in_window(raw)
    interval_ns = max(1, round(raw.seconds * 1e9) // BACKLOG_INTERVALS)

    def per_message_us(cpu_s: float | None) -> float | None:
        return cpu_s * 1e6 / in_seconds if cpu_s is not None and in_seconds else None

    return RelayBlock(
        round=round_number,
        position=position,
        seconds=raw.seconds,
        delivered=delivered,
        delivered_per_s=in_seconds / raw.seconds,
        duplicates=duplicates(raw.deliveries),
        inversions=inversions(raw.deliveries),
        refused=sum(result.refused for result in raw.results),
        dead=sum(result.dead for result in raw.results),
        late=sum(result.late for result in raw.results),
        relay_cpu_us_per_message=(
            sum(result.cpu_ns for result in raw.results) / 1e3 / delivered if delivered else None
        ),
        server_cpu_us_per_message=per_message_us(raw.server_cpu_s),
        hops=_hops(hops),
        writes_us=_percentiles(writes) if writes else None,
        backlog=_backlog(arm, raw, interval_ns),
        backlog_interval_s=interval_ns / 1e9,
        verdict=combine(check.verdict for check in checks),
        checks=tuple(checks),
    )


def _backlog(arm: RelayingArm, raw: RawRelayBlock, interval_ns: int) -> tuple[int, ...]:
    first: dict[bytes, int] = {}
    for record in raw.records:
        key = record["op_id"].tobytes() + record["ordinal"].tobytes()
        first[key] = min(first.get(key, 2**63), int(record["delivered_ns"]))
    if isinstance(arm, DrainArm):
        committed: list[int] = [raw.opens_ns - 1] * len(raw.deliveries.due)
    else:
        committed = [
            raw.committed_ns[op_id.bytes]
            for op_id, _ in raw.deliveries.due
            if op_id.bytes in raw.committed_ns
        ]
        known = raw.committed_ns.keys()
        first = {key: moment_ns for key, moment_ns in first.items() if key[:16] in known}
    return backlog_over_time(committed, first.values(), raw.opens_ns, interval_ns)


def _delivered_in_window(raw: RawRelayBlock) -> int:
    moments = raw.records["delivered_ns"]
    closes_ns = raw.opens_ns + round(raw.seconds * 1e9)
    return int(((moments >= raw.opens_ns) & (moments < closes_ns)).sum())


def _write_latencies(raw: RawRelayBlock) -> Counter[int]:
    counts: Counter[int] = Counter()
    if raw.writes is not None:
        for outcome in histograms.GOOD_TAGS:
            for interval in raw.writes.latency_counts.get(outcome, ()):
                counts.update(interval)
    return counts


def _counted(latencies_ns: Iterable[int]) -> Counter[int]:
    return Counter(counts_index(clamp_us(latency // 1000)) for latency in latencies_ns)


def _hops(counts: Mapping[Hop, Counter[int]]) -> tuple[HopLatency, ...]:
    return tuple(HopLatency(hop=hop, latency_us=_percentiles(each)) for hop, each in counts.items())


def _percentiles(counts: Counter[int]) -> LatencyUs:
    return percentiles(histograms.to_hdr(counts))


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _settings(arm: RelayingArm) -> dict[str, JsonValue]:
    match arm:
        case DrainArm():
            return {
                "messages": arm.backlog.messages,
                "aggregates": arm.backlog.aggregates,
                "shape": arm.backlog.shape,
                "batch": arm.batch,
                "busy_us": arm.busy_us,
                "lease_s": arm.lease_s,
            }
        case ChainArm():
            return {
                "orders_per_s": arm.orders_per_s,
                "clients": arm.clients,
                "handlers": arm.handlers,
                "wake_up": arm.wake_up,
                "batch": arm.batch,
                "lease_s": arm.lease_s,
            }
