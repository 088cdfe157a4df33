"""What a picture consists of: lines, shapes and texts at places, and nothing that knows what they mean.

Lengths are points (1/72 inch) from the left and upper edge. A scene becomes SVG (``svg.py``) or, where asked
for, PNG (``png.py``); both draw the same pieces.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import cos, pi, sin
from typing import Literal

__all__ = ["Anchor", "Circle", "Line", "Piece", "Point", "Polygon", "Scene", "Text", "mark"]

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points."""

    points: tuple[Point, ...]
    colour: str
    width: float = 1.0
    dash: tuple[float, ...] = ()
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Polygon:
    """A closed shape, filled, with or without an edge."""

    points: tuple[Point, ...]
    fill: str
    edge: str = ""
    edge_width: float = 0.0
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle, filled, with or without an edge."""

    centre: Point
    radius: float
    fill: str
    edge: str = ""
    edge_width: float = 0.0
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Text:
    """Lines of text below each other; the place is that of the first line's foot."""

    place: Point
    lines: tuple[str, ...]
    size: float
    colour: str
    bold: bool = False
    anchor: Anchor = "start"
    turned: float = 0.0

    @property
    def feet(self) -> tuple[Point, ...]:
        """Where each line stands."""
        x, y = self.place
        return tuple((x, y + 1.2 * self.size * number) for number in range(len(self.lines)))


Piece = Line | Polygon | Circle | Text


@dataclass(slots=True)
class Scene:
    """A picture: its size and its pieces, the first behind the others.

    Attributes
    ----------
    width, height : float
    pieces : list
    """

    width: float
    height: float
    pieces: list[Piece] = field(default_factory=list)

    def add(self, *pieces: Piece) -> None:
        """Put pieces in front of those that are there."""
        self.pieces.extend(pieces)


#: Corners of marks whose width is 1, around their middle.
_CORNERS: dict[str, tuple[Point, ...]] = {
    "s": ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)),
    "D": ((0, -0.7), (0.7, 0), (0, 0.7), (-0.7, 0)),
    "^": ((0, -0.55), (0.55, 0.5), (-0.55, 0.5)),
    "v": ((0, 0.55), (0.55, -0.5), (-0.55, -0.5)),
    "<": ((-0.55, 0), (0.5, -0.55), (0.5, 0.55)),
    ">": ((0.55, 0), (-0.5, -0.55), (-0.5, 0.55)),
    "P": (
        (-0.18, -0.55), (0.18, -0.55), (0.18, -0.18), (0.55, -0.18), (0.55, 0.18), (0.18, 0.18),
        (0.18, 0.55), (-0.18, 0.55), (-0.18, 0.18), (-0.55, 0.18), (-0.55, -0.18), (-0.18, -0.18),
    ),
}  # fmt: skip
_CORNERS["X"] = tuple((cos(pi / 4) * (x - y), sin(pi / 4) * (x + y)) for x, y in _CORNERS["P"])


def mark(
    shape: str, centre: Point, size: float, *, fill: str, edge: str = "", edge_width: float = 1.0,
    opacity: float = 1.0,
) -> Circle | Polygon:  # fmt: skip
    """A mark of a shape: "o", or one of "s", "D", "^", "v", "P", "X", "<" and ">"."""
    width = edge_width if edge else 0.0
    if shape == "o":
        return Circle(centre, size / 2, fill, edge, width, opacity)
    x, y = centre
    corners: Sequence[Point] = _CORNERS[shape]
    return Polygon(tuple((x + size * dx, y + size * dy) for dx, dy in corners), fill, edge, width, opacity)
