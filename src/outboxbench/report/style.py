"""How every chart looks: one colour a strategy, one marker a library, one line style a driver.

The colours are Okabe and Ito's, which colour-blind readers tell apart. Nothing is said by colour
alone: markers, hatches and line styles say it again, for print.
"""

from __future__ import annotations

import contextlib
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from outboxbench.results.document import Loop, Verdict
    from outboxbench.results.model import Arm

INK: Final = "#1a1a1a"
FAINT: Final = "#6b6b6b"
GRID: Final = "#dcdcdc"
ALARM: Final = "#b00020"
DOUBT_HATCH: Final = "xxx"


LineStyle = Literal["-", "--", "-.", ":"] | tuple[float, tuple[float, ...]]
"""A named line style, or an offset and lengths on and off, in points."""

Fill = Literal["full", "none", "left", "top"]
"""Which part of a marker is filled."""


@dataclass(frozen=True, slots=True)
class StrategyLook:
    """What tells a strategy from the others in every chart."""

    colour: str
    marker: str
    line: LineStyle


_BUILT_IN = {
    "asyncpg": StrategyLook("#0072B2", "o", "-"),
    "psycopg": StrategyLook("#D55E00", "o", "--"),
    "core-asyncpg": StrategyLook("#56B4E9", "s", "-"),
    "core-psycopg": StrategyLook("#E69F00", "s", "--"),
    "asyncpg-single": StrategyLook("#004C7A", "o", "-"),
    "asyncpg-group": StrategyLook("#6A51A3", "o", "-"),
    "psycopg-single": StrategyLook("#8C3D00", "o", "--"),
    "psycopg-pipeline": StrategyLook("#B8860B", "o", "--"),
    "psycopg-group": StrategyLook("#A50F15", "o", "--"),
    "core-asyncpg-single": StrategyLook("#2B8CA3", "s", "-"),
    "orm-asyncpg": StrategyLook("#009E73", "^", "-"),
    "orm-psycopg": StrategyLook("#CC79A7", "^", "--"),
    "memory": StrategyLook("#999999", "P", ":"),
}
CEILING: Final = StrategyLook(INK, "D", (0, (5, 2)))

_MARKER_MEANINGS = {"o": "driver alone", "s": "SQLAlchemy Core", "^": "SQLAlchemy ORM"}
_OTHER_LAYER = "others"
LAYERS: Final = (*_MARKER_MEANINGS.values(), _OTHER_LAYER)
"""From the one that does least; strategies that are not ours are beside them."""

_LINE_MEANINGS: dict[LineStyle, str] = {"-": "asyncpg", "--": "psycopg"}

# For strategies of third parties: darker than the built-in ones, and with other markers.
_OTHER_COLOURS = ("#332288", "#882255", "#117733", "#661100", "#7a6a00", "#aa4499")
_OTHER_MARKERS = ("v", "X", "*", "h", "<", ">", "p")


_PALEST, _DARKEST, _SHADES = 93.0, 18.0, 256
_HUE_DEGREES = 265.0
_CHROMA = 45.0
_D65 = np.array([0.95047, 1.0, 1.08883])
_XYZ_TO_RGB = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)


@contextlib.contextmanager
def applied() -> Iterator[None]:
    """Draw and save in the common style; matplotlib's settings are as before afterwards."""
    with mpl.rc_context(
        {
            "axes.axisbelow": True,
            "axes.edgecolor": FAINT,
            "axes.grid": True,
            "axes.labelcolor": INK,
            "axes.spines.left": False,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlelocation": "left",
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "figure.facecolor": "white",
            "font.family": "DejaVu Sans",
            "font.size": 10,
            "grid.color": GRID,
            "grid.linewidth": 0.8,
            "hatch.linewidth": 1.2,
            "savefig.facecolor": "white",
            "svg.fonttype": "path",
            # The ids in an SVG come from this salt: the same run draws the same bytes.
            "svg.hashsalt": "outboxbench",
            # A name with a dollar sign is a name, not a formula.
            "text.parse_math": False,
            "xtick.color": FAINT,
            "xtick.labelcolor": INK,
            "ytick.color": FAINT,
            "ytick.labelcolor": INK,
        }
    ):
        yield


@lru_cache(maxsize=1)
def heat() -> ListedColormap:
    """One hue from pale to dark, in equal steps of CIELAB: equal steps look equal, also in grey."""
    lightness = np.linspace(_PALEST, _DARKEST, _SHADES)
    # The chroma is greatest in the middle, as neither a pale nor a dark blue can have much.
    chroma = _CHROMA * np.sin(np.pi * (100 - lightness) / 100)
    hue = np.radians(_HUE_DEGREES)
    return ListedColormap(_srgb(lightness, chroma * np.cos(hue), chroma * np.sin(hue)), "heat")


def _srgb(
    lightness: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]
) -> NDArray[np.float64]:
    """CIELAB under D65 as sRGB, one row a colour."""
    y = (lightness + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200])
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * _D65[:, np.newaxis]
    linear = np.clip(_XYZ_TO_RGB @ xyz, 0, 1)
    gamma = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    colours: NDArray[np.float64] = np.clip(gamma, 0, 1).T
    return colours


def look(arm: Arm) -> StrategyLook:
    """The look of an arm's strategy, the same in every chart of every run."""
    return CEILING if arm.role == "ceiling" else look_of(arm.strategy)


def look_of(strategy: str) -> StrategyLook:
    """The look of a strategy by its name, the same in every chart of every run.

    One that is not ours gets it from its name, so that it does not depend on which others took
    part; two such may share a colour, seldom also a marker.
    """
    if known := _BUILT_IN.get(strategy):
        return known
    digest = zlib.crc32(strategy.encode())
    return StrategyLook(
        colour=_pick(_OTHER_COLOURS, digest),
        marker=_pick(_OTHER_MARKERS, digest),
        line="-.",
    )


def layer_of(strategy: str) -> str:
    """What stands between an application and the server, one of `LAYERS`."""
    return _MARKER_MEANINGS.get(look_of(strategy).marker, _OTHER_LAYER)


def key(arms: Iterable[Arm]) -> list[Line2D]:
    """What shapes and line styles mean, as far as they occur: in print there are no colours."""
    return _key([look(arm) for arm in arms])


def strategy_key(strategies: Iterable[str]) -> list[Line2D]:
    """What shapes and line styles mean, as far as these strategies have them."""
    return _key([look_of(strategy) for strategy in strategies])


def _key(looks: Sequence[StrategyLook]) -> list[Line2D]:
    shapes = [
        Line2D([], [], linestyle="none", marker=marker, color=FAINT, label=meaning)
        for marker, meaning in _MARKER_MEANINGS.items()
        if any(used.marker == marker for used in looks)
    ]
    strokes = [
        Line2D([], [], linestyle=line, linewidth=1.8, color=FAINT, label=meaning)
        for line, meaning in _LINE_MEANINGS.items()
        if any(used.line == line for used in looks)
    ]
    return [*shapes, *strokes]


def hatch(loop: Loop | None) -> str:
    """Plain for uvloop, hatched for asyncio."""
    return "////" if loop == "asyncio" else ""


def verdict_text(verdict: Verdict) -> str:
    """The verdict as it stands beside a figure; one that must not be trusted is marked."""
    return {"pass": "pass", "fail": "✗ FAIL", "unknown": "? unknown"}[verdict]


def _pick(choices: Sequence[str], digest: int) -> str:
    return choices[digest % len(choices)]
