"""A calibration on the terminal: the noise of each metric, and how many rounds an effect takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table
from rich.text import Text

from outboxbench.analysis.noise import ROUNDS_GRID, margin, rounds_to_see
from outboxbench.report.numbers import METRIC_NAMES

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from outboxbench.results.noise import MetricNoise, Noise

EFFECTS: Final = (0.05, 0.10, 0.20)
USUAL_ROUNDS: Final = 12


def print_noise(console: Console, noise: Noise, file: Path) -> None:
    """Print what differs between two arms that differ in nothing."""
    console.print(_noise_table(noise))
    console.print(
        Text(
            "block σ: of one arm's blocks; paired σ: of the ratios of a round; drift: first to last"
            f" round;\nδ: 95% of A/A runs of {USUAL_ROUNDS} rounds differ by less, and never below"
            " 5%",
            style="dim",
        )
    )
    console.print()
    console.print(_rounds_table(noise))
    console.print(
        Text(
            "seen: the 95% interval excludes no effect; called: it is judged a regression, so it is"
            "\ngreater than δ. Each in 90% of runs. –: not with "
            f"{ROUNDS_GRID[-1]} rounds, or not above δ.",
            style="dim",
        )
    )
    console.print()
    console.print(Text(f"Later runs on this machine take their δ from {file}."), soft_wrap=True)


def _noise_table(noise: Noise) -> Table:
    table = _table(
        f"noise of {noise.strategy}, {noise.loop}, {noise.workload}, {noise.clients} clients: "
        f"{noise.rounds} rounds of {noise.window_s:g} s",
        ("block σ", "paired σ", "drift", f"δ at {USUAL_ROUNDS}"),
    )
    for metric, measured in noise.metrics.items():
        table.add_row(
            METRIC_NAMES[metric],
            f"{measured.block_sigma:.1%}",
            f"{measured.paired_sigma:.1%}",
            f"{measured.drift:+.1%}",
            f"{margin(measured, USUAL_ROUNDS):.1%}",
        )
    return table


def _rounds_table(noise: Noise) -> Table:
    table = _table(
        "rounds that it takes",
        tuple(f"{effect:.0%}\n{verb}" for effect in EFFECTS for verb in ("seen", "called")),
    )
    for metric, measured in noise.metrics.items():
        table.add_row(METRIC_NAMES[metric], *_rounds(measured))
    return table


def _rounds(measured: MetricNoise) -> list[str]:
    needed = [rounds_to_see(measured, effect) for effect in EFFECTS]
    return ["–" if rounds is None else str(rounds) for each in needed for rounds in each]


def _table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    table.add_column("metric", vertical="bottom")
    for column in columns:
        table.add_column(column, justify="right", vertical="bottom")
    return table
