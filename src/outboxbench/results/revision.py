"""The commit of the checkout that this package runs from, if it runs from one."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parents[1]
_PLACE_IN_CHECKOUT: Final = "src/outboxbench/"
_DIGITS: Final = 12
_PATIENCE_S: Final = 10.0


def checkout_revision() -> str | None:
    """Return the first digits of the commit, with a `+` where files differ from it.

    None for a package that was installed, also into a folder of somebody's repository.
    """
    head = _git("rev-parse", "HEAD", "--show-prefix")
    if head is None:
        return None
    commit, *place = head.splitlines()
    if place != [_PLACE_IN_CHECKOUT]:
        return None
    # Without locks: others may be using the checkout.
    changed = _git("--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
    return None if changed is None else f"{commit[:_DIGITS]}{'+' if changed else ''}"


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", _PACKAGE, *words],  # noqa: S607 - wherever it is installed
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
