"""A released result as words, as an accessible table or as a figure, in Dutch or English. No statistics here.

``tabulate(released, "change", language="nl")``, ``draw(released, "mean_course", language="nl")`` and
``say(released, language="nl")`` take what the disclosure gate made and nothing else; ``show`` releases and
presents in one go, for notebooks.
"""

from typing import TYPE_CHECKING

from mpg_research._lazy import public_names

if TYPE_CHECKING:
    from mpg_research.present.figures import draw as draw
    from mpg_research.present.presented import PresentedFigure as PresentedFigure
    from mpg_research.present.presented import PresentedTable as PresentedTable
    from mpg_research.present.presented import PresentedText as PresentedText
    from mpg_research.present.sentences.say import say as say
    from mpg_research.present.showing import show as show
    from mpg_research.present.tables.tabulate import tabulate as tabulate

__getattr__, __dir__, __all__ = public_names(__name__)
