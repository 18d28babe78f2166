"""What `outboxbench compare` makes of runs that are sound in themselves, and yet no fair pair."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.analysis.runs import NOW, arm, block, ceiling, environment, run

from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import World

    from outboxbench.results.model import Run

NOISE = (0.0, 0.02, -0.02, 0.01, -0.01, 0.015)


def measured(speed: float = 1.0, **changes: Any) -> Run:
    """A run of two arms and their ceiling; the second is so many times as fast."""
    noise = list(enumerate(NOISE))
    return run(
        ceiling([block(number, 3000 * (1 - wobble)) for number, wobble in noise]),
        arm("asyncpg/uvloop", [block(number, 1000 * (1 + wobble)) for number, wobble in noise]),
        arm(
            "psycopg/uvloop",
            [block(number, 700 * speed * (1 - wobble)) for number, wobble in noise],
        ),
        **changes,
    )


@pytest.fixture
def keep(tmp_path: Path) -> Callable[[Run], Path]:
    """Leave a run as the harness does; returns its folder."""

    def write(kept: Run) -> Path:
        folder = RunFolder.create(tmp_path / "runs", kept.suite, kept.started_at)
        folder.write_run(kept)
        return folder.path

    return write


@pytest.fixture
def base(keep: Callable[[Run], Path]) -> Path:
    return keep(measured())


def later(**changes: Any) -> Run:
    return measured(**changes, started_at=NOW + timedelta(hours=1))


def refusal(world: World, *arguments: str | Path) -> str:
    """Return the one sentence on standard error."""
    done = world.call("compare", *arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("outboxbench: ")
    assert done.stderr.count("\n") == 1
    assert "unexpected" not in done.stderr
    return done.stderr.removeprefix("outboxbench: ").rstrip()


def test_every_arm_is_printed_and_one_that_became_slower_fails_the_comparison(
    world: World, base: Path, keep: Callable[[Run], Path]
) -> None:
    done = world.call("compare", base, keep(later(speed=0.6)))

    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    (same,) = (line for line in lines if line.startswith("asyncpg/uvloop "))
    (slower,) = (line for line in lines if line.startswith("psycopg/uvloop "))
    assert "1.00 [" in same
    assert same.rstrip().endswith("same")
    assert "0.60 [" in slower
    assert slower.rstrip().endswith("regression")
    assert "Warning" not in done.stdout
    assert max(map(len, lines)) <= 80


def test_what_became_faster_or_stayed_is_fine(
    world: World, base: Path, keep: Callable[[Run], Path]
) -> None:
    done = world.call("compare", base, keep(later(speed=1.5)))

    assert done.returncode == 0, done.stderr
    assert "improvement" in done.stdout
    assert "regression" not in done.stdout


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_run_is_named_by_its_folder_or_its_document(
    is_folder: bool, world: World, base: Path, keep: Callable[[Run], Path]
) -> None:
    head = keep(later())

    paths = (base, head) if is_folder else (base / "run.json", head / "run.json")
    done = world.call("compare", *paths, "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["doubts"] == []


def test_what_no_wish_can_overcome_is_refused_also_by_force(
    world: World, base: Path, keep: Callable[[Run], Path], tmp_path: Path
) -> None:
    other = keep(later(suite="plans"))
    stranger = keep(run(arm("other/uvloop", [block(number) for number in range(6)])))
    empty = tmp_path / "empty"
    empty.mkdir()

    for option in ((), ("--force",)):
        assert refusal(world, base, other, *option) == (
            f"{base} and {other} cannot be compared: they ran different suites, quick and plans"
        )
        assert "they are the same run" in refusal(world, base, base, *option)
        assert "they have no arm in common" in refusal(world, base, stranger, *option)
        message = refusal(world, base, empty, *option)
        assert message.startswith(f"cannot read {empty / 'run.json'} (No such file")
        assert message.endswith("name a folder that a run has left")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"complete": False}, "the head is not complete, it was interrupted"),
        ({"verdict": "fail"}, "the verdict of the head is fail"),
        ({"rounds": 2}, "one of them has 2 rounds, and 5 are the least"),
        (
            {"environment": environment(cpu_model="Another")},
            "they differ in cpu_model: A Processor → Another",
        ),
    ],
)
def test_what_makes_a_comparison_doubtful_is_told_and_can_be_overruled(
    changes: dict[str, Any],
    reason: str,
    world: World,
    base: Path,
    keep: Callable[[Run], Path],
) -> None:
    head = keep(later(**changes))

    assert refusal(world, base, head) == (
        f"{base} and {head} are not compared: {reason}; --force compares them all the same"
    )
    forced = world.call("compare", base, head, "--force")
    told = world.call("compare", base, head, "--force", "--json")

    assert forced.returncode == told.returncode == ("verdict" in changes), forced.stderr
    assert f"Warning: {reason}" in forced.stdout.replace("\n", " ")
    assert "asyncpg/uvloop" in forced.stdout
    assert json.loads(told.stdout)["doubts"] == [reason]


def test_other_software_is_what_one_may_want_to_compare(
    world: World, base: Path, keep: Callable[[Run], Path]
) -> None:
    done = world.call(
        "compare", base, keep(later(environment=environment(packages={"asyncpg": "0.33.0"})))
    )

    assert done.returncode == 0, done.stderr
    assert "asyncpg 0.32.0 → 0.33.0" in done.stdout


def test_noise_that_is_damaged_is_told(
    world: World, base: Path, keep: Callable[[Run], Path]
) -> None:
    noise = world.folder / "noise.json"
    noise.write_text("{")

    assert "noise.json is damaged" in refusal(world, base, keep(later()), "--noise", noise)


def test_two_folders_are_asked_for(world: World, base: Path) -> None:
    assert "missing argument" in refusal(world, base)
