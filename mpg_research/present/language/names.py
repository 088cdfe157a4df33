"""Names from data, fit to stand in a text. Nothing heavy is imported here: an overview needs no tables."""

import unicodedata

from mpg_research.present.language.phrases import CONTROL

__all__ = ["clean_name", "isolated"]


def isolated(name: str) -> str:
    """A name, set apart from the words around it where it runs from right to left."""
    if any(unicodedata.bidirectional(letter) in ("R", "AL", "AN") for letter in name):
        return f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}"
    return name


def clean_name(text: str) -> str:
    """A name from data without control characters and line breaks; never changed otherwise."""
    return " ".join(CONTROL.sub("", text.replace("\n", " ").replace("\t", " ")).split())
