"""The order in which a round measures its arms: random, and tables in one piece.

A machine that is shared is faster for a minute and slower for the next. Two blocks that are
measured one after the other have most of that in common, two that lie twenty minutes apart nothing,
and a ratio is taken of blocks of the same round. So arms that a table sets against each other are
measured one after the other, in random order, and the tables come in random order, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from random import Random

Arm = TypeVar("Arm")


def random_rounds(
    arms: Sequence[Arm], table_of: Callable[[Arm], Hashable], rounds: int, random: Random
) -> tuple[tuple[Arm, ...], ...]:
    """Draw the order of each round.

    Args:
        arms: what each round measures once.
        table_of: the same for all that are set against each other.
        rounds: how many there are.
        random: what draws; it alone determines the order.
    """
    tables: dict[Hashable, list[Arm]] = {}
    for arm in arms:
        tables.setdefault(table_of(arm), []).append(arm)
    return tuple(
        tuple(
            arm
            for table in random.sample([*tables.values()], len(tables))
            for arm in random.sample(table, len(table))
        )
        for _ in range(rounds)
    )
