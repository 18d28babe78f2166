"""Asks an interpreter about itself, and about what it would import."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, Final

from outboxbench.harness.errors import CannotRun

if TYPE_CHECKING:
    from outboxbench.harness.environments.worker_environment import WorkerEnvironment

_PATIENCE_S: Final = 120.0


def ask(environment: WorkerEnvironment, script: str, *arguments: str) -> Any:
    """Return what a script prints there, which must be one document of JSON.

    Raises:
        CannotRun: the script fails, with the last line that it told on standard error.
    """
    try:
        done = subprocess.run(
            [environment.interpreter, "-c", script, *arguments],
            env=environment.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotRun(
            f"the environment {environment.name} does not answer ({error}): remove "
            f"{environment.interpreter.parents[1]} and try again"
        ) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise CannotRun(
            f"the environment {environment.name} cannot run this package ({lines[-1]}): "
            "take versions that it works with"
        )
    return json.loads(done.stdout)
