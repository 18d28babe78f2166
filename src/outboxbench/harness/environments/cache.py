"""Where what was built once is kept from one call to the next."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from outboxbench.harness.errors import CannotRun

CACHE_VARIABLE: Final = "OUTBOXBENCH_CACHE"


def cache_folder() -> Path:
    """Return the folder, whether it is there or not.

    It is what OUTBOXBENCH_CACHE names, else `outboxbench` in XDG_CACHE_HOME, else in ~/.cache.

    Raises:
        CannotRun: none is named, and the user has no home.
    """
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).absolute()
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # As the specification of these variables has it, a relative one counts as none.
    if not base.is_absolute():
        try:
            base = Path.home() / ".cache"
        except RuntimeError as error:
            raise CannotRun(
                f"there is no home folder to keep a cache in: set {CACHE_VARIABLE} to a folder"
            ) from error
    return base / "outboxbench"
