"""Charts of many tables as a grid of small panels, four beside each other.

A row of full panels for each table of a large suite would make pictures metres high, which nobody
looks at and which take longest to draw.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from outboxbench.analysis.comparable import settings_text
from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.charts.ratio_axes import SMALL, write_names

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pydantic import JsonValue

    from outboxbench.analysis.comparable import ComparableArms

TALLEST_IN: Final = 30.0
"""What is taller with full panels is drawn as a grid."""

COLUMNS: Final = 4

_HEADING_IN: Final = 0.55
_AXIS_IN: Final = 0.6
_LEAST_HEIGHT_IN: Final = 1.5
_NAMES_IN: Final = 1.95
_LABELS_IN: Final = 0.5
_GAP_IN: Final = 0.62
_LONGEST_NAME: Final = 30

Item = TypeVar("Item")


class Small(NamedTuple):
    """A small panel. Where it has rows, all panels beside each other have the same ones.

    Panels of the same `heading` stand beside each other; one whose heading no other has stands
    beside others of its profile that are alone, too, with it above itself. `rows` are names with
    what they are ranked by, least on top; `draw` gets the names of all rows.
    """

    heading: str
    arms: ComparableArms
    rows: Mapping[str, float]
    doubtful: frozenset[str]
    draw: Callable[[Axes, Sequence[str]], None]


def lines_of(
    items: Sequence[Item], work: Callable[[Item], Hashable], kind: Callable[[Item], Hashable]
) -> list[list[Item]]:
    """Items of the same work beside each other, four to a line, in their order.

    One that is alone with its work stands beside others of its kind that are, too.
    """
    counts = Counter(map(work, items))
    groups: dict[Hashable, list[Item]] = {}
    for item in items:
        is_alone = counts[work(item)] == 1
        key = (is_alone, kind(item) if is_alone else work(item))
        groups.setdefault(key, []).append(item)
    return [
        group[start : start + COLUMNS]
        for group in groups.values()
        for start in range(0, len(group), COLUMNS)
    ]


def difference(
    settings: Mapping[str, JsonValue], of_line: Sequence[Mapping[str, JsonValue]]
) -> str:
    """The settings in which a panel differs from the others of its line."""
    return settings_text(
        {
            name: value
            for name, value in settings.items()
            if any(other.get(name) != value for other in of_line)
        }
    )


def height_in(panels: Sequence[Small]) -> float:
    """The room that the grid takes."""
    return sum(_line_height_in(line) for line in _lines(panels))


def draw_grid(figure: Figure, panels: Sequence[Small], *, top_in: float) -> None:
    """Draw the panels, those of a line over the same rows."""
    for line in _lines(panels):
        names = _names(line)
        left_in = frame.LEFT_IN + (_NAMES_IN if names else _LABELS_IN)
        step_in = (frame.WIDTH_IN - left_in - 0.1) / COLUMNS
        headings = {panel.heading for panel in line}
        frame.write_heading(figure, line[0].heading if len(headings) == 1 else "", "", at_in=top_in)
        for column, panel in enumerate(line):
            axes = frame.place(
                figure,
                left_in=left_in + column * step_in,
                top_in=top_in + _HEADING_IN,
                width_in=step_in - _GAP_IN,
                height_in=_panel_height_in(names),
            )
            panel.draw(axes, names)
            axes.tick_params(labelsize=SMALL.font)
            settings = [other.arms.settings for other in panels if other.heading == panel.heading]
            axes.set_title(
                frame.shortened(
                    difference(panel.arms.settings, settings)
                    if len(headings) == 1
                    else panel.heading,
                    34,
                ),
                fontsize=8,
                weight="normal",
                color=style.FAINT,
                pad=4,
            )
            if column == 0 and names:
                doubtful = frozenset().union(*(other.doubtful for other in line))
                write_names(
                    axes, [(name, name not in doubtful) for name in names], SMALL, _LONGEST_NAME
                )
        top_in += _line_height_in(line)


def _lines(panels: Sequence[Small]) -> list[list[Small]]:
    return lines_of(panels, lambda panel: panel.heading, lambda panel: panel.arms.profile)


def _names(line: Sequence[Small]) -> list[str]:
    """The rows of all panels of a line, best first by their mean rank."""
    ranks: dict[str, list[float]] = {}
    for panel in line:
        for place, name in enumerate(sorted(panel.rows, key=panel.rows.__getitem__)):
            ranks.setdefault(name, []).append(place)
    return sorted(ranks, key=lambda name: sum(ranks[name]) / len(ranks[name]))


def _panel_height_in(names: Sequence[str]) -> float:
    return SMALL.row_in * len(names) if names else _LEAST_HEIGHT_IN


def _line_height_in(line: Sequence[Small]) -> float:
    return _HEADING_IN + _panel_height_in(_names(line)) + _AXIS_IN
