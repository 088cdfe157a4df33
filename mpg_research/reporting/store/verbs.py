"""The analyses that can be stored, by name; nothing is loaded to know them."""

from collections.abc import Callable
from typing import Any

from mpg_research import analysis
from mpg_research.errors import ConfigError, suggestion

__all__ = ["verb_name", "verbs"]


def verbs() -> tuple[str, ...]:
    """Names of the analyses that can be stored: the functions in the face of ``mpg_research.analysis``.

    Returns
    -------
    tuple of str
    """
    return tuple(name for name in analysis.__all__ if name.islower())


def verb_name(verb: "str | Callable[..., Any]") -> str:
    """The name of an analysis of ours; empty for any other function.

    Parameters
    ----------
    verb : str or callable
        An analysis or its name.

    Returns
    -------
    str

    Raises
    ------
    ConfigError
        If there is no analysis of that name.
    """
    if isinstance(verb, str):
        if verb not in verbs():
            raise ConfigError(
                f"There is no analysis {verb!r}{suggestion(verb, verbs())}. There are: {', '.join(verbs())}."
            )
        return verb
    name = str(getattr(verb, "__name__", ""))
    return name if name in verbs() and getattr(analysis, name) is verb else ""
