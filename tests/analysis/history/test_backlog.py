"""How operations pile up in an outage, how long that is felt, and who was served in time."""

from __future__ import annotations

import pytest
from tests.analysis.history.synthetic import Past

ONSET_MS = 2_000


def queue(*, served_every_ms: float, outage_ms: int = 500, until_ms: int = 6_000) -> Past:
    """One operation every 2 ms; from the onset on nobody is served for a while, then in turn."""
    past = Past()
    free_ms = 0.0
    for due_ms in range(0, until_ms, 2):
        begin_ms = max(free_ms, due_ms)
        if begin_ms >= ONSET_MS:
            begin_ms = max(begin_ms, ONSET_MS + outage_ms)
        free_ms = begin_ms + served_every_ms
        past.attempt(due_ms, free_ms)
    past.fault(ONSET_MS)
    return past


def test_what_is_due_in_an_outage_waits() -> None:
    (injection,) = queue(served_every_ms=0.1).availability().injections
    # At the end of a bin: those of the outage's five, one every 2 ms.
    assert injection.most_waiting == 250


@pytest.mark.parametrize(
    ("served_every_ms", "caught_up_ms"), [(0.1, 500), (1.0, 1_000), (1.5, 2_000)]
)
def test_the_less_headroom_there_is_the_longer_it_takes_to_catch_up(
    served_every_ms: float, caught_up_ms: int
) -> None:
    (injection,) = queue(served_every_ms=served_every_ms).availability().injections
    # The outage, over the share of time in which nobody is served that has just come; the bin of
    # 100 ms in which that was.
    assert injection.caught_up_ms == caught_up_ms


def test_without_headroom_it_never_catches_up() -> None:
    (injection,) = queue(served_every_ms=2.0).availability().injections
    assert injection.caught_up_ms is None


def test_who_never_felt_the_fault_has_caught_up_at_once() -> None:
    (injection,) = queue(served_every_ms=0.1, outage_ms=0).availability().injections
    assert injection.caught_up_ms == 0
    assert injection.most_waiting == 0


def test_before_the_first_onset_nobody_knows_what_is_usual() -> None:
    past = Past()
    past.steadily(0, 2_000)
    past.fault(0)
    (injection,) = past.availability().injections
    assert injection.caught_up_ms is None


def test_an_operation_that_never_ends_does_not_count_as_waiting() -> None:
    past = queue(served_every_ms=0.1)
    past.attempt(ONSET_MS + 1, None, None)
    (injection,) = past.availability().injections
    assert injection.caught_up_ms == 500


def test_on_time_is_who_was_served_well_within_the_slo_since_it_was_due() -> None:
    past = Past(about={"slo_ms": 10.0})
    past.steadily(0, 2_000)
    past.fault(2_000)
    past.attempt(2_000, 2_010)
    past.attempt(2_001, 2_011.5)
    past.attempt(2_002, 2_003, "failed")
    (injection,) = past.availability().injections
    assert injection.on_time == 1
    assert injection.outcomes.attempted == 3


def test_without_an_slo_nobody_is_on_time_or_late() -> None:
    (injection,) = queue(served_every_ms=0.1).availability().injections
    assert injection.on_time is None
