"""Faults of the network between clients and server, which the fault proxy makes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.fault import FaultKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from outboxbench.harness.faults.fault import Evidence, Fault
    from outboxbench.harness.faults.scene import Scene

_CUT_TIMEOUT_S: Final = 10.0
_POLL_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class LinkFault:
    """Something that is asked of the proxy, and healed by it.

    `proof` is what the proxy counts that shows it took effect: where that stays 0 nothing did.
    """

    scene: Scene
    request: Mapping[str, Any]
    proof: str

    def inject(self) -> Evidence:
        """Ask for it."""
        return self._proven(self.scene.link.ask(self.request))

    def heal(self) -> Evidence:
        """End it."""
        return self._proven(self.scene.link.ask({"do": "heal"}))

    def _proven(self, answer: Mapping[str, Any]) -> Evidence:
        return dict(answer) if answer.get(self.proof) else {}


@dataclass(frozen=True, slots=True)
class CommitCut:
    """Connections that die at a commit: just before it is forwarded, or before its answer is."""

    scene: Scene
    when: str
    count: int

    def inject(self) -> Evidence:
        """Wait until so many commits were cut.

        Raises:
            CannotRun: no commit comes by.
        """
        link = self.scene.link
        link.ask({"do": "commit-cut", "when": self.when, "count": self.count})
        deadline_s = time.monotonic() + _CUT_TIMEOUT_S
        while (cut := link.ask({"do": "count"})["cut"]) < self.count:
            if time.monotonic() > deadline_s:
                raise CannotRun(
                    f"only {cut} of {self.count} commits came by within {_CUT_TIMEOUT_S:g} s: "
                    "raise rates_per_s in the suite"
                )
            time.sleep(_POLL_S)
        return {"cut": cut, "when": self.when}

    def heal(self) -> Evidence:
        """Cut no more."""
        answer = self.scene.link.ask({"do": "heal"})
        return {"answers_dropped": answer["answers_dropped"]} if answer.get("cut") else {}


def _link_fault(proof: str, **request: Any) -> Callable[[Scene, Random], Fault]:
    """Return what makes a fault of the link, seeded where the request asks for a seed."""

    def make(scene: Scene, random: Random) -> Fault:
        seeded = {"seed": random.getrandbits(32)} if request.get("do") == "latency" else {}
        return LinkFault(scene, {**request, **seeded}, proof)

    return make


def _commit_cut(when: str, count: int) -> Callable[[Scene, Random], Fault]:
    """Return what makes a cut of so many commits."""

    def make(scene: Scene, random: Random) -> Fault:
        del random
        return CommitCut(scene, when, count)

    return make


_AT_ONCE: Final = 4
"""Commits that are cut in one injection, of whichever connections."""

NETWORK_FAULTS: Final = (
    FaultKind(
        "reset",
        "every connection is reset",
        "connections",
        lasts=False,
        depends_on_strategy=True,
        make=_link_fault("connections", do="reset"),
    ),
    FaultKind(
        "black-hole",
        "nothing passes any more, and nobody is told; connections are forgotten for good",
        "connections",
        lasts=True,
        depends_on_strategy=True,
        make=_link_fault("held_bytes", do="black-hole"),
    ),
    FaultKind(
        "stall",
        "nothing passes for a while, and then everything does",
        "connections",
        lasts=True,
        depends_on_strategy=True,
        make=_link_fault("held_bytes", do="stall"),
    ),
    FaultKind(
        "latency",
        "every round trip takes 20 ms longer, and up to 20 ms more",
        "connections",
        lasts=True,
        depends_on_strategy=True,
        make=_link_fault("chunks", do="latency", delay_ms=20, jitter_ms=20),
    ),
    FaultKind(
        "bandwidth",
        "100 kB pass each second in either direction",
        "connections",
        lasts=True,
        depends_on_strategy=True,
        make=_link_fault("waited_s", do="bandwidth", bytes_per_s=100_000),
    ),
    FaultKind(
        "commit-cut-before",
        "connections die just before a commit would reach the server",
        "connections",
        lasts=False,
        depends_on_strategy=True,
        make=_commit_cut("before", _AT_ONCE),
    ),
    FaultKind(
        "commit-cut-after",
        "connections die between a commit and its answer",
        "connections",
        lasts=False,
        depends_on_strategy=True,
        make=_commit_cut("after", _AT_ONCE),
    ),
)
