"""The memory that it takes to judge a history hardly grows with its length."""

from __future__ import annotations

import re
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.analysis.history.synthetic import attempt_line, fault_line, message_line, op_id

from outboxbench.analysis.history.availability import availability_of
from outboxbench.analysis.history.judgement import judge
from outboxbench.results.history import AggregateLine, Header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.results.history import HistoryLine

SCRIPT = Path(__file__).parents[3] / "bench" / "evidence" / "judges_memory.py"
PATIENCE_S = 1_800.0
LINES_PER_PASS = 1_500
ACCOUNTS = 100


def account(number: int) -> str:
    return f"{number % ACCOUNTS:032x}"


def a_block(seconds: int) -> Iterator[HistoryLine]:
    """One that goes well, at 50 operations a second, and is disturbed every ten seconds."""
    operations = range(1, seconds * 50 + 1)
    yield Header({"slo_ms": 100.0})
    for number in operations:
        yield attempt_line(number, number * 20, number * 20 + 3, aggregate_id=account(number))
    for number in range(1, seconds // 10 + 1):
        onset_ms = number * 10_000 - 5_000
        yield fault_line(
            onset_ms,
            number=number,
            took_effect_ms=onset_ms + 1,
            healed_ms=onset_ms + 2,
            seen=True,
        )
    for number in operations:
        version = (number - 1) // ACCOUNTS + 1
        message = message_line(op_id(number))
        yield message._replace(aggregate_id=account(number), version=version)
    for number in range(1, ACCOUNTS + 1):
        charges = len(range(number, len(operations) + 1, ACCOUNTS))
        yield AggregateLine("account", account(number), charges, -10 * charges)


def peak_bytes(seconds: int) -> int:
    """Return what judging such a block took at its peak."""

    def read() -> Iterator[HistoryLine]:
        return a_block(seconds)

    tracemalloc.start()
    try:
        checks = judge(read, LINES_PER_PASS).checks
        assert {check.verdict for check in checks} == {"pass"}
        assert len(availability_of(read).injections) == seconds // 10
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_block_ten_times_as_long_takes_little_more_memory_to_judge() -> None:
    assert peak_bytes(100) < 3 * peak_bytes(10)


@pytest.mark.slow
def test_an_hour_takes_little_more_memory_to_judge_than_six_minutes() -> None:
    peaks_mib = []
    for seconds in (360, 3_600):
        done = subprocess.run(
            [sys.executable, SCRIPT, "--seconds", f"{seconds}"],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
        peaks_mib.append(max(int(mib) for mib in re.findall(r"peak (\d+) MiB", done.stdout)))
    short_mib, long_mib = peaks_mib
    # Six minutes fit into one pass, of which they fill a third.
    assert long_mib < 3 * short_mib
