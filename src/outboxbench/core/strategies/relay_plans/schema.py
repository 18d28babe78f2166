"""What a relay plan needs in the database beside the tables of every strategy."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from outboxbench.core.application.outbox import AnyRelayPlan

CHANNEL: Final = "outbox"
"""Where a commit is announced, if it is."""

_FILES: Final[dict[AnyRelayPlan, tuple[str, ...]]] = {
    "lease": ("relay", "lease"),
    "delete": ("relay", "lease", "delete"),
    "sharded": ("relay", "sharded"),
    "log": ("relay", "log"),
}


def relay_schema_sql(plan: AnyRelayPlan, *, announces: bool) -> str:
    """Return the statements that prepare a database for a plan; they may be run again.

    Where it `announces`, every transaction that stores messages notifies whoever listens.
    """
    names = (*_FILES[plan], "notify") if announces else _FILES[plan]
    folder = resources.files(__package__).joinpath("sql")
    return "\n".join(folder.joinpath(f"{name}.sql").read_text(encoding="utf-8") for name in names)
