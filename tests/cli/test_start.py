"""What every command has to wait for before it begins."""

from __future__ import annotations

import subprocess
import sys


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
