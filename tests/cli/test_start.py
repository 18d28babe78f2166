"""What every command has to wait for before it begins, and which version it is of."""

from __future__ import annotations

import subprocess
import sys

from outboxbench.results.environment import collect


def imported_by(script: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {script}; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return set(done.stdout.split())


def test_a_command_starts_without_what_only_drawing_and_statistics_need() -> None:
    imported = imported_by("from outboxbench.cli.main import command_line; command_line()")

    assert "outboxbench.cli.run" in imported
    assert not {"matplotlib", "scipy"} & imported


def test_a_service_starts_without_what_runs_suites_and_writes_reports() -> None:
    imported = imported_by("from outboxbench.cli.main import command_line; command_line(['serve'])")

    assert "outboxbench.cli.serve" in imported
    unneeded = ("outboxbench.harness.suite", "outboxbench.report.html", "jinja2", "numpy")
    assert not {name for name in imported if name.startswith(unneeded)}


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
