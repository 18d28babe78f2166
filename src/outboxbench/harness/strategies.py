"""Loads strategies by name; what cannot be loaded is the user's matter, or the machine's."""

from __future__ import annotations

from outboxbench.core.strategies.registry import (
    BrokenStrategy,
    Strategy,
    UnknownStrategy,
    load_strategy,
)
from outboxbench.harness.errors import BadInput, CannotRun


def load_registered(name: str) -> Strategy:
    """Load a strategy.

    Raises:
        BadInput: nobody registers the name.
        CannotRun: it is registered but cannot be loaded here.
    """
    try:
        return load_strategy(name)
    except UnknownStrategy as error:
        raise BadInput(str(error)) from error
    except BrokenStrategy as error:
        raise CannotRun(str(error)) from error


def load_measurable(name: str) -> Strategy:
    """Load a strategy that is to be measured on a server.

    Raises:
        BadInput: nobody registers the name, or it needs no server.
        CannotRun: it is registered but cannot be loaded here.
    """
    strategy = load_registered(name)
    if not strategy.needs_server:
        raise BadInput(f"the strategy {name} needs no server, so it cannot be measured on one")
    return strategy
