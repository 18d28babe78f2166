"""Where a server's data lies: on a disk, and where the server's account can go."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from outboxbench.harness.errors import BadInput

if TYPE_CHECKING:
    from outboxbench.harness.postgres.account import Account

FOLDER_VARIABLE = "OUTBOXBENCH_TMPDIR"


def data_root(account: Account | None) -> Path:
    """Return the folder in which to make a folder for the server's data.

    It is what OUTBOXBENCH_TMPDIR names, else /var/tmp, else where temporary files go: those are
    often kept in memory, where fsync costs nothing and a figure means nothing.

    Raises:
        BadInput: the folder cannot be written, or the server's account cannot go there.
    """
    chosen = os.environ.get(FOLDER_VARIABLE)
    lasting = Path("/var") / "tmp"
    root = Path(chosen or (lasting if _is_writable(lasting) else tempfile.gettempdir())).absolute()
    if not _is_writable(root):
        raise BadInput(
            f"{root} is no folder that can be written: set {FOLDER_VARIABLE} to one that is"
        )
    if account is not None and not account.can_enter(root):
        raise BadInput(
            f"the server runs as user {account.name}, who cannot enter {root}: "
            f"set {FOLDER_VARIABLE} to a folder that every user can enter"
        )
    return root


def _is_writable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
