"""Run by an interpreter that has Apache Otava, and nothing of ours: finds change points.

Standard input is a JSON object with `series`, lists of numbers, and `options`, attributes of
Otava's AnalysisOptions by their names. Standard output is one with `change_points`: for each series
the indexes of the first values after a change.
"""

from __future__ import annotations

import json
import sys

from otava.series import AnalysisOptions, Metric, Series


def main() -> None:
    """Answer what standard input asks."""
    asked = json.load(sys.stdin)
    options = AnalysisOptions()
    for name, value in asked["options"].items():
        # A name that Otava does not know would be ignored.
        getattr(options, name)
        setattr(options, name, value)
    found = [_change_points(values, options) for values in asked["series"]]
    json.dump({"change_points": found}, sys.stdout)


def _change_points(values: list[float], options: AnalysisOptions) -> list[int]:
    series = Series(
        test_name="trend",
        branch=None,
        time=list(range(len(values))),
        metrics={"ratio": Metric()},
        data={"ratio": values},
        attributes={},
    )
    return sorted(int(each.index) for each in series.analyze(options).change_points["ratio"])


main()
