"""What an aggregate tells the world: a message that is stored with the state it speaks of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Flag
from typing import TYPE_CHECKING, ClassVar, TypeAlias

if TYPE_CHECKING:
    from uuid import UUID

State: TypeAlias = "dict[str, str | int | list[State]]"
"""Serialised content of a message: what JSON can hold without loss."""


class Audience(Flag):
    """Who hears of a message."""

    NOBODY = 0
    INTERNAL = 1
    EXTERNAL = 2
    EVERYBODY = INTERNAL | EXTERNAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(ABC):
    """An event of one aggregate.

    `version` is the version that the aggregate has once the change that raised the message is
    stored; together with the aggregate's id it places the message in the aggregate's history.
    """

    topic: ClassVar[str]
    audience: ClassVar[Audience]

    aggregate_id: UUID
    version: int

    @abstractmethod
    def state(self) -> State:
        """Return what happened, serialised; the aggregate's id and version stand beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A request to change one aggregate, which may be refused."""
