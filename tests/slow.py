"""Tests of which one parameter is enough for every day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable


def one_is_quick(values: Iterable[Any]) -> list[Any]:
    """Return the values as parameters of a test: all but the first count as slow.

    A tuple is what one test takes for several parameters, or a fixture for one.
    """
    first, *others = values
    return [
        first,
        *(
            pytest.param(*(each if isinstance(each, tuple) else (each,)), marks=pytest.mark.slow)
            for each in others
        ),
    ]
