"""The regression document, `regression.json`: a checkout against another revision of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pydantic import AwareDatetime, Field, ValidationError

from outboxbench.results.comparison import Decision
from outboxbench.results.document import Document, PositiveFloat
from outboxbench.results.folders import RunReadError

if TYPE_CHECKING:
    from pathlib import Path

REGRESSION_VERSION: Final = 1
REGRESSION_FILE: Final = "regression.json"

GateName = Literal["counts", "correctness", "timing"]


class RevisionNamed(Document):
    """A commit, and what it was called."""

    name: str
    commit: str


class Finding(Document):
    """What one gate found of one thing; ratios are head / base."""

    subject: str = Field(description="an arm, or a command of a strategy")
    metric: str
    decision: Decision
    detail: str
    is_advisory: bool = Field(default=False, description="true where it may not fail a build")
    base_value: float | None = None
    head_value: float | None = None
    unit: str | None = None
    ratio: PositiveFloat | None = None
    low: PositiveFloat | None = None
    high: PositiveFloat | None = None
    margin: PositiveFloat | None = None
    rounds: int | None = None


class Gate(Document):
    """One kind of evidence; `decision` is null where it was not asked."""

    name: GateName
    decision: Decision | None
    detail: str
    seconds: float
    findings: tuple[Finding, ...] = ()


class Regression(Document):
    """What head is, held against base."""

    schema_version: Literal[1] = REGRESSION_VERSION
    base: RevisionNamed
    head: RevisionNamed
    suite: str
    command: str = Field(description="how to repeat this")
    started_at: AwareDatetime
    finished_at: AwareDatetime
    budget_s: PositiveFloat
    decision: Decision = Field(description="the gravest of the gates")
    notes: tuple[str, ...] = Field(default=(), description="what was left out, and why")
    gates: tuple[Gate, ...]

    def gate(self, name: GateName) -> Gate:
        """Return a gate by its name."""
        return next(gate for gate in self.gates if gate.name == name)


def read_regression(folder: Path) -> Regression:
    """Read the document in a folder.

    Raises RunReadError.
    """
    path = folder / REGRESSION_FILE
    try:
        return Regression.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunReadError(
            f"cannot read {path} ({error.strerror}): name a folder that `outboxbench regress` made"
        ) from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise RunReadError(
            f"{path} is no regression document of version {REGRESSION_VERSION}: check anew"
        ) from error
