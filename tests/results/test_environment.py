from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from outboxbench.results.disk import described_disk, filesystem_type
from outboxbench.results.environment import PACKAGES, collect
from outboxbench.results.processor import cpu_governor, cpu_mhz, cpu_model

CPUINFO = """\
processor\t: 0
model name\t: Imaginary 9000
cpu MHz\t\t: 2400.500

processor\t: 1
model name\t: Imaginary 9000
cpu MHz\t\t: 1200.000

"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_machine_and_its_software_are_described(tmp_path: Path) -> None:
    environment = collect(
        libpq="17.4", psycopg_implementation="binary", data_folder=tmp_path, fsync_us=84.0
    )

    assert environment.python == platform.python_version()
    assert environment.memory_bytes > 0
    assert environment.packages["asyncpg"] == version("asyncpg")
    assert (environment.libpq, environment.psycopg_implementation) == ("17.4", "binary")
    assert environment.fsync_us == 84.0
    assert {"psutil", "scipy"} <= environment.packages.keys()


def test_a_package_that_is_not_installed_is_left_out() -> None:
    environment = collect(libpq=None, psycopg_implementation=None, data_folder=None, fsync_us=None)

    assert set(environment.packages) <= set(PACKAGES)
    assert "" not in environment.packages.values()


def test_only_cores_that_this_process_may_use_are_counted() -> None:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        environment = collect(
            libpq=None, psycopg_implementation=None, data_folder=None, fsync_us=None
        )
    finally:
        os.sched_setaffinity(0, allowed)

    assert environment.cores == 1


def test_the_disk_of_a_server_elsewhere_is_unknown() -> None:
    environment = collect(libpq=None, psycopg_implementation=None, data_folder=None, fsync_us=None)

    assert environment.data_filesystem is None
    assert environment.data_device is None


def test_the_innermost_mount_decides_on_the_file_system() -> None:
    assert filesystem_type(Path("/proc/self")) == "proc"


def test_the_governor_and_the_speed_of_a_core_are_read(tmp_path: Path) -> None:
    frequency = tmp_path / "sys/devices/system/cpu/cpu3/cpufreq"
    write(frequency / "scaling_governor", "powersave\n")
    write(frequency / "scaling_cur_freq", "3100250\n")

    assert cpu_governor(3, tmp_path) == "powersave"
    assert cpu_mhz(3, tmp_path) == 3100.25


def test_without_frequency_scaling_the_speed_is_what_the_core_says_of_itself(
    tmp_path: Path,
) -> None:
    write(tmp_path / "proc/cpuinfo", CPUINFO)

    assert cpu_model(tmp_path) == "Imaginary 9000"
    assert cpu_mhz(1, tmp_path) == 1200.0
    assert cpu_governor(1, tmp_path) is None


def test_a_core_of_which_nothing_is_known_has_no_speed(tmp_path: Path) -> None:
    assert cpu_mhz(0, tmp_path) is None
    write(tmp_path / "proc/cpuinfo", "processor\t: 0\ncpu MHz\t: unknown\n")
    assert cpu_mhz(0, tmp_path) is None


def test_a_partition_is_described_by_its_disk_and_the_model_of_that(tmp_path: Path) -> None:
    disk = tmp_path / "sys/devices/pci0/block/nvme0n1"
    write(disk / "device/model", "Imaginary SSD 1TB           \n")
    write(disk / "nvme0n1p2/partition", "2\n")
    links = tmp_path / "sys/class/block"
    links.mkdir(parents=True)
    (links / "nvme0n1p2").symlink_to(disk / "nvme0n1p2")

    assert described_disk("nvme0n1p2", tmp_path) == "nvme0n1 (Imaginary SSD 1TB)"


def test_a_disk_without_a_model_is_described_by_its_name(tmp_path: Path) -> None:
    assert described_disk("vda", tmp_path) == "vda"
