"""The plugin in somebody's project: a session of pytest in a process of its own."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.waiting import until

if TYPE_CHECKING:
    from tests.testing.conftest import Project

CHECKOUT = Path(__file__).parents[2]
PAGE = CHECKOUT / "docs" / "pytest-plugin.md"
EXAMPLE, COMPARISON = re.findall(
    r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)
HEAVY = ("asyncpg", "matplotlib", "numpy", "psycopg", "pydantic", "scipy", "sqlalchemy", "uvloop")
FAILING = (
    EXAMPLE.replace("== 3", "== 2")
    + """

async def oversell(connection):
    await connection.execute("UPDATE stock SET pieces = pieces / 0")

def test_that_fails(persistence_benchmark):
    persistence_benchmark(oversell, schema=SCHEMA, setup=asyncpg.connect)

def test_with_a_mistake(persistence_benchmark):
    persistence_benchmark("asyncgp")
"""
)
ENDLESS = """
import time

def test_without_end(persistence_benchmark):
    print("measuring", flush=True)
    time.sleep(600)
"""


def test_the_project_of_the_page_passes_and_leaves_nothing(project: Project) -> None:
    project.write(EXAMPLE)

    done = project.run()

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert project.left() == []


def test_failures_say_what_is_the_case_and_nothing_of_what_is_behind_it(project: Project) -> None:
    project.write(FAILING)

    done = project.run()

    assert done.returncode == 1, done.stdout + done.stderr
    assert "3 failed" in done.stdout
    lines = done.stdout.splitlines()
    assert "E       assert 3.0 == 2" in lines
    assert re.search(
        r"^E        \+  where 3.0 = <sell: 3 round trips, 9 messages, \d+ bytes sent, "
        r"\d+ received, \d\S* of WAL, p50 \d+ µs, 200 ok, verdict pass>\.round_trips$",
        done.stdout,
        re.MULTILINE,
    ), done.stdout
    assert "DivisionByZeroError: division by zero" in done.stdout
    assert "oversell ended failed (DivisionByZeroError: division by zero): where" in done.stdout
    assert any(
        line.startswith("E       Failed: there is no strategy 'asyncgp'; registered are asyncpg, ")
        for line in lines
    )
    assert "outboxbench/testing/" not in done.stdout
    assert "asyncio/" not in done.stdout
    assert project.left() == []


def test_who_does_not_ask_for_it_imports_nothing_and_starts_nothing(project: Project) -> None:
    project.write("def test_nothing(): pass")
    # Written when all that pytest does is done.
    (project.folder / "conftest.py").write_text(
        "import sys\ndef pytest_unconfigure():\n    print('modules:', *sorted(sys.modules))\n"
    )

    done = project.run("-q", "--collect-only")

    assert done.returncode == 0, done.stdout + done.stderr
    (modules,) = re.findall(r"^modules: (.*)$", done.stdout, re.MULTILINE)
    loaded = set(modules.split())
    assert "outboxbench.testing.benchmark_plugin" in loaded
    assert not loaded & set(HEAVY)
    assert {name for name in loaded if name.startswith("outboxbench")} == {
        "outboxbench",
        "outboxbench.testing",
        "outboxbench.testing.benchmark_plugin",
    }


def test_the_server_ends_with_a_session_that_is_killed(project: Project) -> None:
    project.write(ENDLESS)
    with subprocess.Popen(
        [*project.command, "-s"],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as session:
        assert session.stdout is not None
        assert any("measuring" in line for line in iter(session.stdout.readline, ""))
        assert project.left()
        session.kill()

    asyncio.run(until(lambda: not project.left()))


def test_where_no_server_can_be_started_it_says_so_in_a_sentence(project: Project) -> None:
    project.write(EXAMPLE)
    missing = project.temporary / "missing"

    done = subprocess.run(
        project.command,
        check=False,
        cwd=project.folder,
        env=project.environment | {"OUTBOXBENCH_TMPDIR": str(missing)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert re.search(
        r"^persistence_benchmark needs PostgreSQL: .*missing", done.stdout, re.MULTILINE
    )
    assert "Traceback" not in done.stdout


@pytest.mark.slow
def test_every_worker_of_xdist_has_a_server_of_its_own(project: Project) -> None:
    again = EXAMPLE[EXAMPLE.index("def test_") :].replace("def test_", "def test_again_")
    project.write(EXAMPLE + "\n\n" + again)

    done = project.run("-p", "xdist.plugin", "-n", "2", "--dist", "each")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout
    assert project.left() == []


@pytest.mark.slow
def test_installing_the_wheel_is_all_it_takes(tmp_path: Path) -> None:
    wheels, environment = tmp_path / "wheels", tmp_path / "environment"
    _pip(sys.executable, "wheel", "--no-deps", "--no-build-isolation", "-w", wheels, CHECKOUT)
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    (wheel,) = wheels.glob("*.whl")
    pins = CHECKOUT / "constraints.txt"
    _pip(python, "install", "--constraint", _without_hashes(pins, tmp_path), wheel, "pytest")
    outside = tmp_path / "shop"
    outside.mkdir()
    (outside / "test_shop.py").write_text(EXAMPLE, encoding="utf-8")

    done = subprocess.run(
        [python, "-m", "pytest", "-v"], check=False, cwd=outside, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_a_sale_takes_three_round_trips PASSED" in done.stdout
    assert re.search(r"^plugins: .*\boutboxbench-", done.stdout, re.MULTILINE), done.stdout


def _without_hashes(pins: Path, folder: Path) -> Path:
    """Write the pins as constraints: pip would take a wheel of ours by its hash alone otherwise."""
    lines = pins.read_text(encoding="utf-8").splitlines()
    path = folder / "pins.txt"
    path.write_text(
        "\n".join(line.rstrip(" \\") for line in lines if not line.lstrip().startswith("--hash")),
        encoding="utf-8",
    )
    return path


def _pip(python: str | Path, *arguments: str | Path) -> None:
    subprocess.run(
        [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True
    )
