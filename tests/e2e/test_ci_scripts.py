"""What the scripts behind the workflows do, with a repository of their own and a made-up forge."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from tests.e2e.workflows import WHEEL, git

if TYPE_CHECKING:
    from tests.e2e.workflows import Runner

# It has one comment of somebody's and, once one was posted, that of the script.
FORGE = """
case "$*" in
  *--paginate*) if grep -q POST "$FORGE"; then printf '41\\n'; fi ;;
  *) echo "$@" >> "$FORGE" ;;
esac
"""
REGRESS = '"$GITHUB_ACTION_PATH/regress"'
INPUTS = {"BASE": "v1", "SUITE": "ci", "BUDGET": "10m", "STRICT": "false"}


def test_a_report_is_posted_once_and_brought_up_to_date_from_then_on(runner: Runner) -> None:
    runner.stand_in("gh", FORGE)

    for text in ("The first.", "The second."):
        runner.write("regress.md", text)
        done = runner.run(".ci/comment 7 regress.md")
        assert done.returncode == 0, done.stderr

    asked = runner.forge.read_text()
    assert asked.count("POST repos/somebody/something/issues/7/comments") == 1
    assert asked.count("PATCH repos/somebody/something/issues/comments/41") == 1
    assert asked.count("<!-- outboxbench regress -->") == 2
    assert asked.index("The first.") < asked.index("PATCH") < asked.index("The second.")


def test_a_report_that_is_too_long_for_a_comment_is_cut_between_characters(runner: Runner) -> None:
    runner.stand_in("gh", FORGE)
    runner.write("regress.md", "a" + "–" * 70_000)

    done = runner.run(".ci/comment 7 regress.md")

    assert done.returncode == 0, done.stderr
    assert runner.forge.read_bytes().decode().count("–") == 39_999


def history(runner: Runner) -> set[str]:
    names = git(runner.origin, "ls-tree", "-r", "--name-only", "history")
    return set(names.splitlines())


def kept(run: str) -> set[str]:
    return {f"{run}/run.json", f"{run}/charts/throughput.svg"}


def test_each_night_is_appended_to_the_branch_without_its_histograms(runner: Runner) -> None:
    first = "20260302T021700Z-quick"
    assert runner.run(".ci/history push night").returncode == 0
    assert history(runner) == kept(first)

    second = "20260303T021700Z-quick"
    shutil.move(runner.checkout / "night" / first, runner.checkout / "night" / second)
    git(runner.checkout, "fetch", "--quiet", "origin")
    done = runner.run(".ci/history push night")

    assert done.returncode == 0, done.stderr
    assert history(runner) == kept(first) | kept(second)
    assert len(git(runner.origin, "log", "--format=%H", "history").splitlines()) == 2


def test_what_is_compared_holds_the_nights_before_and_changes_no_branch(runner: Runner) -> None:
    assert runner.run(".ci/history push night").returncode == 0
    git(runner.checkout, "fetch", "--quiet", "origin")
    newest = runner.checkout / "results" / "nightly"
    shutil.move(newest / "20260302T021700Z-quick", newest / "20260303T021700Z-quick")

    done = runner.run(".ci/history collect results/nightly history")

    assert done.returncode == 0, done.stderr
    assert sorted(path.parent.name for path in runner.checkout.glob("history/*/run.json")) == [
        "20260302T021700Z-quick",
        "20260303T021700Z-quick",
    ]
    assert history(runner) == kept("20260302T021700Z-quick")


def test_the_newest_four_hundred_nights_are_kept(runner: Runner) -> None:
    for number in range(400):
        runner.write(f"night/2025{number:04}T021700Z-quick/run.json")

    done = runner.run(".ci/history push night")

    assert done.returncode == 0, done.stderr
    runs = {name.partition("/")[0] for name in history(runner)}
    assert len(runs) == 400
    assert "20250000T021700Z-quick" not in runs
    assert {"20250001T021700Z-quick", "20260302T021700Z-quick"} <= runs


@pytest.mark.parametrize(
    ("code", "verdict"), [(0, "pass"), (1, "fail"), (2, "unknown"), (3, "unknown")]
)
def test_the_action_tells_how_it_ended_and_where_the_report_is(
    code: int, verdict: str, runner: Runner
) -> None:
    answer(
        runner,
        f"mkdir -p outboxbench-regress; echo Told. > outboxbench-regress/regress.md\nexit {code}",
    )

    done = runner.run(REGRESS, **INPUTS)

    assert done.returncode == code
    assert runner.output.read_text().splitlines() == [
        f"exit-code={code}",
        f"verdict={verdict}",
        "markdown=outboxbench-regress/regress.md",
    ]
    assert runner.summary.read_text() == "Told.\n"


def test_the_action_names_no_report_where_there_is_none(runner: Runner) -> None:
    answer(runner, "exit 3")

    assert runner.run(REGRESS, **INPUTS).returncode == 3
    assert runner.output.read_text().endswith("markdown=\n")
    assert runner.summary.read_text() == ""


def answer(runner: Runner, body: str) -> None:
    runner.stand_in("outboxbench", body)
    shutil.copy(runner.program("outboxbench"), runner.installed("outboxbench"))


@pytest.mark.parametrize(
    ("inputs", "base", "strict"),
    [
        ({}, "v1", False),
        ({"BASE": "", "GITHUB_BASE_REF": "main"}, "origin/main", False),
        ({"STRICT": "true"}, "v1", True),
    ],
)
def test_the_action_hands_its_inputs_on(
    inputs: dict[str, str], base: str, strict: bool, runner: Runner
) -> None:
    assert runner.run(REGRESS, **{**INPUTS, **inputs}).returncode == 0

    (words,) = runner.calls
    assert words[words.index("--base") + 1] == base
    assert ("--strict" in words) is strict


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"BASE": ""}, "this is no pull request, so say what to compare with: set the input base"),
        ({"STRICT": "yes"}, "the input strict cannot be 'yes': it is true or false"),
    ],
)
def test_inputs_of_the_action_that_cannot_be_are_refused(
    inputs: dict[str, str], told: str, runner: Runner
) -> None:
    done = runner.run(REGRESS, **{**INPUTS, **inputs})

    assert done.returncode == 2
    assert done.stderr == f"outboxbench: {told}\n"
    assert runner.calls == []


def test_a_tag_that_is_not_the_version_that_was_built_is_refused(runner: Runner) -> None:
    done = runner.run(".ci/check-version v999.9.9")

    assert done.returncode == 1
    assert done.stderr == (
        "outboxbench: the tag v999.9.9 is not the version that was built,"
        f" {WHEEL}: tag what pyproject.toml says\n"
    )


def test_a_version_that_the_changelog_does_not_tell_of_is_refused(runner: Runner) -> None:
    runner.write("dist/outboxbench-999.0.0-py3-none-any.whl")

    done = runner.run(".ci/check-version v999.0.0")

    assert done.returncode == 1
    assert done.stderr == (
        "outboxbench: CHANGELOG.md does not tell of 999.0.0: add a section of that name\n"
    )
