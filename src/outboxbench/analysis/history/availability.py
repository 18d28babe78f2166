"""Availability of a block, injection by injection, from its history alone.

A history is read twice: for its outline, and to measure. What is kept are bins of time, the state
of each client, and the operations in doubt; an hour of load takes little more than a minute does.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from outboxbench.analysis.history.ambiguity import AmbiguityOfSpans
from outboxbench.analysis.history.backlog import Backlog
from outboxbench.analysis.history.delivery_pauses import PausesOfSpans, keep_least
from outboxbench.analysis.history.operations import GOOD
from outboxbench.analysis.history.outline import Outline
from outboxbench.analysis.history.spans import BIN_NS, NS_PER_MS, Span, baseline_of
from outboxbench.analysis.history.wedged import ENDS_CLIENTS, ClientsOfSpan, LatestAttempts
from outboxbench.analysis.history.whole_operations import OperationsInProgress
from outboxbench.results.availability import BlockAvailability, Injection, Timeline
from outboxbench.results.block import OutcomeCounts
from outboxbench.results.history import AttemptLine, DeliveryLine, Header, MessageLine

if TYPE_CHECKING:
    from outboxbench.analysis.history.judgement import Read
    from outboxbench.analysis.history.whole_operations import WholeOperation
    from outboxbench.results.availability import Ambiguity, Baseline
    from outboxbench.results.history import FaultLine, HistoryLine

SLO: Final = "slo_ms"
"""What the header calls the longest time from when an operation is due to its end that is fine."""

SERVER_READY: Final = "server_ready_ns"
"""What a fault's evidence calls the moment at which the server answered a new connection again."""


def availability_of(read: Read) -> BlockAvailability:
    """Measure a block's availability after each of its injections.

    The baseline, what the block does when nothing is wrong, is one for all its injections, as the
    same load is offered throughout: it is pooled over the clean times before each onset. Those
    begin with the load or, later on, when the fault before was healed and goodput back. A time
    whose begin was not found is left out.

    Args:
        read: yields the lines, from the first one each time; those of a client in their order.

    Raises:
        HistoryDamaged: it is not as it was written.
        OSError: it cannot be read.
    """
    measured = _Measured(Outline(read()))
    for line in read():
        measured.see(line)
    return measured.availability()


class _Measured:
    """Every line in the span that it belongs to."""

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        bounds_ns = outline.bounds_ns
        spans = range(len(bounds_ns) - 1)
        self._spans = [Span(bounds_ns[span], bounds_ns[span + 1]) for span in spans]
        healthy_from_ns = [outline.begins_ns, *(fault.healed_ns for fault in outline.faults)]
        self._clients = [
            ClientsOfSpan(
                healthy_from_ns[span],
                bounds_ns[span + 1],
                is_last=span == spans[-1],
                killed_ns=_killed_ns(outline.faults[span - 1]) if span else None,
            )
            for span in spans
        ]
        self._latest = LatestAttempts()
        self._outcomes = [Counter[str]() for _ in spans]
        self._in_flight = [Counter[str]() for _ in spans]
        self._first_ok_ns: list[int | None] = [None for _ in spans]
        self._first_ok_after_effect_ns: list[int | None] = [None for _ in spans]
        self._took_effect_ns = [
            outline.begins_ns,
            *(_took_effect_ns(fault) for fault in outline.faults),
        ]
        self._ambiguity = AmbiguityOfSpans(outline.in_doubt)
        self._pauses = PausesOfSpans(outline, self._took_effect_ns)
        self._is_relayed = False
        self._operations = OperationsInProgress()
        self._backlog = Backlog(outline.begins_ns, outline.ends_ns)
        self._slo_ns: int | None = None
        self._on_time = [0 for _ in spans]
        self._good = [0] * -(-(outline.ends_ns - outline.begins_ns) // BIN_NS)

    def see(self, line: HistoryLine) -> None:
        """Take note of an attempt, a message or a delivery, and of what the history is of."""
        if isinstance(line, AttemptLine):
            if line.began_ns is not None:
                self._see_begun(line, line.began_ns)
            operation = self._operations.see(line)
            if operation is not None:
                self._add(operation)
        elif isinstance(line, MessageLine):
            self._ambiguity.see(line)
        elif isinstance(line, DeliveryLine):
            self._pauses.see(line.delivered_ns)
        elif isinstance(line, Header):
            self._is_relayed = bool(line.about.get("is_relayed"))
            if SLO in line.about:
                self._slo_ns = round(line.about[SLO] * NS_PER_MS)

    def availability(self) -> BlockAvailability:
        """Return what was measured, once all lines have been seen."""
        for operation in self._operations.without_end():
            self._add(operation)
        outline = self._outline
        ambiguity = self._ambiguity.of_spans(len(self._spans))
        baseline = self._baseline()
        injections = [
            self._injection(span, fault, baseline, ambiguity[span])
            for span, fault in enumerate(outline.faults, 1)
        ]
        return BlockAvailability(
            outcomes_before=OutcomeCounts(**self._outcomes[0]),
            injections=tuple(injections),
            timeline=Timeline(
                begins_ms=outline.begins_ns / NS_PER_MS,
                bin_ms=BIN_NS / NS_PER_MS,
                good=tuple(self._good),
            ),
        )

    def _see_begun(self, line: AttemptLine, began_ns: int) -> None:
        self._latest.see(line, began_ns)
        begun_in = self._outline.span_at(began_ns)
        # What is begun after the load shows still who is alive; nothing is before it.
        self._clients[-1 if begun_in is None else begun_in].see_begun(line, began_ns)
        if line.ended_ns is None:
            return
        ended_in = self._outline.span_at(line.ended_ns)
        self._clients[-1 if ended_in is None else ended_in].see_ended(line, line.ended_ns)
        if ended_in is None:
            return
        if line.outcome != "ok":
            return
        self._spans[ended_in].add_ok(line.ended_ns)
        if begun_in == ended_in:
            since_ns = line.ended_ns - self._spans[ended_in].begins_ns
            keep_least(self._first_ok_ns, ended_in, since_ns)
            if began_ns >= self._took_effect_ns[ended_in]:
                keep_least(self._first_ok_after_effect_ns, ended_in, since_ns)

    def _add(self, operation: WholeOperation) -> None:
        outline = self._outline
        due_in = outline.span_at(operation.due_ns)
        # The load goes from the first that is due to the last.
        assert due_in is not None
        self._outcomes[due_in][operation.outcome] += 1
        self._spans[due_in].add_due(operation)
        self._ambiguity.add(due_in, operation)
        self._backlog.add(operation)
        if operation.began_ns is not None:
            for span in outline.onsets_between(operation.began_ns, operation.ended_ns):
                self._in_flight[span][operation.outcome] += 1
        if operation.final in GOOD and operation.ended_ns is not None:
            if self._slo_ns is not None:
                self._on_time[due_in] += operation.ended_ns - operation.due_ns <= self._slo_ns
            ended_in = outline.span_at(operation.ended_ns)
            if ended_in is not None:
                self._spans[ended_in].add_good(operation.ended_ns)
                self._good[(operation.ended_ns - outline.begins_ns) // BIN_NS] += 1

    def _baseline(self) -> Baseline | None:
        """Pool the clean times, which are found by what was done before the first onset."""
        clean = [self._spans[0].clean(0)]
        first = baseline_of(clean)
        if first is None:
            return None
        for number, fault in enumerate(self._outline.faults[:-1], 1):
            span = self._spans[number]
            recovery = span.recovery(first.good_per_s, self._took_effect_ns[number])
            if recovery.after_bins is not None and fault.healed_ns is not None:
                clean.append(span.clean(max(recovery.after_bins, span.bins_until(fault.healed_ns))))
        return baseline_of(clean)

    def _injection(
        self, span: int, fault: FaultLine, baseline: Baseline | None, ambiguity: Ambiguity
    ) -> Injection:
        measured = self._spans[span]
        recovery = (
            None
            if baseline is None
            else measured.recovery(baseline.good_per_s, self._took_effect_ns[span])
        )
        after_bins = recovery and recovery.after_bins
        after_effect_ns = self._first_ok_after_effect_ns[span]
        ready_ns = fault.evidence.get(SERVER_READY)
        in_flight = OutcomeCounts(**self._in_flight[span])
        return Injection(
            number=fault.number,
            fault=fault.fault,
            onset_ms=fault.onset_ns / NS_PER_MS,
            span_ms=measured.length_ns / NS_PER_MS,
            baseline=baseline,
            server_ready_ms=None if ready_ns is None else _ms(ready_ns - measured.begins_ns),
            first_ok_ms=_ms(self._first_ok_ns[span]),
            first_ok_after_effect_ms=_ms(after_effect_ns),
            after_server_ms=None
            if ready_ns is None or after_effect_ns is None
            else _ms(measured.begins_ns + after_effect_ns - ready_ns),
            longest_gap_ms=_ms(measured.longest_gap_ns()),
            recovered=recovery and recovery.is_back,
            recovered_ms=None if after_bins is None else after_bins * BIN_NS / NS_PER_MS,
            bin_ms=_ms(recovery and recovery.bin_ns),
            lost_good=baseline and measured.lost_good(baseline.good_per_s, after_bins),
            most_waiting=self._backlog.most(measured.begins_ns, measured.ends_ns),
            caught_up_ms=_ms(
                self._backlog.caught_up_ns(
                    measured.begins_ns, self._took_effect_ns[span], measured.ends_ns
                )
            ),
            on_time=None if self._slo_ns is None else self._on_time[span],
            outcomes=OutcomeCounts(**self._outcomes[span]),
            in_flight_at_onset=in_flight.attempted,
            in_flight_outcomes=in_flight,
            ambiguity=ambiguity,
            deliveries=self._pauses.of_span(span) if self._is_relayed else None,
            wedged_clients=self._clients[span].wedged(self._clients[span - 1], self._latest),
        )


def _took_effect_ns(fault: FaultLine) -> int:
    return fault.onset_ns if fault.took_effect_ns is None else fault.took_effect_ns


def _killed_ns(fault: FaultLine) -> int | None:
    return _took_effect_ns(fault) if fault.fault in ENDS_CLIENTS else None


def _ms(duration_ns: int | None) -> float | None:
    return None if duration_ns is None else duration_ns / NS_PER_MS
