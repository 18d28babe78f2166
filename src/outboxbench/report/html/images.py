"""Drawings as images inside the file: small ones as SVG, the others in pixels of few colours.

An SVG stands in an image, not in the page: there its identifiers meet no others, and what a name in
it might smuggle in is neither run nor loaded.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from outboxbench.report.html.inputs import ReportChart

LARGEST_SVG_BYTES: Final = 150_000
ALL_SVGS_BYTES: Final = 1_000_000
"""Beyond these, a drawing is shown in pixels where it was drawn in them too."""

ALL_IMAGES_BYTES: Final = 3_700_000
"""Of all data URIs, so that a file stays below 5 MB; what does not fit is in the run folder."""

_STRIP_PX: Final = 4_000
"""Height of the parts of a long drawing: phones shrink or refuse what is much higher."""

_COLOURS: Final = 256


@dataclass(frozen=True, slots=True)
class ImageStrip:
    """A whole drawing, or a part of one that is shown in several below each other.

    Args:
        source: a data URI.
        width: in px where it is known; with the height, what keeps its place while it is decoded.
        height: as the width.
    """

    source: str
    width: int | None = None
    height: int | None = None


def images(charts: Sequence[ReportChart]) -> Iterator[tuple[ImageStrip, ...]]:
    """Yield what each chart is shown as, nothing where there is no room left for it.

    The first charts have the first choice.
    """
    room_bytes, svg_room_bytes = ALL_IMAGES_BYTES, ALL_SVGS_BYTES
    for chart in charts:
        svg = None if chart.svg is None else chart.svg.encode()
        strips: tuple[ImageStrip, ...] = ()
        if svg is not None and (
            chart.png is None or len(svg) <= min(LARGEST_SVG_BYTES, svg_room_bytes)
        ):
            svg_room_bytes -= len(svg)
            strips = (ImageStrip(_data_uri("image/svg+xml", svg)),)
        elif chart.png is not None:
            strips = tuple(_strips(chart.png))
        size_bytes = sum(len(strip.source) for strip in strips)
        if size_bytes > room_bytes:
            yield ()
        else:
            room_bytes -= size_bytes
            yield strips


def _strips(png: bytes) -> Iterator[ImageStrip]:
    with Image.open(io.BytesIO(png)) as whole:
        for top in range(0, whole.height, _STRIP_PX):
            strip = whole.crop((0, top, whole.width, min(top + _STRIP_PX, whole.height)))
            # A third of the size, in a tenth of the time that a better packed format takes; no
            # colour is off by more than the eye can tell.
            few = strip.convert("RGB").quantize(
                _COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
            )
            file = io.BytesIO()
            few.save(file, "PNG")
            yield ImageStrip(_data_uri("image/png", file.getvalue()), few.width, few.height)


def _data_uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
