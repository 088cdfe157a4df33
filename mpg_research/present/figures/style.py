"""How every figure looks: colours, shapes, names in little room."""

import textwrap
from dataclasses import dataclass
from typing import Any

from mpg_research.present.drawing.letters import clean_text

__all__ = [
    "BAND",
    "BAR",
    "FAINT",
    "GREY",
    "INK",
    "MAIN",
    "MIDDLE_BAND",
    "SECOND",
    "SHAPES",
    "Drawing",
    "short_name",
]

# Okabe and Ito's blue and vermillion, apart in lightness too; greys for everything that is context.
MAIN, SECOND, BAND, BAR = "#0072B2", "#D55E00", "#B9D6EA", "#5ea3d0"
MIDDLE_BAND = "#7fb8d8"
INK, GREY, FAINT = "#1b1f24", "#7b858f", "#d5dae0"
#: Shapes of marks, where organisations are told apart.
SHAPES = "osD^vPX<>"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn figure with its words.

    Attributes
    ----------
    figure : Chart or matplotlib Figure
        The picture, without title and mark.
    title, caption, alt : str
        Its words.
    """

    figure: Any
    title: str
    caption: str
    alt: str


def short_name(name: str, *, width: int = 26, lines: int = 2) -> str:
    """A name in at most so many lines; the rest is cut off (the table has it in full)."""
    wrapped = textwrap.wrap(clean_text(name), width) or [""]
    if len(wrapped) > lines:
        wrapped = [*wrapped[: lines - 1], wrapped[lines - 1][: width - 1].rstrip() + "…"]
    return "\n".join(wrapped)
