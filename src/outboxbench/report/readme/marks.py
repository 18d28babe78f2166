"""Marks in a Markdown document, between which its text is made and not written.

`<!-- made: speed -->` begins such a part, `<!-- end of speed -->` ends it.
"""

from __future__ import annotations

import re
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_BEGIN: Final = re.compile(r"<!-- made: (?P<name>[a-z-]+) -->")
_PART: Final = re.compile(rf"{_BEGIN.pattern}\n.*?(?P<end><!-- end of (?P=name) -->)", re.DOTALL)


class MarksError(Exception):
    """The marks of a document do not fit; the message says which one."""


def has_marks(text: str) -> bool:
    """Whether a part of a document is made."""
    return _BEGIN.search(text) is not None


def filled(text: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """Return a document with its parts made anew.

    Raises MarksError where one has no end, or a name that nothing is made for.
    """
    names = [match["name"] for match in _BEGIN.finditer(text)]
    ended = [match["name"] for match in _PART.finditer(text)]
    unknown = (name for name in names if name not in parts)
    unended = (name for name, end in zip_longest(names, ended) if name != end)
    if wrong := next(chain(unknown, unended), None):
        raise MarksError(
            f"the part {wrong!r} is unknown or has no end: parts are"
            f" {', '.join(parts)}, and each ends with <!-- end of NAME -->"
        )
    return _PART.sub(
        lambda match: (
            f"<!-- made: {match['name']} -->\n\n{parts[match['name']]()}\n\n{match['end']}"
        ),
        text,
    )
