"""The experiment without a table for the outbox, with numbers too small to mean anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "bench" / "experiments" / "emitted.py"
TINY = ("--rounds", "2", "--clients", "1", "2", "--seconds", "1", "--messages", "300")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_what_is_emitted_arrives_as_what_is_stored_does() -> None:
    result = run(*TINY)
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    for figure in (
        "1 client: charges/s",
        "2 clients: WAL bytes/charge",
        "delivery: messages/s",
    ):
        (row,) = [line for line in lines if line.startswith(figure)]
        stored, emitted, ratio = row[len(figure) :].split()[:3]
        assert min(float(each.replace(",", "")) for each in (stored, emitted, ratio)) > 0
    passed = [line for line in lines if line.startswith("pass ")]
    assert len(passed) == 5
    assert passed[0].endswith("each charge has left one message in the log, in order: 8 blocks")
    assert "What one gives up without the table" in result.stdout


def test_one_round_is_refused_since_it_has_no_interval() -> None:
    result = run("--rounds", "1")
    assert result.returncode == 2
    assert "two rounds" in result.stderr
