"""A calibration on the terminal: the noise of each metric, and how many rounds an effect takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from outboxbench.analysis.noise import ROUNDS_GRID, margin, rounds_to_see
from outboxbench.report.figures_table import figures_table
from outboxbench.report.numbers import METRIC_NAMES

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table

    from outboxbench.results.noise import MetricNoise, Noise

EFFECTS: Final = (0.05, 0.10, 0.20)
USUAL_ROUNDS: Final = 12


def print_noise(console: Console, noise: Noise, file: Path) -> None:
    """Print what differs between two arms that differ in nothing; fits 80 columns."""
    console.print(
        Text(
            f"noise of {noise.strategy}, {noise.loop}, {noise.workload}, {noise.clients} clients: "
            f"{noise.rounds} rounds of {noise.window_s:g} s",
            style="bold",
        )
    )
    console.print(_noise_table(noise))
    console.print(
        Text(
            "block σ: of one arm's blocks; paired σ: of the ratios of a round;\n"
            f"drift: first to last; δ: 95% of A/A runs of {USUAL_ROUNDS} rounds differ by less, "
            "\nnever below 5%",
            style="dim",
        )
    )
    console.print()
    console.print(Text("rounds that it takes to see an effect, in 90% of runs", style="bold"))
    console.print(_rounds_table(noise))
    console.print(
        Text(
            "seen: the 95% interval excludes no effect; called: judged a regression, so it\n"
            f"exceeds δ; –: not with {ROUNDS_GRID[-1]} rounds, or not above δ",
            style="dim",
        )
    )
    console.print()
    console.print(Text(f"Later runs on this machine take their δ from {file}."), soft_wrap=True)


def _noise_table(noise: Noise) -> Table:
    table = _table(("block σ", "paired σ", "drift", f"δ at {USUAL_ROUNDS}"))
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
        tuple(f"{effect:.0%}\n{verb}" for effect in EFFECTS for verb in ("seen", "called"))
    )
    for metric, measured in noise.metrics.items():
        table.add_row(METRIC_NAMES[metric], *_rounds(measured))
    return table


def _rounds(measured: MetricNoise) -> list[str]:
    needed = [rounds_to_see(measured, effect) for effect in EFFECTS]
    return ["–" if rounds is None else str(rounds) for each in needed for rounds in each]


def _table(figures: tuple[str, ...]) -> Table:
    return figures_table("", ("metric",), figures, gap=3)
