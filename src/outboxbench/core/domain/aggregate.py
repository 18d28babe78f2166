"""The consistency boundary: one transaction changes one aggregate and stores its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from outboxbench.core.domain.message import Message


class Refused(Exception):
    """The domain refuses a command: the request breaks a rule, and nothing changes."""


class Aggregate:
    """An object with an identity and a version that every stored change raises by one.

    `version` is the stored one; 0 means not stored yet.
    """

    __slots__ = ("_events", "id", "version")

    aggregate_type: ClassVar[str]

    def __init__(self, id: UUID, version: int = 0) -> None:
        self.id = id
        self.version = version
        self._events: list[Message] = []

    @property
    def next_version(self) -> int:
        """The version that the change under way will be stored as."""
        return self.version + 1

    @property
    def events(self) -> tuple[Message, ...]:
        """What was raised and not taken yet, oldest first."""
        return tuple(self._events)

    def raise_event(self, event: Message) -> None:
        """Note what happened.

        Raises:
            ValueError: the event speaks of another aggregate or another version.
        """
        if event.aggregate_id != self.id or event.version != self.version + 1:
            raise ValueError(
                f"{event.topic} is about {event.aggregate_id} at version {event.version}, "
                f"but was raised by {self.id} on its way to version {self.next_version}"
            )
        self._events.append(event)

    def take_events(self) -> list[Message]:
        """Hand over what was raised, oldest first; nothing is handed over twice."""
        taken, self._events = self._events, []
        return taken

    @staticmethod
    def collect_events(aggregates: Iterable[Aggregate]) -> list[Message]:
        """Take the events of several aggregates, in the order of the aggregates."""
        return [event for aggregate in aggregates for event in aggregate.take_events()]
