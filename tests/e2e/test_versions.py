"""Other versions of what is measured, as arms of one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from outboxbench.results.run_file import read_run

if TYPE_CHECKING:
    from tests.e2e.conftest import World

OTHER = Path("/usr/lib/postgresql/15/bin")
QUICK = ("--only", "asyncpg", "--rounds", "2", "--duration", "0.3")


@pytest.mark.slow
def test_two_versions_of_a_driver_are_arms_of_one_run(world: World) -> None:
    world.environment["OUTBOXBENCH_CACHE"] = str(world.folder / "cache")

    done = world.call(
        *("run", "versions", *QUICK, "--out", world.out),
        *("--with", "asyncpg==0.30.0", "--with", "asyncpg==0.31.0"),
    )

    assert done.returncode == 0, done.stderr
    run = read_run(world.runs[0])
    versions = {
        arm.environment.name: arm.environment.packages["asyncpg"]
        for arm in run.arms
        if arm.environment is not None
    }
    assert versions == {"asyncpg==0.30.0": "0.30.0", "asyncpg==0.31.0": "0.31.0"}
    (pair,) = {(each.base, each.head) for each in run.comparisons}
    assert pair[0].endswith("asyncpg==0.30.0")
    assert pair[1].endswith("asyncpg==0.31.0")
    assert (world.runs[0] / "charts" / "ratios.svg").exists()


@pytest.mark.slow
@pytest.mark.skipif(not OTHER.exists(), reason="no second PostgreSQL on this machine")
def test_two_servers_are_measured_by_turns(world: World) -> None:
    from outboxbench.harness.postgres.binaries import embedded_binaries

    ours = embedded_binaries()

    done = world.call(
        *("run", world.suite(), "--rounds", "2", "--duration", "0.2", "--out", world.out),
        *("--pg-bin", OTHER, "--pg-bin", ours.directory),
    )

    assert done.returncode == 0, done.stderr
    run = read_run(world.runs[0])
    assert run.server.version.startswith("15.")
    assert [each.version for each in run.other_servers] == [ours.version]
    names = {arm.server for arm in run.arms}
    assert names == {f"PostgreSQL {run.server.version}", f"PostgreSQL {ours.version}"}
    assert {block.verdict for arm in run.arms for block in arm.blocks} == {"pass"}
    assert any(
        run.server.version in each.base and ours.version in each.head for each in run.comparisons
    )
    assert sorted(path.name for path in world.runs[0].glob("server-*.log")) == sorted(
        f"server-{version}.log" for version in (run.server.version, ours.version)
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--with", "asyncpg=0.30"), "is no requirement: write it as asyncpg==0.30.0"),
        (("--with", "python=/nowhere"), "/nowhere is no Python interpreter"),
        (("--pg-bin", "/nowhere", "--pg-bin", "/here"), "/nowhere is no folder"),
    ],
)
def test_what_cannot_be_measured_is_told_in_a_sentence(
    world: World, options: tuple[str, ...], said: str
) -> None:
    world.environment["OUTBOXBENCH_CACHE"] = str(world.folder / "cache")

    done = world.call("run", "versions", *options, "--out", world.out)

    assert done.returncode == 2, done.stderr
    assert said in done.stderr.splitlines()[-1]
    assert world.runs == []


def test_a_suite_of_more_than_arms_is_not_measured_in_versions(world: World) -> None:
    done = world.call("run", "relay", "--with", "asyncpg==0.30.0", "--out", world.out)

    assert done.returncode == 2
    assert "take the suite versions" in done.stderr
