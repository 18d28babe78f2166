"""Several PostgreSQL installations in one run: all servers stand, and are measured by turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outboxbench.harness.errors import BadInput
from outboxbench.harness.postgres.binaries import binaries_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """An installation whose server some arms are measured on.

    Args:
        name: what tells its arms from others, such as `PostgreSQL 15.14`.
        pg_bin: its programs.
        is_base: whether arms on other servers are compared with those on this one.
    """

    name: str
    pg_bin: Path
    is_base: bool = False


def server_versions(folders: Sequence[Path]) -> tuple[ServerVersion, ...]:
    """Return the installations in several folders; the first is the base.

    Raises:
        BadInput: a folder holds none, or two hold the same version.
    """
    found: dict[str, ServerVersion] = {}
    for folder in folders:
        binaries = binaries_in(folder)
        name = f"PostgreSQL {binaries.version}"
        if name in found:
            raise BadInput(
                f"--pg-bin names {name} twice, as {found[name].pg_bin} and {folder}: "
                "name installations of different versions"
            )
        found[name] = ServerVersion(name, binaries.directory, is_base=not found)
    return tuple(found.values())
