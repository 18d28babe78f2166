"""The child's side of its conversation with the harness: an event a line, as JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def say(event: str, **fields: Any) -> None:
    """Tell the harness that something has happened."""
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def exit_code_of(work: Callable[[], None]) -> int:
    """Do the work; what goes wrong is said, and the harness makes it the user's sentence."""
    try:
        work()
    except Exception as error:
        say("error", message=_with_causes(error))
        return 1
    return 0


def _with_causes(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_with_causes(each) for each in error.exceptions)
    return f"{type(error).__name__}: {error}"
