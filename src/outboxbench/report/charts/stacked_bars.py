"""Bars that are divided into parts: what a cost consists of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.patches import Patch

from outboxbench.report import style

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes

# What a digit of a label inside a part takes.
_DIGIT_IN = 0.078


@dataclass(frozen=True, slots=True)
class Part:
    """How one part looks; hatches tell in print what colours tell on a screen.

    `name` is that of the field whose value it shows.
    """

    name: str
    label: str
    colour: str
    text_colour: str
    hatch: str = ""


def draw_stack(
    axes: Axes,
    row: int,
    values: Iterable[tuple[Part, float | None]],
    *,
    width_in: float,
    trusted: bool,
) -> None:
    """Draw the parts of a bar one after the other; axes of this width have their limits already.

    A part is labelled with its value where it has room for it.
    """
    left = 0.0
    per_in = axes.get_xlim()[1] / width_in
    for part, value in values:
        if not value:
            continue
        axes.barh(
            row,
            value,
            left=left,
            height=0.7,
            color=part.colour if trusted else "white",
            edgecolor="white" if trusted else style.ALARM,
            hatch=part.hatch if trusted else style.DOUBT_HATCH,
            linewidth=0.8,
        )
        text = f"{value:,.0f}"
        if value / per_in > _DIGIT_IN * (len(text) + 0.6):
            axes.text(
                left + value / 2,
                row,
                text,
                ha="center",
                va="center_baseline",
                fontsize=8.5,
                color=part.text_colour,
                bbox=None
                if not part.hatch
                else {"facecolor": part.colour, "edgecolor": "none", "pad": 0.8},
            )
        left += value


def parts_key(parts: Iterable[Part]) -> list[Patch]:
    """What the colours and hatches mean."""
    return [
        Patch(
            facecolor=part.colour,
            edgecolor="white",
            linewidth=0,
            hatch=part.hatch,
            label=part.label,
        )
        for part in parts
    ]
