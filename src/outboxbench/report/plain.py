"""What a terminal that knows few characters is shown in their place, instead of an error."""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ERRORS: Final = "outboxbench.plain"
"""The name under which codecs know the replacements."""

REPLACEMENTS: Final[Mapping[str, str]] = {
    **dict(zip("▁▂▃▄▅▆▇█", "__..--^^", strict=True)),
    "µ": "u",
    "÷": "/",
    "×": "x",
    "–": "-",
    "—": "-",
    "─": "-",
    "━": "-",
    "…": "~",
    "✓": "+",
    "✗": "x",
    "δ": "d",
    "ρ": "r",
    "σ": "s",
}
"""One character for one, so that columns stay where they are."""


def write_plainly(streams: Iterable[TextIO]) -> None:
    """Have streams write what their encoding has, and replacements for what it has not."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ERRORS)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unknown = error.object[error.start : error.end]
    return "".join(REPLACEMENTS.get(character, "?") for character in unknown), error.end


codecs.register_error(ERRORS, _replaced)
