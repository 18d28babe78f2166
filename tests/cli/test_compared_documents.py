"""What `outboxbench compare` makes of runs that are sound in themselves, and yet no fair pair."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pytest
from tests.analysis.runs import NOW, arm, block, ceiling, environment, run

from outboxbench.analysis.calibration import noise_of
from outboxbench.cli import main
from outboxbench.results.noise_store import write_noise
from outboxbench.results.store import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from outboxbench.results.model import Run


class Said(NamedTuple):
    code: int
    output: str
    errors: str


class Compare(Protocol):
    def __call__(self, *arguments: str | Path) -> Said: ...


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
def compare(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Compare:
    """Run the command line in this process, where no calibration is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments: str | Path) -> Said:
        monkeypatch.setattr("sys.argv", ["outboxbench", "compare", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, *capsys.readouterr())

    return call


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


def refusal(done: Said) -> str:
    """Return the one sentence on standard error."""
    assert done.code == 2, done.errors
    assert done.output == ""
    assert done.errors.startswith("outboxbench: ")
    assert done.errors.count("\n") == 1
    assert "unexpected" not in done.errors
    return done.errors.removeprefix("outboxbench: ").rstrip()


def test_every_arm_is_printed_and_one_that_became_slower_fails_the_comparison(
    compare: Compare, base: Path, keep: Callable[[Run], Path]
) -> None:
    done = compare(base, keep(later(speed=0.6)))

    assert done.code == 1, done.errors
    assert done.errors == ""
    lines = done.output.splitlines()
    same, slower = (
        lines[next(n for n, line in enumerate(lines) if line.startswith(arm)) + 1]
        for arm in ("asyncpg/uvloop ", "psycopg/uvloop ")
    )
    assert "1.00 [" in same
    assert same.rstrip().endswith("same")
    assert "0.60 [" in slower
    assert slower.rstrip().endswith("regression")
    assert "Warning" not in done.output
    assert max(map(len, lines)) <= 80


def test_what_became_faster_or_stayed_is_fine(
    compare: Compare, base: Path, keep: Callable[[Run], Path]
) -> None:
    done = compare(base, keep(later(speed=1.5)))

    assert done.code == 0, done.errors
    assert "improvement" in done.output
    assert "regression" not in done.output


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_run_is_named_by_its_folder_or_its_document(
    is_folder: bool, compare: Compare, base: Path, keep: Callable[[Run], Path]
) -> None:
    head = keep(later())

    paths = (base, head) if is_folder else (base / "run.json", head / "run.json")
    done = compare(*paths, "--json")

    assert done.code == 0, done.errors
    assert json.loads(done.output)["doubts"] == []


def test_what_no_wish_can_overcome_is_refused_also_by_force(
    compare: Compare, base: Path, keep: Callable[[Run], Path], tmp_path: Path
) -> None:
    other = keep(later(suite="plans"))
    stranger = keep(run(arm("other/uvloop", [block(number) for number in range(6)])))
    empty = tmp_path / "empty"
    empty.mkdir()

    for option in ((), ("--force",)):
        assert refusal(compare(base, other, *option)) == (
            f"{base} and {other} cannot be compared: they ran different suites, quick and plans"
        )
        assert "they are the same run" in refusal(compare(base, base, *option))
        assert "they have no arm in common" in refusal(compare(base, stranger, *option))
        message = refusal(compare(base, empty, *option))
        assert message.startswith(f"cannot read {empty / 'run.json'} (No such file")
        assert message.endswith("name a folder that a run has left")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"complete": False}, "the head is not complete, it was interrupted"),
        ({"verdict": "fail"}, "the verdict of the head is fail"),
        ({"window_s": 2.0}, "they differ in window_s: 1.0 → 2.0"),
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
    compare: Compare,
    base: Path,
    keep: Callable[[Run], Path],
) -> None:
    head = keep(later(**changes))

    assert refusal(compare(base, head)) == (
        f"{base} and {head} are not compared: {reason}; --force compares them all the same"
    )
    forced = compare(base, head, "--force")
    told = compare(base, head, "--force", "--json")

    assert forced.code == told.code == ("verdict" in changes), forced.errors
    assert f"Warning: {reason}" in forced.output.replace("\n", " ")
    assert "asyncpg/uvloop" in forced.output
    assert json.loads(told.output)["doubts"] == [reason]


def test_other_software_is_what_one_may_want_to_compare(
    compare: Compare, base: Path, keep: Callable[[Run], Path]
) -> None:
    done = compare(base, keep(later(environment=environment(packages={"asyncpg": "0.33.0"}))))

    assert done.code == 0, done.errors
    assert "asyncpg 0.32.0 → 0.33.0" in done.output


def test_noise_that_is_damaged_is_told(
    compare: Compare, base: Path, keep: Callable[[Run], Path]
) -> None:
    noise = base.parent / "noise.json"
    noise.write_text("{")

    assert "noise.json is damaged" in refusal(compare(base, keep(later()), "--noise", noise))


def test_two_folders_are_asked_for(compare: Compare, base: Path) -> None:
    assert "missing argument" in refusal(compare(base))


def test_a_calibration_of_another_machine_does_not_count(
    compare: Compare, base: Path, keep: Callable[[Run], Path], tmp_path: Path
) -> None:
    twins = [
        arm("asyncpg/uvloop", [block(number) for number in range(8)]),
        arm(
            "asyncpg/uvloop/copy 2",
            [block(number, 1000.0 * 1.3 ** (number % 2)) for number in range(8)],
            copy_number=2,
        ),
    ]
    here, elsewhere = tmp_path / "here.json", tmp_path / "elsewhere.json"
    write_noise(here, noise_of(run(*twins)))
    write_noise(elsewhere, noise_of(run(*twins, environment=environment(cpu_model="Another"))))
    head = keep(later())

    def said(noise: Path) -> str:
        return " ".join(compare(base, head, "--noise", noise).output.split())

    assert "by the calibration of this machine" in said(here)
    for file in (elsewhere, tmp_path / "none.json"):
        assert "within 5.0% count as none, without a calibration" in said(file)
