"""What a judge has found wrong: all of it counted, the first few named."""

from __future__ import annotations

from typing import Final

from outboxbench.results.block import Check

NAMED: Final = 3


class Findings:
    """One check in the making."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._named: list[str] = []
        self.count = 0

    def add(self, what: str) -> None:
        """Note something that is wrong."""
        self.count += 1
        if len(self._named) < NAMED:
            self._named.append(what)

    def check(self, what: str, of: int) -> Check:
        """Return the check over `of` things, `what` being those that are wrong."""
        named = f": {', '.join(self._named)}" if self._named else ""
        more = ", …" if self.count > len(self._named) else ""
        return Check.of(
            self._name, passed=not self.count, detail=f"{self.count} of {of} {what}{named}{more}"
        )

    def unknown(self, why: str) -> Check:
        """Return the check that nothing can be said of."""
        return Check(name=self._name, verdict="unknown", detail=why)
