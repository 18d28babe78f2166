"""What every command has to wait for before it begins, and which version it is of."""

from __future__ import annotations

import subprocess
import sys

from outboxbench.results.environment import collect


def test_a_command_starts_without_what_only_drawing_and_statistics_need() -> None:
    imported = subprocess.run(
        [sys.executable, "-c", "import sys, outboxbench.cli.main; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.split()

    assert "outboxbench.cli.run" in imported
    assert not {"matplotlib", "scipy"} & set(imported)


def test_the_version_that_is_told_is_the_one_that_a_run_records() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "outboxbench.cli", "--version"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout

    recorded = collect(
        libpq=None, psycopg_implementation=None, data_folder=None, fsync_us=None
    ).packages
    assert told == f"outboxbench {recorded['outboxbench']}\n"
