"""Every bug that is planted in a strategy is convicted by its own check, and nobody else is."""

from __future__ import annotations

import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from outboxbench.results.block import Check
from outboxbench.results.faults import FaultArm

if TYPE_CHECKING:
    from tests.e2e.conftest import World

CHECKOUT = Path(__file__).parents[2]
SCRIPT = CHECKOUT / "bench" / "evidence" / "planted_bugs.py"
PACKAGE = CHECKOUT / "bench" / "planted-bugs"
A_FEW = ("dual-write", "doubt-swallowed")
FEWEST = 12
TIMEOUT_S = 1800

script = runpy.run_path(str(SCRIPT))
BUGS: dict[str, Any] = script["read_bugs"]()
LOST, TWICE, GAPS, MONEY = (
    "no ok operation is lost",
    "no operation is applied twice",
    "versions are contiguous and one-to-one with messages",
    "money is conserved",
)


def run_script(world: World, *options: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, "--out", world.out, *options],
        check=False,
        cwd=world.folder,
        env=world.environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )


def assert_convicted(done: subprocess.CompletedProcess[str], bugs: int) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{bugs} of {bugs} bugs convicted, each beside a control that passed" in done.stdout


@pytest.mark.slow
def test_a_few_bugs_are_convicted_by_their_own_checks(world: World) -> None:
    assert_convicted(run_script(world, "--only", ",".join(A_FEW)), len(A_FEW))


@pytest.mark.slow
def test_every_planted_bug_is_convicted_by_its_own_check(world: World) -> None:
    assert_convicted(run_script(world), len(BUGS))


def test_an_unknown_bug_is_bad_input(world: World) -> None:
    done = run_script(world, "--only", "heisenbug")
    assert done.returncode == 2
    assert "there is no planted bug 'heisenbug': name one of dual-write," in done.stderr


def test_every_strategy_of_the_package_is_a_bug_with_a_part_and_a_control() -> None:
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    registered = project["entry-points"]["outboxbench.strategies"]
    assert len(BUGS) >= FEWEST
    assert set(registered) == {bug.strategy for bug in BUGS.values() if bug.retries is None}
    suite = script["SUITE"].read_text(encoding="utf-8")
    for bug in BUGS.values():
        parts = tomllib.loads(script["suite_of"](suite, [bug]))["faults"]
        (part,) = [each for each in parts if bug.strategy in each["strategies"]]
        assert bug.control in part["strategies"]


def arm(bug: Any, *failing: str, is_control: bool = False, **changes: Any) -> FaultArm:
    """An arm that has a bug, or is its control, and the checks that failed."""
    bad = bug.retries or "safe"
    return FaultArm.model_construct(
        **{
            "strategy": bug.control if is_control else bug.strategy,
            "retries": "safe" if is_control else bad,
            "fault": "reset",
            "workload": "charge",
            "relaying": None,
            "settings": {"clients": 8},
            "checks": tuple(
                Check.of(name, passed=name not in failing, detail="")
                for name in (LOST, TWICE, GAPS, MONEY)
            ),
            **changes,
        }
    )


@pytest.mark.parametrize("name", ["dual-write", "blind-retry"])
@pytest.mark.parametrize(
    ("failing", "control_failing", "verdict"),
    [
        ("own", (), "convicted"),
        ("own and consequences", (), "convicted"),
        ("none", (), "acquitted"),
        ("consequences", (), "acquitted"),
        ("own and another", (), "by accident"),
        ("own", None, "no control"),
        ("own", (LOST,), "control failed"),
    ],
)
def test_a_bug_is_convicted_only_by_its_own_check_and_beside_a_control_that_passes(
    name: str, failing: str, control_failing: tuple[str, ...] | None, verdict: str
) -> None:
    bug = BUGS[name]
    wrong = {
        "own": (bug.check,),
        "own and consequences": (bug.check, *bug.may_fail),
        "none": (),
        "consequences": bug.may_fail,
        "own and another": (bug.check, LOST),
    }[failing]
    arms = [arm(bug, *wrong), arm(bug, is_control=True, fault="stall")]
    if control_failing is not None:
        arms.append(arm(bug, *control_failing, is_control=True))
    (conviction,) = script["convict"]([bug], arms)
    assert conviction.verdict == verdict


def test_a_bug_that_was_not_measured_is_no_conviction() -> None:
    bug = BUGS["dual-write"]
    with pytest.raises(ValueError, match="0 arms with the bug dual-write"):
        script["convict"]([bug], [arm(bug, is_control=True)])
