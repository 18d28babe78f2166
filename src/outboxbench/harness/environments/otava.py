"""Change points by Apache Otava, in an environment of its own: it pins an older numpy than ours."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from outboxbench.harness.environments.building import build_environment
from outboxbench.harness.errors import CannotRun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REQUIREMENT: Final = "apache-otava==0.8.0"
OPTIONS: Final = {"window_len": 50, "max_pvalue": 0.001, "min_magnitude": 0.05}
"""Otava's own, and that less than 5% counts as no difference, as it does between two runs."""

_SCRIPT: Final = Path(__file__).with_name("otava_script.py")


def change_points(
    series: Sequence[Sequence[float]], *, observe: Callable[[str], None]
) -> list[list[int]]:
    """Return, for each series, the indexes of the first values after a change, ascending.

    Args:
        series: values in the order of time, each list with two or more.
        observe: is told before Otava is installed, which takes minutes and happens once.

    Raises:
        CannotRun: Otava cannot be installed, or gave no answer.
    """
    python = build_environment([REQUIREMENT], observe=observe)
    done = subprocess.run(
        [python, "-I", _SCRIPT],
        input=json.dumps({"series": [list(values) for values in series], "options": OPTIONS}),
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found: list[list[int]] = json.loads(done.stdout)["change_points"]
    except (ValueError, KeyError, TypeError):
        lines = done.stderr.strip().splitlines()
        reason = lines[-1] if lines else f"exit status {done.returncode}"
        raise CannotRun(
            f"{REQUIREMENT} gave no answer ({reason}): remove {python.parents[1]} to have it"
            " installed again"
        ) from None
    return found
