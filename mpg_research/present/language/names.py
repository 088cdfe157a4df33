"""Names from data, fit to stand in a text. Nothing heavy is imported here: an overview needs no tables."""

import unicodedata
from functools import lru_cache

from mpg_research.visible import visible

__all__ = ["clean_name", "isolated", "without_isolates"]


@lru_cache(maxsize=4096)
def isolated(name: str) -> str:
    """A name, set apart from the words around it where it runs from right to left."""
    if any(unicodedata.bidirectional(letter) in ("R", "AL", "AN") for letter in name):
        return f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}"
    return name


def without_isolates(name: str) -> str:
    """The name that was set apart, where it stands alone: in a cell of a CSV."""
    return name.removeprefix("\N{FIRST STRONG ISOLATE}").removesuffix("\N{POP DIRECTIONAL ISOLATE}")


@lru_cache(maxsize=4096)
def clean_name(text: str) -> str:
    r"""A name from data on one line, with what is invisible in it shown; never changed otherwise.

    Examples
    --------
    >>> clean_name("Linde\u202ehof\n Zuid")
    'Linde‹U+202E›hof Zuid'
    """
    return visible(" ".join(text.split()))
