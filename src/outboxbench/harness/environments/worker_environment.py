"""Another environment than the harness's own, for the workers of an arm."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MODULE_PATH: Final = "PYTHONPATH"


@dataclass(frozen=True, slots=True)
class WorkerEnvironment:
    """An interpreter, and where it looks for modules before all else.

    Args:
        name: what tells its arms from others, such as `asyncpg==0.30.0`.
        interpreter: what workers run on.
        module_folders: come before what is installed there.
        is_base: whether arms of other environments are compared with those of this one.
        python: its version.
        packages: the versions of what is measured, by name.
    """

    name: str
    interpreter: Path
    module_folders: tuple[Path, ...] = ()
    is_base: bool = False
    python: str = ""
    packages: tuple[tuple[str, str], ...] = ()

    def with_versions(self, python: str, packages: Mapping[str, str]) -> WorkerEnvironment:
        """Return the same with what is installed there."""
        return replace(self, python=python, packages=tuple(sorted(packages.items())))

    def variables(self) -> dict[str, str]:
        """Return the environment variables of a process in it."""
        inherited = os.environ.get(_MODULE_PATH)
        folders = [*map(str, self.module_folders), *([inherited] if inherited else [])]
        if not folders:
            return dict(os.environ)
        return {**os.environ, _MODULE_PATH: os.pathsep.join(folders)}
