"""A strip of dots: every other organisation one dot on a line, the own one marked, and where most lie.

The dots lie in the order of their numbers and have no name: from a strip nobody can be followed to another.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mpg_research.present.drawing.chart import Chart, Frame, Panel
from mpg_research.present.drawing.scene import Piece, mark
from mpg_research.present.figures.parts import CONTEXT, mark_entry
from mpg_research.present.figures.style import INK, MAIN
from mpg_research.present.many import HALF, MOST, quantiles

__all__ = ["HALF_FILL", "MOST_FILL", "Own", "Strip", "draw_strips", "legend_of_strips"]

#: Greys of the bands in which half and most of the others lie; apart from each other on paper too.
HALF_FILL, MOST_FILL = "#cdd4db", "#e9ecef"
#: Height of a strip in points: of a crowd of dots, of fewer or several strips, and without dots.
CROWDED, TALL, LOW = 100.0, 54.0, 22.0
#: Width of a dot, and of one where there are more than so many.
DOT, SMALL_DOT, CROWD = 4.2, 2.8, 120


@dataclass(frozen=True, slots=True)
class Own:
    """The own number on a strip.

    Attributes
    ----------
    value : float
    thin, thick : tuple of float
        Ends of an interval, and of another one; NaN where there is none.
    expected : float
        A number to set beside it (what was expected, what it shrinks to); NaN where there is none.
    """

    value: float
    thin: tuple[float, float] = (math.nan, math.nan)
    thick: tuple[float, float] = (math.nan, math.nan)
    expected: float = math.nan


@dataclass(frozen=True, slots=True)
class Strip:
    """One line of dots.

    Attributes
    ----------
    label : str
        At the left.
    others : tuple of float
        The numbers of the others, as they were released.
    own : Own or None
        The own number; None where nobody is in front, or it is not shown.
    cells : tuple of str
        Texts to the right.
    """

    label: str
    others: tuple[float, ...]
    own: Own | None = None
    cells: tuple[str, ...] = ()


def draw_strips(strips: Sequence[Strip], *, dots: bool, bold: bool = False, width: float = 142.0) -> Chart:
    """One strip below the other on a shared axis.

    Parameters
    ----------
    strips : sequence of Strip
    dots : bool
        Whether the others are drawn one by one; otherwise as bands only.
    bold : bool
        Whether the labels are in front.
    width : float
        Room for a label, in points.
    """
    crowded = len(strips) == 1 and len(strips[0].others) > CROWD
    chart = Chart([(LOW if not dots else CROWDED if crowded else TALL) * len(strips)])
    panel = chart.panel()
    heights = panel.rows([strip.label for strip in strips], bold=[bold] * len(strips), width=width)
    for height, strip in zip(heights, strips, strict=True):
        _bands(panel, strip.others, height)
        if dots:
            _dots(panel, strip.others, height)
        if strip.own is not None:
            _own(panel, strip.own, height)
        if strip.cells:
            panel.beside(height, *strip.cells, colour=INK)
    return chart


def legend_of_strips(chart: Chart, *, dot: str, half: str, most: str, own: str = "") -> None:
    """What the marks of a strip are; nothing of what has no words."""
    if own:
        chart.legend.append(mark_entry(own, "o", fill=MAIN, size=8))
    if dot:
        chart.legend.append(mark_entry(dot, "o", fill=CONTEXT, size=DOT))
    chart.legend.append(mark_entry(half, "s", fill=HALF_FILL, edge=CONTEXT, size=8))
    chart.legend.append(mark_entry(most, "s", fill=MOST_FILL, edge=CONTEXT, size=8))


def _bands(panel: Panel, others: Sequence[float], height: float) -> None:
    for at, fill in ((MOST, MOST_FILL), (HALF, HALF_FILL)):
        low, high = quantiles(others, at)
        if math.isfinite(low) and math.isfinite(high):
            panel.box((low, high), (height - 0.42, height + 0.42), fill=fill)


def _dots(panel: Panel, others: Sequence[float], height: float) -> None:
    """The others, stacked where they lie at one place."""
    values = sorted(value for value in others if math.isfinite(value))
    panel.x.see(values)
    size = DOT if len(values) <= CROWD else SMALL_DOT

    def draw(frame: Frame) -> list[Piece]:
        places = [size * round(frame.at_x(value) / size) for value in values]
        piles, placed = Counter(places), Counter[float]()
        room = 0.84 * (frame.at_y(0) - frame.at_y(1))
        step = min(size, (room - size) / max([1, *(number - 1 for number in piles.values())]))
        found: list[Piece] = []
        for place in places:
            rise = (placed[place] - (piles[place] - 1) / 2) * step
            placed[place] += 1
            found.append(mark("o", (place, frame.at_y(height) + rise), size - 0.4, fill=CONTEXT))
        return found

    panel.drawn.append(draw)


def _own(panel: Panel, own: Own, height: float) -> None:
    panel.line(own.thin, [height] * 2, colour=MAIN, width=2.0)
    panel.line(own.thick, [height] * 2, colour=MAIN, width=5.0, opacity=0.55)
    if math.isfinite(own.expected):
        panel.marks([own.expected], [height], fill="#ffffff", edge=INK, size=6)
    panel.marks([own.value], [height], fill=MAIN, edge="#ffffff", size=9)
