"""The workflows and actions of this project, and a place where their scripts run."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

VERSION = version("outboxbench")
WHEEL = f"outboxbench-{VERSION}-py3-none-any.whl"
CHECKOUT = Path(__file__).parents[2]
WORKFLOWS = sorted((CHECKOUT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((CHECKOUT / ".github" / "actions").glob("*/action.yml"))
FILES = (*WORKFLOWS, *ACTIONS)
SCRIPTS = sorted(
    path
    for folder in (CHECKOUT / ".ci", *(action.parent for action in ACTIONS))
    for path in folder.iterdir()
    if not path.suffix
)

VALUES = {
    "github.base_ref": "main",
    "github.event.pull_request.number": "7",
    "github.token": "a-token",
    "inputs.base": "origin/main",
    "inputs.budget": "10m",
    "inputs.strict": "true",
    "inputs.suite": "ci",
    "inputs.suite || 'quick'": "quick",
    "steps.python.outputs.python-path": "python3",
}
"""What the expressions in `env` come to, in one case."""

STAND_INS = {
    # What it is asked is checked afterwards; one file a call, a word a line.
    "outboxbench": 'printf "%s\\n" "$@" > "$(mktemp "$CALLS/XXXXXX")"',
    # The targets are those of the Makefile; nothing is made.
    "make": 'exec /usr/bin/env -i PATH=/usr/bin:/bin make --dry-run --silent -f "$MAKEFILE" "$@"',
    "gh": 'echo "$@" >> "$FORGE"',
    # It makes environments whose programs are these.
    "python3": 'if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$STAND_INS"/* "$3/bin"; fi',
    "python": "exit 0",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A step with a script, and where it stands."""

    file: Path
    name: str
    script: str
    variables: dict[str, str]

    def __str__(self) -> str:
        return f"{self.file.parent.name}/{self.file.stem}: {self.name}"


def load(file: Path | str) -> dict[str, Any]:
    """Read YAML of a path or a text; `on` stays a word."""
    document: dict[str, Any] = YAML(typ="safe").load(file)
    return document


def steps_of(file: Path) -> list[Step]:
    """Return all steps that run a script."""
    document = load(file)
    parts = [document["runs"]] if "runs" in document else list(document["jobs"].values())
    return [
        Step(file, step["name"], step["run"], step.get("env", {}))
        for part in parts
        for step in part["steps"]
        if "run" in step
    ]


class Runner:
    """Runs scripts as a runner would: in a checkout of their own, with nothing real to talk to.

    Args:
        folder: an empty one, for everything that they read and write.
    """

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "checkout"
        self.origin = folder / "origin.git"
        self._calls = folder / "calls"
        self.summary, self.output, self.forge = (
            folder / name for name in ("summary", "output", "forge")
        )
        self._stand_ins, self._temporary = folder / "bin", folder / "temporary"
        for each in (self._calls, self._stand_ins, self._temporary):
            each.mkdir()
        for each in (self.summary, self.output, self.forge):
            each.touch()
        for name, body in STAND_INS.items():
            self.stand_in(name, body)
        self._check_out()
        for program in (self.checkout / ".venv", self._temporary / "outboxbench"):
            shutil.copytree(self._stand_ins, program / "bin")

    def _check_out(self) -> None:
        git(self.origin.parent, "init", "--quiet", "--bare", str(self.origin))
        git(self.origin.parent, "clone", "--quiet", str(self.origin), str(self.checkout))
        shutil.copytree(CHECKOUT / ".ci", self.checkout / ".ci")
        for name in ("constraints.txt", "CHANGELOG.md", "pyproject.toml"):
            shutil.copy(CHECKOUT / name, self.checkout)
        for name in ("regress.md", "regress/regress.md", f"dist/{WHEEL}"):
            self.write(name)
        for run in ("results/nightly/20260302T021700Z-quick", "night/20260302T021700Z-quick"):
            for name in ("run.json", "charts/throughput.svg", "histograms/asyncpg.hlog"):
                self.write(f"{run}/{name}")
        git(self.checkout, "add", "--all")
        git(self.checkout, "commit", "--quiet", "--message", "All of it")

    def write(self, name: str, text: str = "What stands there.\n") -> None:
        """Have a file in the checkout, by its path there."""
        path = self.checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    @property
    def calls(self) -> list[list[str]]:
        """The words of each call of outboxbench."""
        return [path.read_text().splitlines() for path in sorted(self._calls.iterdir())]

    def program(self, name: str) -> Path:
        """Where the one is that is found by its name."""
        return self._stand_ins / name

    def installed(self, name: str) -> Path:
        """Where the action installs it."""
        return self._temporary / "outboxbench" / "bin" / name

    def stand_in(self, name: str, body: str) -> None:
        """Have this take the place of a program."""
        path = self._stand_ins / name
        path.write_text(f"#!/usr/bin/env bash\nset -eu\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def run(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a script with `bash -eo pipefail`, in the checkout."""
        return subprocess.run(
            ["/usr/bin/env", "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.checkout,
            env={
                "PATH": f"{self._stand_ins}:/usr/bin:/bin",
                "HOME": str(self._temporary),
                "CALLS": str(self._calls),
                "FORGE": str(self.forge),
                "MAKEFILE": str(CHECKOUT / "Makefile"),
                "STAND_INS": str(self._stand_ins),
                "RUNNER_TEMP": str(self._temporary),
                "TMPDIR": str(self._temporary),
                "GITHUB_REF_NAME": f"v{VERSION}",
                "GITHUB_REPOSITORY": "somebody/something",
                "GITHUB_ACTION_PATH": str(ACTIONS[0].parent),
                "GITHUB_STEP_SUMMARY": str(self.summary),
                "GITHUB_OUTPUT": str(self.output),
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def run_step(self, step: Step) -> subprocess.CompletedProcess[str]:
        """Run a step's script with the variables that it is given."""
        given = {
            name: re.sub(r"\$\{\{ (.+?) \}\}", lambda found: VALUES[found[1]], value)
            for name, value in step.variables.items()
        }
        return self.run(step.script, **given)


def git(folder: Path, *words: str) -> str:
    """Return what git says."""
    return subprocess.run(
        [
            "/usr/bin/env",
            "git",
            "-c",
            "user.name=somebody",
            "-c",
            "user.email=some@body.example",
            *words,
        ],
        cwd=folder,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
