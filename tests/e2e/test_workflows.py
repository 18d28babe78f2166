"""The workflows and actions are valid, safe by what they are allowed, and call what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.workflows import (
    ACTIONS,
    CHECKOUT,
    FILES,
    SCRIPTS,
    WORKFLOWS,
    Runner,
    Step,
    load,
    steps_of,
)
from typer.core import TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command

from outboxbench.cli.main import command_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STEPS = [step for file in FILES for step in steps_of(file)]
MORE_THAN_READ = {
    "comment": {"contents": "read", "pull-requests": "write"},
    "keep": {"contents": "write"},
    "publish": {"id-token": "write"},
}
"""The jobs that may do more than read the code, and what."""

PAGE = CHECKOUT / "docs" / "ci.md"


def jobs(file: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load(file)["jobs"]
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_each_is_valid_by_the_schema_of_its_kind(file: Path) -> None:
    assert_valid(file, "github-actions" if file in ACTIONS else "github-workflows")


def test_what_keeps_the_actions_up_to_date_is_valid() -> None:
    assert_valid(CHECKOUT / ".github" / "dependabot.yml", "dependabot")


def assert_valid(file: Path, kind: str) -> None:
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{kind}"),
            str(file),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_every_step_runs_and_calls_outboxbench_as_it_understands(
    step: Step, runner: Runner
) -> None:
    done = runner.run_step(step)

    assert done.returncode == 0, done.stderr
    for words in runner.calls:
        assert_understood(words)


@pytest.mark.parametrize("words", [["no-such-command"], ["run"], ["run", "quick", "--rounds", "x"]])
def test_what_outboxbench_would_not_understand_is_found(words: list[str]) -> None:
    with pytest.raises(TyperException):
        assert_understood(words)


def assert_understood(words: list[str]) -> None:
    """Parse the words as the command line does, and do nothing."""
    if words == ["--version"]:
        return
    command, context = get_command(command_line()), None
    while isinstance(command, TyperGroup):
        context = command.make_context("outboxbench", words[:1], parent=context)
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found
    command.make_context("outboxbench", words, parent=context)


def test_every_step_that_calls_outboxbench_is_seen_to_do_so(runner: Runner) -> None:
    for step in STEPS:
        if re.search(r"bin/outboxbench|/regress\"", step.script):
            before = len(runner.calls)
            runner.run_step(step)
            assert len(runner.calls) > before, step


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_is_one_that_the_shell_can_read_and_run(script: Path) -> None:
    read = subprocess.run(
        ["/usr/bin/env", "bash", "-n", script], capture_output=True, text=True, check=False
    )

    assert read.returncode == 0, read.stderr
    assert script.stat().st_mode & 0o111
    assert "\nset -euo pipefail\n" in script.read_text()


def test_every_script_is_run_by_a_step() -> None:
    told = "".join(step.script for step in STEPS)

    assert [script.name for script in SCRIPTS if f"/{script.name}" not in told] == []


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_no_expression_stands_in_a_script(step: Step) -> None:
    assert "${{" not in step.script


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(file: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", file.read_text())

    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_jobs_may_only_read_unless_they_are_known_to_need_more(file: Path) -> None:
    assert load(file)["permissions"] == {"contents": "read"}
    for name, job in jobs(file).items():
        assert job.get("permissions") == MORE_THAN_READ.get(name), name


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_what_may_write_measures_nothing_and_sets_nothing_up(file: Path) -> None:
    for name in MORE_THAN_READ.keys() & jobs(file).keys():
        scripts = "".join(step.get("run", "") for step in jobs(file)[name]["steps"])
        assert not re.search("make|outboxbench|pip", scripts), name


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_nothing_runs_for_ever_or_beside_itself(file: Path) -> None:
    assert load(file)["concurrency"]["group"]
    for name, job in jobs(file).items():
        assert job["timeout-minutes"] <= 120, name


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_no_secret_is_read_and_none_is_given_to_what_a_fork_sends(file: Path) -> None:
    text = file.read_text()

    assert "secrets." not in text
    assert "pull_request_target" not in text
    assert "workflow_run" not in text


def test_the_checkout_keeps_no_right_to_push_but_where_something_is_pushed() -> None:
    keeping = [
        (file.name, name)
        for file in WORKFLOWS
        for name, job in jobs(file).items()
        for step in job["steps"]
        if step.get("uses", "").startswith("actions/checkout@")
        and step["with"]["persist-credentials"]
    ]

    assert keeping == [("nightly.yml", "keep")]


def test_the_jobs_of_the_page_are_valid_and_use_inputs_and_outputs_that_there_are(
    tmp_path: Path,
) -> None:
    action, shown = load(ACTIONS[0]), list(yaml_in(PAGE.read_text()))

    assert len(shown) >= 1
    for number, text in enumerate(shown):
        file = tmp_path / f"{number}.yml"
        file.write_text(text)
        assert_valid(file, "github-workflows")
        assert set(re.findall(r"steps\.regress\.outputs\.([\w-]+)", text)) <= set(action["outputs"])
        for job in jobs(file).values():
            for step in job["steps"]:
                if "/.github/actions/regress@" in step.get("uses", ""):
                    assert set(step.get("with", {})) <= set(action["inputs"])


def yaml_in(text: str) -> Iterator[str]:
    """The blocks of YAML in Markdown."""
    yield from re.findall(r"^```yaml\n(.+?)^```$", text, re.MULTILINE | re.DOTALL)
