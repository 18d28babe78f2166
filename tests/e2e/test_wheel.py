"""The wheel that users get has all that is needed, and measures where there is nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SOURCES = CHECKOUT / "src" / "outboxbench"
PATIENCE_S = 1800
"""For pip to install everything, on a machine that does something else."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [
            *(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder),
            CHECKOUT,
        ],
        check=True,
        capture_output=True,
    )
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as file:
        return set(file.namelist())


def read(wheel: Path, name: str) -> str:
    folder = f"outboxbench-{version('outboxbench')}.dist-info"
    with zipfile.ZipFile(wheel) as file:
        return file.read(f"{folder}/{name}").decode()


def test_every_file_of_the_package_is_in_it_and_nothing_that_python_made(names: set[str]) -> None:
    sources = {
        path.relative_to(SOURCES.parent).as_posix()
        for path in SOURCES.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert sources - names == set()
    assert {name for name in names if "__pycache__" in name} == set()
    assert "outboxbench/py.typed" in names


def test_what_is_used_from_outside_the_package_comes_along(names: set[str]) -> None:
    suites = {f"outboxbench/suites/{path.name}" for path in CHECKOUT.glob("bench/suites/*.toml")}
    schemas = {
        f"outboxbench/schemas/{path.name}" for path in CHECKOUT.glob("results/*.schema.json")
    }

    assert suites
    assert schemas
    assert {*suites, *schemas, "outboxbench/locustfile.py"} - names == set()


def test_nothing_else_comes_along(names: set[str]) -> None:
    assert {name.partition("/")[0] for name in names} == {
        "outboxbench",
        f"outboxbench-{version('outboxbench')}.dist-info",
    }


def test_it_says_what_it_is_and_under_which_licence(wheel: Path) -> None:
    told = read(wheel, "METADATA").partition("\n\n")[0].splitlines()

    assert f"Version: {version('outboxbench')}" in told
    assert "License-Expression: Apache-2.0" in told
    assert "License-File: LICENSE" in told
    assert read(wheel, "licenses/LICENSE") == (CHECKOUT / "LICENSE").read_text()


def test_its_strategies_are_those_of_the_checkout(wheel: Path) -> None:
    ours = entry_points(group="outboxbench.strategies")

    declared = read(wheel, "entry_points.txt").splitlines()
    assert [f"{each.name} = {each.value}" for each in ours if each.dist is None] == []
    assert {
        f"{each.name} = {each.value}"
        for each in ours
        if each.dist is not None and each.dist.name == "outboxbench"
    } <= set(declared)


@pytest.mark.slow
def test_it_measures_in_an_empty_environment_outside_the_checkout(
    wheel: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [CHECKOUT / ".ci" / "check-wheel", wheel],
        cwd=tmp_path,
        env={**os.environ, "PYTHON": sys.executable, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )

    assert done.returncode == 0, done.stderr
    assert f"outboxbench {version('outboxbench')}\n" in done.stdout
    # Those of `cost` and of `run`.
    assert done.stdout.count("Verdict: pass\n") == 2
    assert done.stdout.rstrip().endswith("report.html")
    assert list(tmp_path.iterdir()) == []
