"""What the control group of this process, a container's for one, leaves it of the machine.

`root` is the folder that /proc and the control groups are looked for in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ROOT = Path("/")

_FIRST_VERSION, _SECOND_VERSION = "cgroup", "cgroup2"

# The first version writes "no limit" as the largest number of pages, which depends on their size.
_NO_LIMIT_BYTES = 2**60


def cpu_limit_cores(root: Path = _ROOT) -> float | None:
    """How many cores' time this process may use; None without a limit."""
    return _tightest(
        root, {(_SECOND_VERSION, ""): _cores_of_second, (_FIRST_VERSION, "cpu"): _cores_of_first}
    )


def memory_limit_bytes(root: Path = _ROOT) -> int | None:
    """How many bytes of memory this process may use; None without a limit."""
    limit = _tightest(
        root,
        {
            (_SECOND_VERSION, ""): lambda group: _number(group / "memory.max"),
            (_FIRST_VERSION, "memory"): lambda group: _number(group / "memory.limit_in_bytes"),
        },
    )
    return None if limit is None or limit >= _NO_LIMIT_BYTES else int(limit)


def _cores_of_second(group: Path) -> float | None:
    match _read(group / "cpu.max").split():
        case [quota_us, period_us] if quota_us.isdigit() and period_us.isdigit():
            return int(quota_us) / int(period_us) if int(period_us) else None
    return None


def _cores_of_first(group: Path) -> float | None:
    quota_us = _number(group / "cpu.cfs_quota_us")
    period_us = _number(group / "cpu.cfs_period_us")
    return quota_us / period_us if quota_us and period_us else None


def _tightest(
    root: Path, readers: dict[tuple[str, str], Callable[[Path], float | None]]
) -> float | None:
    # A machine may have both versions mounted, each with some of the controllers.
    limits = [
        limit
        for (version, controller), limit_of in readers.items()
        for group in _groups(root, version, controller)
        if (limit := limit_of(group)) is not None
    ]
    return min(limits, default=None)


@dataclass(frozen=True, slots=True)
class _Mount:
    """Where a part of a hierarchy of control groups is mounted."""

    part: PurePosixPath
    point: PurePosixPath


def _groups(root: Path, version: str, controller: str) -> Iterator[Path]:
    """Yield the folder of this process's group and of all its ancestors that can be seen."""
    path = _path_in(root, controller)
    if path is None:
        return
    for mount in _mounts(root, version, controller):
        # Where a path leads out of what is mounted, as it may inside a container, the mount is as
        # near to the group as can be seen.
        below = (
            path.relative_to(mount.part).parts
            if path.is_relative_to(mount.part) and ".." not in path.parts
            else ()
        )
        top = root / str(mount.point).lstrip("/")
        for depth in range(len(below), -1, -1):
            yield top.joinpath(*below[:depth])


def _path_in(root: Path, controller: str) -> PurePosixPath | None:
    # Lines "number:controllers:path", without controllers for the second version.
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return PurePosixPath(path)
    return None


def _mounts(root: Path, version: str, controller: str) -> Iterator[_Mount]:
    for line in _read(root / "proc/self/mountinfo").splitlines():
        mounted, _, origin = line.partition(" - ")
        fields, (kind, _, options) = mounted.split(), origin.split(maxsplit=2)
        if kind == version and (not controller or controller in options.split(",")):
            yield _Mount(_unescaped(fields[3]), _unescaped(fields[4]))


def _unescaped(path: str) -> PurePosixPath:
    # Blanks and the like stand as three octal digits.
    return PurePosixPath(re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path))


def _number(path: Path) -> int | None:
    text = _read(path).strip()
    return int(text) if text.isdigit() else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
