"""The script that watches relays over time, for a few seconds only."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "bench" / "experiments" / "relay_over_time.py"
SERIES = ("claim_ms", "dead_rows", "table_bytes", "index_bytes", "waiting", "delivered")


def _run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, "--rate", "2000", "--out", folder, *options],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_tidied_tables_stay_bounded_and_each_second_has_its_values(tmp_path: Path) -> None:
    result = _run(tmp_path, "--seconds", "15", "--plans", "lease", "delete")
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    for plan in ("lease", "delete"):
        for scenario in ("kept", "tidied", "held"):
            assert sum(line.split()[:2] == [plan, scenario] for line in lines) == 1
        assert any(line.startswith(f"{plan:8}tidied: bounded, ") for line in lines)
    assert all(len(line) <= 80 for line in lines if not line.startswith("chart: "))
    measured = json.loads((tmp_path / "series.json").read_text())
    assert len(measured) == 6
    assert all(len(series[name]) == 15 for series in measured for name in SERIES)
    assert (tmp_path / "relay-over-time.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_tables_that_go_on_growing_are_not_called_bounded(tmp_path: Path) -> None:
    result = _run(
        tmp_path,
        *("--seconds", "9", "--plans", "lease", "--scenarios", "tidied", "--keep", "3600"),
    )
    assert result.returncode == 1, result.stdout + result.stderr
    assert "tidied: NOT bounded, " in result.stdout
