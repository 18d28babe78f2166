from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from outboxbench.results.environment import PACKAGES, collect, filesystem_type


def test_the_machine_and_its_software_are_described(tmp_path: Path) -> None:
    environment = collect(libpq="17.4", psycopg_implementation="binary", data_folder=tmp_path)

    assert environment.python == platform.python_version()
    assert environment.memory_bytes > 0
    assert environment.packages["asyncpg"] == version("asyncpg")
    assert (environment.libpq, environment.psycopg_implementation) == ("17.4", "binary")


def test_a_package_that_is_not_installed_is_left_out() -> None:
    environment = collect(libpq=None, psycopg_implementation=None, data_folder=None)

    assert set(environment.packages) <= set(PACKAGES)
    assert "" not in environment.packages.values()


def test_only_cores_that_this_process_may_use_are_counted() -> None:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        environment = collect(libpq=None, psycopg_implementation=None, data_folder=None)
    finally:
        os.sched_setaffinity(0, allowed)

    assert environment.cores == 1


def test_the_file_system_of_a_server_elsewhere_is_unknown() -> None:
    environment = collect(libpq=None, psycopg_implementation=None, data_folder=None)

    assert environment.data_filesystem is None


def test_the_innermost_mount_decides_on_the_file_system() -> None:
    assert filesystem_type(Path("/proc/self")) == "proc"
