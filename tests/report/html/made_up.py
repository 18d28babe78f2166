"""Charts, answers and whole runs that a report is made of, made up."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from tests.analysis import runs
from tests.analysis.fault_arms import CHECK
from tests.report import faults
from tests.report.relays import chains, drains

from outboxbench.analysis.answers import Answer
from outboxbench.analysis.two_runs import compare_runs, obstacles
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.html.comparison_page import render_comparison
from outboxbench.report.html.inputs import ComparedRun, ReportChart
from outboxbench.results.block import Check
from outboxbench.results.model import RunWarning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from outboxbench.results.model import Run

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1100 400">'
    '<rect width="1100" height="400" fill="#ffffff"/><text x="20" y="40">{text}</text></svg>'
)


def chart(name: str = "throughput", **changes: Any) -> ReportChart:
    """A chart of two arms, drawn as an SVG where nothing else is said."""
    words: dict[str, Any] = {
        "title": f"Title of {name}",
        "reading": "A longer bar is better.",
        "finding": "asyncpg on uvloop did most.",
        "description": f"All that {name} shows, in words.",
        "data": DataTable(
            ("strategy", "loop", "ok/s", "p99 ms"),
            (("asyncpg", "uvloop", 3020.5, 1.25), ("psycopg", "asyncio", 1650, None)),
        ),
    }
    if "png" not in changes:
        words["svg"] = SVG.format(text=name)
    return ReportChart(name=name, **{**words, **changes})


def png(width: int, height: int, *, marks: int = 0) -> bytes:
    """A white drawing with so many small marks of different colours."""
    random = np.random.default_rng(7)
    pixels = np.full((height, width, 3), 255, dtype=np.uint8)
    for _ in range(marks):
        top, left = random.integers(0, height - 12), random.integers(0, width - 40)
        pixels[top : top + 12, left : left + 40] = random.integers(0, 255, 3)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def noise(width: int, height: int) -> bytes:
    """A drawing of which nothing can be packed: its size is that of its pixels."""
    pixels = np.random.default_rng(7).integers(0, 255, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def answer(**changes: str) -> Answer:
    """An answer to the question of a made-up run."""
    words = {
        "question": "Which of them does most?",
        "sentence": "asyncpg does most: 3,020 commands per second.",
        "grounds": "12 arms over 5 rounds.",
    }
    return Answer(**{**words, **changes})


def faults_run(strategies: int = 4, faults_of_each: int = 2) -> Run:
    """A run of faults whose arms did not all do well."""
    return faults.run(
        *(
            arm.model_copy(update={"checks": (Check(name=CHECK, verdict=arm.verdict, detail="?"),)})
            for arm in faults.many(strategies, faults_of_each)
        )
    )


def relays_run() -> Run:
    """A run of relays alone."""
    return runs.run(relays=(*drains(6), *chains(6)), verdict="fail")


def warning(number: int = 0) -> RunWarning:
    """A reason for doubt."""
    return RunWarning(
        code=f"doubt-{number}", message=f"Doubt {number}.", advice=f"Do something about {number}."
    )


def compared_html(
    base: ComparedRun,
    head: ComparedRun,
) -> str:
    """The page on two runs of a machine that was never calibrated."""
    found = obstacles(base.run, head.run)
    comparisons = () if found.fatal else compare_runs(base.run, head.run, None)
    return render_comparison(base, head, comparisons, found, is_calibrated=False)


def compared(
    name: str,
    run: Run,
    charts: Sequence[ReportChart] = (),
    left_out: Mapping[str, str] | None = None,
) -> ComparedRun:
    """One side of a comparison."""
    return ComparedRun(name, run, tuple(charts), left_out or {})
