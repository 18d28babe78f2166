"""Verdicts as they stand in a table on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

if TYPE_CHECKING:
    from outboxbench.results.document import Verdict

VERDICTS: Final[dict[Verdict, Text]] = {
    "pass": Text("pass", style="green"),
    "fail": Text("FAIL", style="bold red"),
    "unknown": Text("unknown", style="bold yellow"),
}
