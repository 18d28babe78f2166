"""The scripts that drain beside other libraries, with numbers too small to mean anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PEERS = Path(__file__).parents[2] / "bench" / "peers"


def lines_of(script: str, messages: int) -> list[str]:
    result = subprocess.run(
        [sys.executable, PEERS / script, "--rounds", "2", "--messages", str(messages)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.splitlines()


def assert_passed(contestant: str, lines: list[str]) -> None:
    (row,) = [line for line in lines if line.startswith(contestant) and line.endswith(" pass")]
    assert len(row) <= 80


@pytest.fixture(scope="module")
def drained() -> list[str]:
    return lines_of("drain.py", 200)


@pytest.mark.slow
def test_every_contestant_handles_all_of_its_backlog(drained: list[str]) -> None:
    for contestant in (
        "outboxbench lease",
        "outboxbench sharded",
        "outboxbench delete",
        "pgqueuer batch",
        "procrastinate concurrency",
    ):
        assert_passed(contestant, drained)
    assert any(line.startswith("outboxbench lease / pgqueuer batch ") for line in drained)


@pytest.mark.slow
def test_the_search_for_the_best_setting_prints_every_try(drained: list[str]) -> None:
    tried = [line for line in drained if line.endswith((" per s", " per s, best"))]
    assert all(len(line) <= 80 for line in tried)
    rates = [len(line[22:].partition(" per s")[0].split()) for line in tried]
    pgqueuer, procrastinate = rates[:18], rates[18:]
    assert sorted(pgqueuer) == [1] * 14 + [3] * 4
    assert procrastinate == [3] * 4
    assert sum(line.endswith(", best") for line in tried) == 2


@pytest.mark.slow
def test_every_publisher_leaves_all_of_the_backlog_in_the_stream() -> None:
    lines = lines_of("nats_floor.py", 300)
    for contestant in (
        "outboxbench lease",
        "outboxbench delete",
        "nats-py publish ",
        "nats-py publish_async",
    ):
        assert_passed(contestant, lines)
    assert any(line.startswith("outboxbench delete / nats-py publish_async: ") for line in lines)
