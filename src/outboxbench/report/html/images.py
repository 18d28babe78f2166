"""Drawings as images inside the file: small ones as SVG, the others as pixels without loss.

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
ALL_SVGS_BYTES: Final = 1_200_000
"""Beyond these, a drawing is shown in pixels where it was drawn in them too."""

_STRIP_PX: Final = 4_000
"""Height of the parts of a long drawing: WebP ends at 16,383 px, and phones before that."""

_EFFORT: Final = 2


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
    """Yield what each chart is shown as; the first ones have the first choice."""
    left_bytes = ALL_SVGS_BYTES
    for chart in charts:
        svg = None if chart.svg is None else chart.svg.encode()
        if svg is not None and (
            chart.png is None or len(svg) <= min(LARGEST_SVG_BYTES, left_bytes)
        ):
            left_bytes -= len(svg)
            yield (ImageStrip(_data_uri("image/svg+xml", svg)),)
        elif chart.png is not None:
            yield tuple(_strips(chart.png))


def _strips(png: bytes) -> Iterator[ImageStrip]:
    with Image.open(io.BytesIO(png)) as whole:
        pixels = whole.convert("RGB")
    for top in range(0, pixels.height, _STRIP_PX):
        strip = pixels.crop((0, top, pixels.width, min(top + _STRIP_PX, pixels.height)))
        file = io.BytesIO()
        # A quarter of the PNG, and the same pixels.
        strip.save(file, "WEBP", lossless=True, method=_EFFORT)
        yield ImageStrip(_data_uri("image/webp", file.getvalue()), strip.width, strip.height)


def _data_uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
