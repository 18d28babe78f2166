"""What lies under a folder: the type of its file system, and the device."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import psutil

_ROOT = Path("/")


class _Mount(NamedTuple):
    device: str
    fstype: str


def filesystem_type(path: Path) -> str | None:
    """The type of the file system that holds a path, such as ext4; None when none is known."""
    mount = _innermost_mount(path)
    return mount.fstype or None if mount else None


def data_device(path: Path) -> str | None:
    """The disk that holds a path, and its model; None where no disk of this machine is known."""
    mount = _innermost_mount(path)
    if mount is None or not mount.device.startswith("/dev/"):
        return None
    # A volume is mounted by a name of its own choice, which is a link to the device.
    return described_disk(Path(mount.device).resolve().name)


def described_disk(device: str, root: Path = _ROOT) -> str:
    """The name of the disk that a device is or is a part of, such as "nvme0n1 (its model)".

    `root` is the folder that /sys is looked for in.
    """
    folder = (root / "sys/class/block" / device).resolve()
    disk = folder.parent if (folder / "partition").exists() else folder
    try:
        model = (disk / "device/model").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        model = ""
    return f"{disk.name} ({model})" if model else disk.name


def _innermost_mount(path: Path) -> _Mount | None:
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
    return _Mount(innermost[1].device, innermost[1].fstype) if innermost else None
