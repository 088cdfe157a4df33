"""What a process that makes pages tells the one that started it: lines of JSON."""

import json
from collections.abc import Callable
from typing import Any

__all__ = ["as_line", "listen", "tell"]

_LISTENERS: list[Callable[[dict[str, Any]], None]] = []


def as_line(message: dict[str, Any]) -> bytes:
    """A message as one line.

    Parameters
    ----------
    message : dict
        JSON types only.

    Returns
    -------
    bytes
    """
    return json.dumps(message).encode() + b"\n"


def listen(listener: Callable[[dict[str, Any]], None] | None) -> None:
    """From now on :func:`tell` goes to this function alone, or nowhere.

    Parameters
    ----------
    listener : callable or None
        Takes a message.
    """
    _LISTENERS[:] = [listener] if listener is not None else []


def tell(**message: Any) -> None:
    """Say something to whoever started this process; without one nothing happens.

    Parameters
    ----------
    **message
        JSON types only. ``beat=...`` says that work goes on.
    """
    for listener in _LISTENERS:
        listener(message)
