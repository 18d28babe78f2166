"""Two runs are compared from the command line, and what may not be compared is refused."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import World

    from outboxbench.core.strategies.settings import DatabaseAddress

FAST = ("window_s = 0.2", "window_s = 0.1")


@pytest.fixture
def two_runs(
    world: World, database: DatabaseAddress, dsn_of: Callable[[DatabaseAddress], str]
) -> tuple[Path, Path]:
    """Runs of the tiny suite, one after the other, on one server."""
    suite = world.suite(*FAST)
    for _ in range(2):
        done = world.call(
            "run", suite, "--rounds", "5", "--out", world.out, "--dsn", dsn_of(database)
        )
        assert done.returncode == 0, done.stderr
    base, head = world.runs
    return base, head


def refusal(world: World, *arguments: str | Path) -> str:
    done = world.call("compare", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr


def edited(run: Path, folder: Path, change: Callable[[str], str]) -> Path:
    """A copy of a run whose document was changed by hand."""
    copy = folder / f"{run.name}-edited"
    shutil.copytree(run, copy)
    document = copy / "run.json"
    document.write_text(change(document.read_text()))
    return copy


@pytest.mark.slow
def test_two_runs_are_compared_arm_by_arm_and_what_is_no_pair_is_refused(
    world: World, two_runs: tuple[Path, Path], tmp_path: Path
) -> None:
    base, head = two_runs

    shown = world.call("compare", base, head)
    told = world.call("compare", base, head, "--json")

    assert shown.returncode == told.returncode
    assert shown.returncode in {0, 1}
    comparisons: list[dict[str, Any]] = json.loads(told.stdout)["comparisons"]
    assert {each["head"] for each in comparisons} == {"asyncpg/asyncio/charge/matched/2 clients"}
    assert {each["control"] for each in comparisons} == {"pgbench/charge/matched/2 clients"}
    regressed = [
        each for each in comparisons if each["decision"] == "regression" and not each["is_advisory"]
    ]
    assert shown.returncode == bool(regressed)
    for each in comparisons:
        assert f"{each['ratio']:.2f} [{each['low']:.2f}, {each['high']:.2f}]" in shown.stdout

    assert "they are the same run" in refusal(world, base, base)
    assert "cannot read" in refusal(world, base, tmp_path / "nosuch")

    rounded = edited(head, tmp_path, lambda text: text.replace('"ok_per_s": ', '"ok_per_s": 1', 1))
    assert "was changed after the run" in refusal(world, base, rounded)
    shutil.rmtree(rounded)
    truncated = edited(head, tmp_path, lambda text: text[: len(text) // 2])
    assert "is damaged" in refusal(world, base, truncated)
    shutil.rmtree(truncated)
    older = edited(
        head, tmp_path, lambda text: text.replace('"schema_version": 2', '"schema_version": 1')
    )
    assert "has schema version 1, this outboxbench reads 2" in refusal(world, base, older)
    shutil.rmtree(older)

    log = next((head / "histograms").iterdir())
    log.write_text(log.read_text().replace("Tag=ok", "Tag=failed", 1))
    assert "was changed after the run" in refusal(world, base, head)
    log.unlink()
    assert "cannot read" in refusal(world, base, head)


@pytest.mark.slow
def test_a_calibration_is_kept_and_used_on_this_machine_alone(
    world: World, database: DatabaseAddress, dsn_of: Callable[[DatabaseAddress], str]
) -> None:
    noise = world.folder / "kept" / "noise.json"
    few = world.call("calibrate", "--rounds", "3", "--noise", noise, "--out", world.out)
    assert (few.returncode, few.stderr.count("\n")) == (2, 1)
    assert "--rounds must be 8 or more" in few.stderr
    assert not noise.exists()

    done = world.call(
        "calibrate", "--rounds", "8", "--duration", "0.1", "--noise", noise, "--out", world.out
    )
    assert done.returncode == 0, done.stderr
    assert "paired σ" in done.stdout
    assert "rounds that it takes to see an effect" in done.stdout
    recorded = json.loads(noise.read_text())

    def calibrated_at(*options: str) -> str | None:
        run = world.run("--noise", noise, *options)
        assert run.returncode == 0, run.stderr
        found: str | None = json.loads((world.runs[-1] / "run.json").read_text())["calibrated_at"]
        return found

    assert calibrated_at() == recorded["measured_at"]
    # A server that is not ours tells nothing of its disk.
    recorded["environment"]["data_filesystem"] = None
    noise.write_text(json.dumps(recorded))
    assert calibrated_at("--dsn", dsn_of(database)) == recorded["measured_at"]
    recorded["environment"]["cpu_model"] = "Another"
    noise.write_text(json.dumps(recorded))
    assert calibrated_at("--dsn", dsn_of(database)) is None
    noise.write_text("{}")
    damaged = world.run("--noise", noise, "--dsn", dsn_of(database))
    assert (damaged.returncode, damaged.stderr.count("\n")) == (2, 1)
