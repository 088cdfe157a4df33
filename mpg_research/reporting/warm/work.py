"""A piece of work for another process, as data, and doing it."""

import importlib
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mpg_research.reporting.warm.messages import tell

__all__ = ["Work", "call", "do_parts"]


@dataclass(frozen=True, slots=True)
class Work:
    """Something to do in a process of its own: a function of a module, called once per part.

    Attributes
    ----------
    name : str
        Unique among the works of a run.
    function : str
        As ``"package.module:function"``. It takes what is given and one part, and returns JSON types.
    given : mapping
        What is the same for all parts. JSON types only: no object of this process travels.
    parts : tuple of mapping
        Done in order, in one process. Those after one at which the process died get another process.
    after : frozenset of str
        Names of works that must have ended before.
    patience : float
        Seconds without a sign of life after which the process is ended.
    """

    name: str
    function: str
    given: Mapping[str, Any]
    parts: tuple[Mapping[str, Any], ...]
    after: frozenset[str] = field(default_factory=frozenset)
    patience: float = float("inf")


def call(function: str, *arguments: Any) -> Any:
    """Call a function by its module and name.

    Parameters
    ----------
    function : str
        As ``"package.module:function"``.
    *arguments
        Passed on.

    Returns
    -------
    object
        What it returns.
    """
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(module), name)(*arguments)


def do_parts(function: str, given: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], first: int) -> None:
    """Do parts in this process, and tell of each that it begins and what came of it.

    Parameters
    ----------
    function : str
        As in :class:`Work`.
    given : mapping
        As in :class:`Work`.
    parts : sequence of mapping
        Those still to be done.
    first : int
        Number of the first of them in the work.
    """
    for number, part in enumerate(parts, start=first):
        tell(begins=number)
        try:
            tell(part=number, result=call(function, given, part))
        except Exception as error:
            tell(part=number, error=f"{type(error).__name__}: {error}", traceback=traceback.format_exc())
