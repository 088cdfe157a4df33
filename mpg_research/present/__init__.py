"""A released result as words, as an accessible table or as a figure, in Dutch or English. No statistics here.

``tabulate(released, "change", language="nl")``, ``draw(released, "mean_course", language="nl")`` and
``say(released, language="nl")`` take what the disclosure gate made and nothing else; ``show`` releases and
presents in one go, for notebooks.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mpg_research.present.figures import draw
    from mpg_research.present.presented import PresentedFigure, PresentedTable, PresentedText
    from mpg_research.present.sentences.say import say
    from mpg_research.present.showing import show
    from mpg_research.present.tables.tabulate import tabulate

__all__ = ["PresentedFigure", "PresentedTable", "PresentedText", "draw", "say", "show", "tabulate"]

_HOMES = {
    "PresentedFigure": "presented",
    "PresentedTable": "presented",
    "PresentedText": "presented",
    "draw": "figures",
    "say": "sentences.say",
    "show": "showing",
    "tabulate": "tables.tabulate",
}


def __getattr__(name: str) -> Any:
    """Import the module behind a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
