"""A package that answers to the name of Apache Otava, for tests that cannot wait for the real one.

It finds a single step, the most significant one, if it is beyond doubt. What it is asked, and how
it answers, is as with Otava; a slow test asks Otava itself.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_ANALYSIS = """
from dataclasses import dataclass
from statistics import fmean, pvariance


class AnalysisOptions:
    def __init__(self):
        self.window_len, self.max_pvalue = 50, 0.001
        self.min_magnitude, self.orig_edivisive = 0.0, False


class Metric:
    pass


@dataclass
class ChangePoint:
    index: int


@dataclass
class AnalyzedSeries:
    change_points: dict


@dataclass
class Series:
    test_name: str
    branch: str
    time: list
    metrics: dict
    data: dict
    attributes: dict

    def analyze(self, options):
        found = {name: self._points(values, options) for name, values in self.data.items()}
        return AnalyzedSeries(found)

    def _points(self, values, options):
        best = max(range(3, len(values) - 2), key=lambda index: _t(values, index))
        share = abs(fmean(values[best:]) / fmean(values[:best]) - 1)
        certain = _t(values, best) > 5 and share > options.min_magnitude
        return [ChangePoint(best)] if certain else []


def _t(values, index):
    one, other = values[:index], values[index:]
    spread = pvariance(one) / len(one) + pvariance(other) / len(other)
    return abs(fmean(one) - fmean(other)) / (spread or 1e-12) ** 0.5
"""


def write_wheel(folder: Path, series: str = _ANALYSIS) -> Path:
    """Write the package into a folder where pip finds it."""
    info = "apache_otava-0.8.0.dist-info"
    records = {
        "otava/__init__.py": "",
        "otava/series.py": series,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: apache-otava\nVersion: 0.8.0\n",
        f"{info}/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
        f"{info}/RECORD": "",
    }
    path = folder / "apache_otava-0.8.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in records.items():
            file.writestr(name, content)
    return path
