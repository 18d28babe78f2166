"""Finds the setting that a library is fastest with, so that it competes at its best."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from arena import Contestant, Result

FINALISTS: Final = 4
MORE_TRIES: Final = 2


def best_setting(
    drain: Callable[[Contestant], Result], settings: Sequence[Contestant], order: Random
) -> Contestant:
    """Try each setting once and the fastest ones again, in random order; print all tries.

    A single try may have met a quiet moment of the machine, so it only chooses the finalists; among
    those the best median wins.
    """
    print(
        f"{settings[0].library}: {len(settings)} settings with {settings[0].messages:,} messages,"
        f" the best {FINALISTS} thrice",
        flush=True,
    )
    rates: dict[Contestant, list[float]] = {setting: [] for setting in settings}

    def try_all(some: Sequence[Contestant]) -> None:
        for setting in order.sample(some, len(some)):
            result = drain(setting)
            # What is fast because it leaves something undone must not win.
            whole = result.is_whole(setting)
            rates[setting].append(setting.messages / result.seconds if whole else 0.0)

    def by_median(setting: Contestant) -> float:
        return median(rates[setting])

    try_all(settings)
    finalists = sorted(settings, key=by_median, reverse=True)[:FINALISTS]
    for _ in range(MORE_TRIES):
        try_all(finalists)
    best = max(finalists, key=by_median)
    for setting in settings:
        tries = "".join(f"{rate:>10,.0f}" for rate in rates[setting])
        print(f"  {setting.detail:20}{tries:30} per s{', best' if setting == best else ''}")
    return best
