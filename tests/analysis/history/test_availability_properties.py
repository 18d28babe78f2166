"""What holds of any history, of a queue with an outage of known length, and of a long one."""

from __future__ import annotations

import tracemalloc
from itertools import groupby
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.history.synthetic import (
    MS,
    Past,
    attempt_line,
    fault_line,
    message_line,
    op_id,
)

from outboxbench.analysis.history.availability import availability_of
from outboxbench.results.history import AttemptLine, FaultLine, Header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.results.history import HistoryLine

MIB = 1 << 20
PEAK_MIB = 8
"""Of memory for any number of lines; 300,000 of them kept would take more than 200 MiB."""

BIN_MS = 100
RATE_PER_S = 1_000
SERVICE_MS = 0.4
ONSET_MS = 2_000

_ENDS = st.sampled_from(
    [
        ("ok", "ok"),
        ("failed", "failed"),
        ("indeterminate", "indeterminate"),
        ("indeterminate", "ok_recovered"),
        (None, None),
        (None, "skipped"),
    ]
)


@st.composite
def pasts(draw: st.DrawFn) -> Past:
    """Clients that go on after whatever happens, faults here and there, and what was stored."""
    past = Past()
    for client in range(draw(st.integers(1, 4))):
        now_ms = 0
        for wait_ms, lasts_ms, retries, (outcome, final) in draw(
            st.lists(
                st.tuples(st.integers(0, 400), st.integers(1, 600), st.integers(0, 2), _ENDS),
                max_size=12,
            )
        ):
            due_ms, now_ms = now_ms, now_ms + wait_ms
            operation = len(past.attempts) + 1
            if final == "skipped":
                past.attempt(due_ms, None, None, client=client, began_ns=None, final=final)
                continue
            for attempt in range(1, retries + 1):
                past.attempt(
                    due_ms,
                    now_ms + 1,
                    "failed",
                    final=None,
                    client=client,
                    attempt=attempt,
                    operation=operation,
                    op_id=op_id(operation),
                    began_ns=now_ms * MS,
                )
                now_ms += 1
            ended_ms = None if outcome is None else now_ms + lasts_ms
            last = past.attempt(
                due_ms,
                ended_ms,
                outcome,
                final=final,
                client=client,
                attempt=retries + 1,
                operation=operation,
                op_id=op_id(operation),
                began_ns=now_ms * MS,
            )
            now_ms += lasts_ms
            if outcome == "ok" or (outcome != "failed" and draw(st.booleans())):
                past.store(last.op_id)
    for onset_ms in sorted(draw(st.lists(st.integers(0, 4_000), max_size=3))):
        healed_ms = onset_ms + draw(st.integers(0, 500))
        past.fault(onset_ms, healed_ms=healed_ms, server_ready_ns=(healed_ms + 5) * MS)
    return past


def shifted(line: HistoryLine, by_ns: int) -> HistoryLine:
    """The same, later."""
    if not isinstance(line, AttemptLine | FaultLine):
        return line
    changes = {
        name: value + by_ns
        for name, value in line._asdict().items()
        if name.endswith("_ns") and value is not None
    }
    if isinstance(line, FaultLine):
        changes["evidence"] = {name: value + by_ns for name, value in line.evidence.items()}
    return line._replace(**changes)


@given(pasts(), st.integers(0, 10**9))
def test_to_shift_all_times_shifts_nothing_but_the_times(past: Past, by_ms: int) -> None:
    block = past.availability()
    later = availability_of(lambda: [shifted(line, by_ms * MS) for line in past.lines()])
    assert later.outcomes_before == block.outcomes_before
    if past.attempts or past.faults:
        assert later.timeline == block.timeline.model_copy(
            update={"begins_ms": pytest.approx(block.timeline.begins_ms + by_ms)}
        )
    assert len(later.injections) == len(block.injections)
    for after, before in zip(later.injections, block.injections, strict=True):
        assert after.onset_ms == before.onset_ms + by_ms
        assert after == before.model_copy(update={"onset_ms": after.onset_ms})


@given(pasts(), st.randoms(use_true_random=False))
def test_the_order_of_lines_of_different_clients_does_not_matter(
    past: Past, random: Random
) -> None:
    by_client = {
        client: list(lines) for client, lines in groupby(past.attempts, lambda line: line.client)
    }
    turns = [client for client, lines in by_client.items() for _ in lines]
    random.shuffle(turns)
    left = {client: iter(lines) for client, lines in by_client.items()}
    others: list[HistoryLine] = [*past.faults, *past.messages]
    mixed: list[HistoryLine] = [next(left[client]) for client in turns]
    for line in others:
        mixed.insert(random.randint(0, len(mixed)), line)
    assert availability_of(lambda: mixed) == past.availability()


@given(pasts())
def test_every_operation_counts_once(past: Past) -> None:
    block = past.availability()
    counted = block.outcomes_before.attempted + sum(
        injection.outcomes.attempted for injection in block.injections
    )
    assert counted == len({line.operation for line in past.attempts})
    for injection in block.injections:
        assert injection.ambiguity.indeterminate == injection.outcomes.indeterminate
        assert injection.ambiguity.recovered == injection.outcomes.ok_recovered
        assert injection.ambiguity.committed <= injection.ambiguity.twice_if_repeated
        assert injection.in_flight_outcomes.skipped == 0


@given(pasts())
def test_the_first_ok_comes_no_sooner_than_the_gap_before_it_allows(past: Past) -> None:
    for injection in past.availability().injections:
        if not injection.span_ms:
            continue
        assert injection.longest_gap_ms is not None
        assert injection.longest_gap_ms <= injection.span_ms
        if injection.first_ok_ms is None:
            continue
        assert injection.first_ok_ms <= injection.span_ms
        assert injection.first_ok_after_effect_ms == injection.first_ok_ms
        assert injection.after_server_ms is not None
        assert injection.server_ready_ms is not None
        assert injection.first_ok_ms == pytest.approx(
            injection.server_ready_ms + injection.after_server_ms
        )


def queue(outage_ms: int, seed: int) -> Past:
    """Random arrivals at one server that is as fast for each (M/D/1), and away for a while.

    What it was busy with when it went is answered when it comes back, and the queue after that.
    """
    random = Random(seed)
    past = Past()
    due_ms = free_ms = 0.0
    back_ms = ONSET_MS + outage_ms
    while (due_ms := due_ms + random.expovariate(RATE_PER_S / 1_000)) < back_ms + 1_500:
        began_ms = max(due_ms, free_ms)
        if ONSET_MS <= began_ms < back_ms:
            began_ms = back_ms
        free_ms = began_ms + SERVICE_MS
        if began_ms < ONSET_MS < free_ms:
            free_ms += outage_ms
        past.attempt(due_ms, free_ms, began_ns=int(began_ms * MS))
    past.fault(ONSET_MS, healed_ms=back_ms)
    return past


@settings(max_examples=10, deadline=None)
@given(st.integers(200, 2_000), st.integers(0, 1_000))
def test_an_outage_of_a_queue_is_as_long_as_it_was_made(outage_ms: int, seed: int) -> None:
    (injection,) = queue(outage_ms, seed).availability().injections
    assert injection.baseline is not None
    assert injection.baseline.due_per_s == pytest.approx(RATE_PER_S, rel=0.1)
    assert injection.baseline.good_per_s == pytest.approx(RATE_PER_S, rel=0.1)
    assert injection.baseline.service_ms == pytest.approx(SERVICE_MS, rel=0.01)
    assert injection.first_ok_ms == pytest.approx(outage_ms, abs=3)
    assert injection.longest_gap_ms == pytest.approx(outage_ms, abs=12)
    assert injection.recovered_ms == pytest.approx(outage_ms, abs=BIN_MS + 1)
    lost = injection.baseline.good_per_s * outage_ms / 1_000
    assert injection.lost_good == pytest.approx(lost, abs=injection.baseline.good_per_s / 10 + 3)
    assert injection.in_flight_at_onset <= 1
    assert injection.wedged_clients == 0


def after_an_onset(share: float, span_ms: int, seed: int) -> Past:
    """Random arrivals, 200 a second, of which from the onset on this share is good."""
    random = Random(seed)
    past = Past()
    due_ms = 0.0
    while (due_ms := due_ms + random.expovariate(0.2)) < ONSET_MS + span_ms:
        is_good = due_ms < ONSET_MS or random.random() < share
        ended_ms = due_ms + random.expovariate(0.1)
        past.attempt(due_ms, ended_ms, "ok" if is_good else "failed")
    past.fault(ONSET_MS, healed_ms=ONSET_MS + 100)
    return past


@pytest.mark.parametrize("span_ms", [1_200, 5_000])
def test_a_short_span_of_a_low_rate_tells_who_is_well_from_who_is_not(span_ms: int) -> None:
    seeds = range(20)

    def said_to_be_back(share: float) -> int:
        blocks = (after_an_onset(share, span_ms, seed).availability() for seed in seeds)
        return sum(block.injections[0].recovered is True for block in blocks)

    assert said_to_be_back(1.0) == len(seeds)
    # Of 80% chance makes 90% for a while, once in some ten times.
    assert said_to_be_back(0.8) <= len(seeds) // 4
    assert said_to_be_back(0.5) == 0


def long_history(operations: int) -> Iterator[HistoryLine]:
    """An attempt a millisecond of 32 clients, one fault a minute, and one in 500 in doubt."""
    yield Header({})
    for number in range(1, operations + 1):
        outcome = "indeterminate" if number % 500 == 0 else "ok"
        yield attempt_line(number, number, number + 5, outcome, client=number % 32)
    for onset_ms in range(30_000, operations, 60_000):
        yield fault_line(onset_ms, healed_ms=onset_ms + 1_000, number=onset_ms)
    for number in range(1, operations + 1):
        yield message_line(op_id(number))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_lines() -> None:
    tracemalloc.start()
    try:
        block = availability_of(lambda: long_history(150_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < PEAK_MIB * MIB
    assert sum(injection.ambiguity.committed for injection in block.injections) == 241
