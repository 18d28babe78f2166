"""A project of somebody's in a folder of its own, and what its tests leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from outboxbench.harness.postgres.place import FOLDER_VARIABLE, data_root

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_S = 180.0
PLUGIN = "outboxbench.testing.benchmark_plugin"


@dataclass(frozen=True, slots=True)
class Project:
    """Where its tests are, and where its sessions keep what is temporary."""

    folder: Path
    temporary: Path

    def write(self, tests: str) -> None:
        (self.folder / "test_shop.py").write_text(tests, encoding="utf-8")

    @property
    def command(self) -> list[str]:
        """With the plugin that is tested, and none of all those that are installed beside it."""
        kept = ("--basetemp", str(self.folder / "pytest"))
        return [sys.executable, "-m", "pytest", "-p", PLUGIN, "-p", "no:cacheprovider", *kept]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            FOLDER_VARIABLE: str(self.temporary),
            "TMPDIR": str(self.temporary),
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments],
            check=False,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )

    def left(self) -> list[str]:
        """Return the processes and the files that are still there."""
        processes = [str(each) for each in psutil.process_iter() if self._is_ours(each)]
        return processes + [str(path) for path in self.temporary.iterdir()]

    def _is_ours(self, process: psutil.Process) -> bool:
        # A server gets no environment of ours, but works in its folder; all others inherit it.
        try:
            return process.status() != psutil.STATUS_ZOMBIE and (
                process.environ().get(FOLDER_VARIABLE) == str(self.temporary)
                or Path(process.cwd()).is_relative_to(self.temporary)
            )
        except psutil.Error:
            return False


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with tempfile.TemporaryDirectory(dir=data_root(None)) as name:
        temporary = Path(name)
        # The server runs as another user where these tests run as root.
        temporary.chmod(0o755)
        yield Project(tmp_path, temporary)
