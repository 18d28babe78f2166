"""The processor as this process may use it: its model, its cores, and how fast they run.

`root` is the folder that /proc and /sys are looked for in.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

_ROOT = Path("/")


def cpu_model(root: Path = _ROOT) -> str | None:
    """What the processor calls itself."""
    models = (core["model name"] for core in _described_cores(root) if "model name" in core)
    return next(models, None) or platform.processor() or None


def usable_cores() -> int:
    """Cores this process may run on: under taskset or in a cpuset, fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def first_usable_core() -> int:
    """The number of the first core that this process may run on."""
    return min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0


def cpu_governor(core: int, root: Path = _ROOT) -> str | None:
    """Who decides how fast a core runs, such as performance; None where the host decides."""
    return _frequency_fact(root, core, "scaling_governor")


def cpu_mhz(core: int, root: Path = _ROOT) -> float | None:
    """How fast a core runs at this moment, in MHz."""
    khz = _frequency_fact(root, core, "scaling_cur_freq")
    text = None
    if khz is None:
        described = {each.get("processor"): each for each in _described_cores(root)}
        text = described.get(f"{core}", {}).get("cpu MHz")
    try:
        if khz is not None:
            return int(khz) / 1000
        return None if text is None else float(text)
    except ValueError:
        return None


def _frequency_fact(root: Path, core: int, name: str) -> str | None:
    path = root / f"sys/devices/system/cpu/cpu{core}/cpufreq/{name}"
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def _described_cores(root: Path) -> list[dict[str, str]]:
    # One paragraph a core, of lines "key : value".
    try:
        text = (root / "proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return []
    return [
        {key.strip(): value.strip() for key, _, value in map(_parts, paragraph.splitlines())}
        for paragraph in text.split("\n\n")
    ]


def _parts(line: str) -> tuple[str, str, str]:
    return line.partition(":")
