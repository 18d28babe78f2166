"""Waiting for what rings for nobody: there is nothing but to look again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_PATIENCE_S = 60.0
_LOOK_EVERY_S = 0.005


async def until(condition: Callable[[], bool]) -> None:
    """Return once it holds; raises TimeoutError if that takes a minute."""

    async def is_met() -> bool:
        return condition()

    await until_answered(is_met)


async def until_answered(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return once it is answered with yes; raises TimeoutError if that takes a minute."""
    async with asyncio.timeout(_PATIENCE_S):
        while not await condition():  # noqa: ASYNC110 - nothing rings
            await asyncio.sleep(_LOOK_EVERY_S)
