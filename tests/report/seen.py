"""What can be seen of a figure: its texts, which of them cover each other, and its lines."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.text import Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


def texts(figure: Figure) -> list[Text]:
    """Every text that can be seen."""
    found = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    unseen = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
        for label in (tick.label1, tick.label2)
    }
    return [text for text in found if text.get_text() and text.get_visible() and text not in unseen]


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in texts(figure))


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that cover each other, and texts that leave the figure."""
    figure.draw_without_rendering()
    # Text's own extent: an annotation's includes its line.
    boxes = [(text.get_text(), Text.get_window_extent(text)) for text in texts(figure)]
    covering = [(a, b) for (a, box), (b, other) in combinations(boxes, 2) if box.overlaps(other)]
    outside = [
        (text, "outside")
        for text, box in boxes
        if box.x0 < 0
        or box.y0 < 0
        or box.x1 > figure.bbox.width + 1
        or box.y1 > figure.bbox.height + 1
    ]
    return covering + outside


def xs(line: Line2D) -> list[float]:
    return [float(value) for value in np.asarray(line.get_xdata())]


def ys(line: Line2D) -> list[float]:
    return [float(value) for value in np.asarray(line.get_ydata())]
