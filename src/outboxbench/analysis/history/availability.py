"""Availability of a block, injection by injection, from its history alone.

A history is read twice: for its outline, and to measure. What is kept are bins of time, the state
of each client, and the operations in doubt; an hour of load takes little more than a minute does.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from outboxbench.analysis.history.ambiguity import AmbiguityOfSpans
from outboxbench.analysis.history.backlog import Backlog
from outboxbench.analysis.history.delivery_pauses import PausesOfSpans, keep_least
from outboxbench.analysis.history.operations import GOOD
from outboxbench.analysis.history.outline import Outline
from outboxbench.analysis.history.spans import BIN_NS, NS_PER_MS, Span
from outboxbench.analysis.history.wedged import ClientsOfSpan, LatestAttempts
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

    The baseline of an injection is the goodput of the clean time before it: for the first one from
    when the load begins, for others from where the previous one's recovery was found. Where that
    was not found, be it that it never came or that the span was too short, the first one's
    baseline stands in.

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


class _Found(NamedTuple):
    """What is found of a span and handed on to the next: its baseline, and its recovery."""

    baseline: Baseline | None
    is_back: bool | None
    after_bins: int | None
    bin_ns: int | None


class _Measured:
    """Every line in the span that it belongs to."""

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        bounds_ns = outline.bounds_ns
        spans = range(len(bounds_ns) - 1)
        self._spans = [Span(bounds_ns[span], bounds_ns[span + 1]) for span in spans]
        healthy_from_ns = [outline.begins_ns, *(fault.healed_ns for fault in outline.faults)]
        self._clients = [
            ClientsOfSpan(healthy_from_ns[span], bounds_ns[span + 1]) for span in spans
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
        injections = []
        first = self._spans[0].baseline(0)
        found = _Found(first, is_back=True, after_bins=0, bin_ns=None)
        for span, fault in enumerate(outline.faults, 1):
            found = self._follow(span, found, first)
            injections.append(self._injection(span, fault, found, ambiguity[span]))
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
        if begun_in is not None:
            self._clients[begun_in].see_begun(line, began_ns)
        if line.ended_ns is None:
            return
        ended_in = self._outline.span_at(line.ended_ns)
        if ended_in is None:
            return
        self._clients[ended_in].see_ended(line, line.ended_ns)
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

    def _follow(self, span: int, previous: _Found, first: Baseline | None) -> _Found:
        """Find the baseline of a span, and with it when it recovered."""
        baseline = (
            first and first.model_copy(update={"is_of_first": True})
            if previous.after_bins is None
            else self._spans[span - 1].baseline(previous.after_bins)
        )
        if baseline is None:
            return _Found(None, None, None, None)
        recovery = self._spans[span].recovery(baseline.good_per_s, self._took_effect_ns[span])
        return _Found(baseline, *recovery)

    def _injection(
        self, span: int, fault: FaultLine, found: _Found, ambiguity: Ambiguity
    ) -> Injection:
        measured, baseline = self._spans[span], found.baseline
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
            recovered=found.is_back,
            recovered_ms=None
            if found.after_bins is None
            else found.after_bins * BIN_NS / NS_PER_MS,
            bin_ms=_ms(found.bin_ns),
            lost_good=baseline and measured.lost_good(baseline.good_per_s, found.after_bins),
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


def _ms(duration_ns: int | None) -> float | None:
    return None if duration_ns is None else duration_ns / NS_PER_MS
