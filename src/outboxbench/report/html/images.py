"""Drawings as images inside the file: small ones as SVG, the others in pixels of few colours.

An SVG stands in an image, not in the page: there its identifiers meet no others, and what a name in
it might smuggle in is neither run nor loaded. Where all drawings together are too much for a file,
the largest of them are made smaller, as far as they can still be read.
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

SCALES: Final = (1.0, 2 / 3, 1 / 2)
"""Of the pixels that were drawn: 1650 in width, of which a page on a wide screen shows 1100."""

_STRIP_PX: Final = 3_960
"""Height of the parts of a long drawing: phones shrink or refuse what is much higher.

At every scale it is a whole number.
"""

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


@dataclass(slots=True)
class _Picture:
    """What a chart is shown as, for now; in pixels it can be made smaller."""

    strips: tuple[ImageStrip, ...]
    png: bytes | None = None
    step: int = 0

    @property
    def size_bytes(self) -> int:
        return sum(len(strip.source) for strip in self.strips)

    @property
    def can_shrink(self) -> bool:
        return self.png is not None and self.step + 1 < len(SCALES)

    def shrink(self) -> None:
        assert self.png is not None
        self.step += 1
        self.strips = tuple(_strips(self.png, SCALES[self.step]))


def images(charts: Sequence[ReportChart]) -> Iterator[tuple[ImageStrip, ...]]:
    """Yield what each chart is shown as, nothing where there is no room left for it.

    The first charts have the first choice.
    """
    pictures = list(_pictures(charts))
    _fit(pictures)
    room_bytes = ALL_IMAGES_BYTES
    for picture in pictures:
        if picture.size_bytes > room_bytes:
            yield ()
        else:
            room_bytes -= picture.size_bytes
            yield picture.strips


def _pictures(charts: Sequence[ReportChart]) -> Iterator[_Picture]:
    svg_room_bytes = ALL_SVGS_BYTES
    for chart in charts:
        svg = None if chart.svg is None else chart.svg.encode()
        if svg is not None and (
            chart.png is None or len(svg) <= min(LARGEST_SVG_BYTES, svg_room_bytes)
        ):
            svg_room_bytes -= len(svg)
            yield _Picture((ImageStrip(_data_uri("image/svg+xml", svg)),))
        elif chart.png is not None:
            yield _Picture(tuple(_strips(chart.png, SCALES[0])), chart.png)


def _fit(pictures: Sequence[_Picture]) -> None:
    """Make the largest smaller, one step at a time, until all fit or none can become smaller."""
    while sum(picture.size_bytes for picture in pictures) > ALL_IMAGES_BYTES:
        candidates = [picture for picture in pictures if picture.can_shrink]
        if not candidates:
            return
        max(candidates, key=lambda picture: picture.size_bytes).shrink()


def _strips(png: bytes, scale: float) -> Iterator[ImageStrip]:
    with Image.open(io.BytesIO(png)) as whole:
        for top in range(0, whole.height, _STRIP_PX):
            strip = whole.crop((0, top, whole.width, min(top + _STRIP_PX, whole.height)))
            colours = strip.convert("RGB")
            if scale < 1:
                size = (round(strip.width * scale), max(round(strip.height * scale), 1))
                colours = colours.resize(size, Image.Resampling.LANCZOS)
            # A third of the size, in a tenth of the time that a better packed format takes; no
            # colour is off by more than the eye can tell.
            few = colours.quantize(_COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
            file = io.BytesIO()
            few.save(file, "PNG")
            yield ImageStrip(_data_uri("image/png", file.getvalue()), few.width, few.height)


def _data_uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
