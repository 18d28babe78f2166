"""A checkout of this package for each test, and a cache of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.checkouts import Checkout, make_checkout

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.setenv("OUTBOXBENCH_CACHE", str(tmp_path / "cache"))
    return make_checkout(tmp_path)
