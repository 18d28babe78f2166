"""What every chart is: a module that draws a figure, reads it out, and says what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ParamSpec, Protocol

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from outboxbench.report.charts.data_table import DataTable

P = ParamSpec("P")


class ChartWords(Protocol):
    """What a chart says of itself, whatever the run."""

    TITLE: str
    """As it stands above the figure."""
    SHOWS: str
    """What is drawn, in a clause."""
    NEEDS: str
    """What a run must hold for it, in a clause."""
    READING: str
    """How it is read, in a sentence."""


class Chart(ChartWords, Protocol[P]):
    """A module with a chart; all its functions take the same arguments, the run first."""

    def draw(self, *args: P.args, **kwargs: P.kwargs) -> Figure:
        """Draw it; raises NoDataError where there is nothing to show."""

    def describe(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """All of it in words, for who cannot see it."""

    def finding(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Say in a sentence what it shows here, and how sure that is."""

    def data(self, *args: P.args, **kwargs: P.kwargs) -> DataTable:
        """Return its figures."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart of one run, drawn."""

    title: str
    shows: str
    reading: str
    figure: Figure
    description: str
    finding: str
    data: DataTable


def drawing(chart: Chart[P], suffix: str, *args: P.args, **kwargs: P.kwargs) -> Drawing:
    """Draw a chart and read it out; `suffix` follows its title.

    Raises NoDataError where there is nothing to show.
    """
    # First, as it is what finds out that there is nothing.
    figure = chart.draw(*args, **kwargs)
    return Drawing(
        title=f"{chart.TITLE}{suffix}",
        shows=chart.SHOWS,
        reading=chart.READING,
        figure=figure,
        description=chart.describe(*args, **kwargs),
        finding=chart.finding(*args, **kwargs),
        data=chart.data(*args, **kwargs),
    )
