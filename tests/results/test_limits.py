"""The limits of a control group are found wherever its hierarchy is mounted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from outboxbench.results.limits import cpu_limit_cores, memory_limit_bytes

if TYPE_CHECKING:
    from pathlib import Path

SECOND = "35 24 0:30 {part} {point} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
FIRST = "3{n} 24 0:3{n} {part} {point} rw shared:9 - cgroup cgroup rw,{controllers}\n"
NO_LIMIT_BYTES = "9223372036854771712\n"


class Machine:
    """A folder that looks like the root of a machine with control groups."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def belongs_to(self, groups: str, mounts: str) -> None:
        self.write("proc/self/cgroup", groups)
        self.write("proc/self/mountinfo", "22 1 254:0 / / rw - ext4 /dev/vda rw\n" + mounts)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_group_of_the_second_version_limits_cores_and_memory(machine: Machine) -> None:
    machine.belongs_to("0::/bench\n", SECOND.format(part="/", point="/sys/fs/cgroup"))
    machine.write("sys/fs/cgroup/bench/cpu.max", "150000 100000\n")
    machine.write("sys/fs/cgroup/bench/memory.max", "536870912\n")

    assert cpu_limit_cores(machine.root) == 1.5
    assert memory_limit_bytes(machine.root) == 536_870_912


def test_the_tightest_of_a_group_and_its_ancestors_counts(machine: Machine) -> None:
    machine.belongs_to("0::/a/b/c\n", SECOND.format(part="/", point="/sys/fs/cgroup"))
    machine.write("sys/fs/cgroup/a/cpu.max", "100000 100000\n")
    machine.write("sys/fs/cgroup/a/b/cpu.max", "max 100000\n")
    machine.write("sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n")
    machine.write("sys/fs/cgroup/a/memory.max", "max\n")
    machine.write("sys/fs/cgroup/a/b/memory.max", "2000000\n")
    machine.write("sys/fs/cgroup/a/b/c/memory.max", "3000000\n")

    assert cpu_limit_cores(machine.root) == 1.0
    assert memory_limit_bytes(machine.root) == 2_000_000


def test_a_group_of_the_first_version_limits_each_by_its_own_hierarchy(machine: Machine) -> None:
    machine.belongs_to(
        "4:memory:/docker/x\n2:cpu,cpuacct:/docker/x\n1:cpuset:/\n0::/\n",
        FIRST.format(n=1, part="/", point="/mnt/cpu,cpuacct", controllers="cpu,cpuacct")
        + FIRST.format(n=2, part="/", point="/mnt/the\\040memory", controllers="memory")
        + FIRST.format(n=3, part="/", point="/mnt/cpuset", controllers="cpuset"),
    )
    machine.write("mnt/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "50000\n")
    machine.write("mnt/cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n")
    machine.write("mnt/the memory/docker/x/memory.limit_in_bytes", "1073741824\n")
    machine.write("mnt/the memory/memory.limit_in_bytes", NO_LIMIT_BYTES)

    assert cpu_limit_cores(machine.root) == 0.5
    assert memory_limit_bytes(machine.root) == 2**30


def test_what_the_first_version_writes_for_no_limit_is_none(machine: Machine) -> None:
    machine.belongs_to(
        "4:memory:/\n2:cpu:/\n",
        FIRST.format(n=1, part="/", point="/mnt/cpu", controllers="cpu")
        + FIRST.format(n=2, part="/", point="/mnt/memory", controllers="memory"),
    )
    machine.write("mnt/cpu/cpu.cfs_quota_us", "-1\n")
    machine.write("mnt/cpu/cpu.cfs_period_us", "100000\n")
    machine.write("mnt/memory/memory.limit_in_bytes", NO_LIMIT_BYTES)

    assert cpu_limit_cores(machine.root) is None
    assert memory_limit_bytes(machine.root) is None


@pytest.mark.parametrize(
    ("group", "part"),
    [("/docker/x", "/docker/x"), ("/../x", "/"), ("/elsewhere", "/docker/x")],
)
def test_inside_a_container_the_mount_is_the_group(group: str, part: str, machine: Machine) -> None:
    machine.belongs_to(f"0::{group}\n", SECOND.format(part=part, point="/sys/fs/cgroup"))
    machine.write("sys/fs/cgroup/cpu.max", "200000 100000\n")
    machine.write("sys/fs/x/cpu.max", "100000 100000\n")

    assert cpu_limit_cores(machine.root) == 2.0


def test_without_control_groups_there_is_no_limit(machine: Machine) -> None:
    assert cpu_limit_cores(machine.root) is None
    assert memory_limit_bytes(machine.root) is None
