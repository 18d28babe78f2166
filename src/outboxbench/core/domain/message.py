"""What an aggregate tells the world: a message that is stored with the state it speaks of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Flag
from typing import TYPE_CHECKING, ClassVar, Self, TypeAlias
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping

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


class InternalMessage(Message):
    """A message that handlers of ours react to, and that is therefore read back.

    `format` counts the changes of its serialised state that older readers cannot make sense of; a
    state names it under that key, unless it is 1.
    """

    format: ClassVar[int] = 1

    @classmethod
    @abstractmethod
    def from_state(cls, aggregate_id: UUID, version: int, state: Mapping[str, object]) -> Self:
        """Return the message that was serialised as `state`.

        Raises:
            Undecodable: the state is not what `state()` of this class returns.
        """


class Undecodable(ValueError):
    """A stored message is not one that this version of the application knows."""


def text_of(state: Mapping[str, object], key: str) -> str:
    """Return a text that a serialised state has to hold.

    Raises:
        Undecodable: it is missing, or no text.
    """
    value = state.get(key)
    if not isinstance(value, str):
        raise Undecodable(f"its {key} is {value!r} and no text")
    return value


def integer_of(state: Mapping[str, object], key: str) -> int:
    """Return an integer that a serialised state has to hold.

    Raises:
        Undecodable: it is missing, or no integer.
    """
    value = state.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Undecodable(f"its {key} is {value!r} and no integer")
    return value


def uuid_of(state: Mapping[str, object], key: str) -> UUID:
    """Return an id that a serialised state has to hold.

    Raises:
        Undecodable: it is missing, or no UUID.
    """
    text = text_of(state, key)
    try:
        return UUID(text)
    except ValueError as error:
        raise Undecodable(f"its {key} is {text!r} and no UUID") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A request to change one aggregate, which may be refused."""
