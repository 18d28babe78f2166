"""The script that drains beside other libraries, with numbers too small to mean anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "bench" / "peers" / "drain.py"


@pytest.mark.slow
def test_every_contestant_handles_all_of_its_backlog() -> None:
    result = subprocess.run(
        [sys.executable, SCRIPT, "--rounds", "2", "--messages", "300"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    for contestant in ("outboxbench lease", "outboxbench delete", "pgqueuer", "procrastinate"):
        (row,) = [line for line in lines if line.startswith(contestant) and line.endswith(" pass")]
        assert len(row) <= 80
    assert any(line.startswith("outboxbench lease / PgQueuer: ") for line in lines)
