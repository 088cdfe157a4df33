"""What several analyses of one study start from, computed once by a process that makes one after the other.

Nothing is kept unless that was asked for with :func:`keep`: whoever works by hand may change a table between
two calls, and is owed an answer to what it holds now.
"""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Concatenate, ParamSpec, TypeVar, cast

from mpg_research.study.model import Study

__all__ = ["keep", "once"]

P = ParamSpec("P")
Found = TypeVar("Found")

#: By function, study and arguments: the study (so that no other takes its place) and what was found.
_KEPT: dict[object, tuple[Study, object]] | None = None


def keep(wanted: bool) -> None:
    """Keep what is marked with :func:`once` from now on in this process, or let go of it.

    Parameters
    ----------
    wanted : bool
        True only while nobody changes the study's tables.
    """
    global _KEPT
    _KEPT = (_KEPT or {}) if wanted else None


def once(
    function: Callable[Concatenate[Study, P], Found],
) -> Callable[Concatenate[Study, P], Found]:
    """Mark a function of a study whose answer serves several analyses.

    Parameters
    ----------
    function : callable
        Takes a study, then arguments that can be compared. Nobody changes what it returns.

    Returns
    -------
    callable
        The same, but while :func:`keep` is on the second call with equal arguments returns what the first
        one did. Arguments that cannot be hashed are computed anew.
    """
    known = signature(function)

    @wraps(function)
    def kept(study: Study, *args: P.args, **kwargs: P.kwargs) -> Found:
        if _KEPT is None:
            return function(study, *args, **kwargs)
        bound = known.bind(study, *args, **kwargs)
        bound.apply_defaults()
        asked = tuple(_comparable(value) for value in list(bound.arguments.values())[1:])
        key = (function, id(study), asked)
        try:
            there = _KEPT.get(key)
        except TypeError:  # not to be hashed
            return function(study, *args, **kwargs)
        if there is None or there[0] is not study:
            there = _KEPT[key] = (study, function(study, *args, **kwargs))
        return cast(Found, there[1])

    return cast(Callable[Concatenate[Study, P], Found], kept)


def _comparable(value: object) -> object:
    return tuple(sorted(value.items())) if isinstance(value, dict) else value
