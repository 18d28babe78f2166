"""Rounds in which every contestant drains once, the table of what came out, and ratios."""

from __future__ import annotations

from argparse import ArgumentParser
from importlib.metadata import version
from math import log
from statistics import median
from textwrap import fill
from typing import TYPE_CHECKING

from outboxbench.analysis.intervals import Paired

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from random import Random

    from arena import Contestant, Result


def options_of(doc: str) -> Namespace:
    """Read the command line of a script that holds a contest."""
    parser = ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def compete(
    drain: Callable[[Contestant], Result],
    contestants: Sequence[Contestant],
    rounds: int,
    order: Random,
) -> dict[Contestant, list[Result]]:
    """Let each drain once a round, in random order: what drifts on the machine meets all alike."""
    results: dict[Contestant, list[Result]] = {each: [] for each in contestants}
    for number in range(rounds):
        for contestant in order.sample(contestants, len(contestants)):
            results[contestant].append(drain(contestant))
        print(f"  round {number + 1} of {rounds} done", flush=True)
    return results


def print_versions(server_version: str, libraries: Iterable[str]) -> None:
    """Print what took part."""
    versions = ", ".join(f"{library} {version(library)}" for library in libraries)
    print(fill(f"PostgreSQL {server_version}, {versions}", width=80))


def print_table(results: Mapping[Contestant, Sequence[Result]]) -> bool:
    """Print a row for each contestant; return whether everybody handled everything."""
    print(f"{'contestant':28}{'messages':>9}{'per s':>9}{'min':>9}{'max':>9}{'CPU µs':>8} verdict")
    sound = True
    for contestant, each in results.items():
        rates = [contestant.messages / result.seconds for result in each]
        passed = all(result.is_whole(contestant) for result in each)
        sound = sound and passed
        print(
            f"{contestant.name:28}{contestant.messages:>9,}{median(rates):>9,.0f}{min(rates):>9,.0f}"
            f"{max(rates):>9,.0f}"
            f"{median(result.cpu_s for result in each) * 1e6 / contestant.messages:>8.1f}"
            f" {'pass' if passed else 'FAIL'}"
        )
    return sound


def print_ratios(results: Mapping[Contestant, Sequence[Result]], peer: Contestant) -> None:
    """Print how many times as fast as a peer each of ours is, with 95% intervals."""
    for contestant, ours in results.items():
        if contestant.plan is not None and len(ours) > 1:
            ratio = Paired(
                tuple(
                    log(contestant.messages / our.seconds) - log(peer.messages / their.seconds)
                    for our, their in zip(ours, results[peer], strict=True)
                )
            )
            mean, low, high = ratio.mean().t_interval()
            print(f"{contestant.name} / {peer.name}: {mean:.2f} [{low:.2f}, {high:.2f}]")
