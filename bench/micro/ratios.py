"""Holds a run of the benchmarks against `baseline.json`: ratios and counts, no machine's times.

Each figure is CPU time of the fastest round over that of the fastest of many loops in Python, which
were run right before and after it. Another machine is slower or faster at both, mostly; and whoever
else uses the machine takes no CPU time of ours.

    pytest bench/micro --benchmark-enable --benchmark-json .benchmarks/micro.json
    python bench/micro/ratios.py .benchmarks/micro.json [--write]

Of several runs the geometric means are taken: a baseline is worth two or three.

Ends with 1 where a ratio is more than twice its baseline or a count differs at all, with 2 where
there is nothing to compare.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import geometric_mean
from typing import Any

BASELINE = Path(__file__).with_name("baseline.json")
TOLERANCE = 1.3
"""Further off than that, either way, is told."""

WORST = 2.0
"""Slower than that is an error: no machine explains it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What a benchmark came to; `ratio` is its time over that of the loop."""

    ratio: float
    counts: dict[str, float]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a run and the baseline differ."""

    name: str
    words: str
    is_error: bool = False


def figures_of(run: dict[str, Any]) -> dict[str, Figure]:
    """Return the figures of a run as pytest-benchmark has written it.

    Raises:
        KeyError: it is none.
    """
    figures = {}
    for each in run["benchmarks"]:
        noted = each["extra_info"]
        if "reference_s" in noted:
            ratio = each["stats"]["min"] / noted["reference_s"]
            figures[each["name"]] = Figure(float(f"{ratio:.3g}"), noted.get("counts", {}))
    return figures


def means_of(runs: list[dict[str, Figure]]) -> dict[str, Figure]:
    """Return the figures of the first run, each ratio the geometric mean over the runs with it."""
    return {
        name: Figure(
            float(f"{geometric_mean(run[name].ratio for run in runs if name in run):.3g}"),
            figure.counts,
        )
        for name, figure in runs[0].items()
    }


def differences(baseline: dict[str, Figure], measured: dict[str, Figure]) -> list[Difference]:
    """Return what is worth telling, in the order of the baseline."""
    found = []
    for name, was in baseline.items():
        now = measured.get(name)
        if now is None:
            found.append(Difference(name, "was not run"))
            continue
        if now.counts != was.counts:
            words = f"counts {now.counts}, and {was.counts} in the baseline"
            found.append(Difference(name, words, is_error=True))
        factor = now.ratio / was.ratio
        if not 1 / TOLERANCE <= factor <= TOLERANCE:
            words = (
                f"took {now.ratio:g} loops, and {was.ratio:g} in the baseline: "
                f"{factor:.2f} times as much"
            )
            found.append(Difference(name, words, is_error=factor > WORST))
    new = [name for name in measured if name not in baseline]
    return found + [Difference(name, "is not in the baseline yet: --write adds it") for name in new]


def read_baseline(path: Path) -> dict[str, Figure]:
    """Read figures back."""
    return {name: Figure(**figure) for name, figure in json.loads(path.read_text("utf-8")).items()}


def write_baseline(path: Path, figures: dict[str, Figure]) -> None:
    """Write figures, one benchmark a line."""
    lines = [f"  {json.dumps(name)}: {json.dumps(asdict(each))}" for name, each in figures.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main() -> int:
    """Compare, or write; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="what --benchmark-json has written")
    parser.add_argument("--baseline", type=Path, default=BASELINE)
    parser.add_argument("--write", action="store_true", help="make this run the baseline")
    arguments = parser.parse_args()
    try:
        measured = means_of(
            [figures_of(json.loads(run.read_text(encoding="utf-8"))) for run in arguments.runs]
        )
        baseline = {} if arguments.write else read_baseline(arguments.baseline)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(
            f"there is nothing to compare ({error}): run `make bench-micro`, or pytest with "
            f"--benchmark-enable --benchmark-json {arguments.runs[0]}",
            file=sys.stderr,
        )
        return 2
    if arguments.write:
        write_baseline(arguments.baseline, measured)
        print(f"{len(measured)} benchmarks are the baseline now: {arguments.baseline}")
        return 0
    found = differences(baseline, measured)
    for each in found:
        print(f"{'ERROR' if each.is_error else 'note'}: {each.name} {each.words}")
    errors = sum(each.is_error for each in found)
    print(
        f"{len(measured)} benchmarks against {arguments.baseline.name}: {errors} beyond a factor "
        f"of {WORST:g} or with other counts, {len(found) - errors} notes (tolerance {TOLERANCE:g})"
    )
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
