"""A chart before it is laid out: panels with axes, and marks at values rather than at places."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mpg_research.present.drawing.axis import Axis
from mpg_research.present.drawing.clipping import clip_line, clip_polygon
from mpg_research.present.drawing.letters import fit_lines
from mpg_research.present.drawing.scene import Anchor, Line, Piece, Point, Polygon, Text, mark

__all__ = ["GREY", "INK", "Beside", "Chart", "Entry", "Frame", "Note", "OnTop", "Panel"]

INK, GREY, FAINT = "#1b1f24", "#7b858f", "#d5dae0"
#: A panel of a single row is as high as this.
LOWEST = 48.0


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a panel lies in the picture, and what its axes reach."""

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height

    def at_x(self, value: float) -> float:
        """Where a value on the horizontal axis lies."""
        return self.left + (value - self.x[0]) / (self.x[1] - self.x[0]) * self.width

    def at_y(self, value: float) -> float:
        """Where a value on the vertical axis lies."""
        return self.bottom - (value - self.y[0]) / (self.y[1] - self.y[0]) * self.height

    def at(self, x: float, y: float) -> Point:
        """Where a point lies."""
        return self.at_x(x), self.at_y(y)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Its edges in values: left, lower, right, upper."""
        return self.x[0], self.y[0], self.x[1], self.y[1]


@dataclass(frozen=True, slots=True)
class Beside:
    """Texts to the right of a row, each in a column of its own."""

    y: float
    cells: tuple[str, ...]
    colour: str
    size: float


@dataclass(frozen=True, slots=True)
class OnTop:
    """A text above the panel, at a value of its horizontal axis."""

    x: float
    text: str
    colour: str
    bold: bool
    size: float


@dataclass(frozen=True, slots=True)
class Note:
    """A text inside the panel, or from its right edge on.

    ``clears`` tells how far around its point other texts must stay away; such a note finds a free place.
    """

    x: float
    y: float
    lines: tuple[str, ...]
    colour: str
    size: float
    bold: bool
    anchor: Anchor
    shift: Point
    outside: bool
    clears: float


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the legend: how it looks, and what it is."""

    text: str
    draw: Callable[[float, float], Sequence[Piece]]


@dataclass(slots=True)
class Panel:
    """Axes with what stands on them. Values that are not finite are left out, and break a line.

    Attributes
    ----------
    x, y : Axis
    title : str
    title_bold : bool
    title_size : float
    """

    x: Axis = field(default_factory=Axis)
    y: Axis = field(default_factory=Axis)
    title: str = ""
    title_bold: bool = False
    title_size: float = 9.0
    drawn: list[Callable[[Frame], Sequence[Piece]]] = field(default_factory=list)
    besides: list[Beside] = field(default_factory=list)
    on_top: list[OnTop] = field(default_factory=list)
    top_word: str = ""
    notes: list[Note] = field(default_factory=list)

    def line(
        self, xs: Sequence[float] | Any, ys: Sequence[float] | Any, *, colour: str, width: float = 1.6,
        dash: tuple[float, ...] = (), opacity: float = 1.0,
    ) -> None:  # fmt: skip
        """A line through points."""
        runs: list[list[Point]] = [[]]
        for x, y in zip(xs, ys, strict=True):
            point = float(x), float(y)
            if math.isfinite(point[0]) and math.isfinite(point[1]):
                runs[-1].append(point)
            elif runs[-1]:
                runs.append([])
        self._see(point for run in runs for point in run)

        def draw(frame: Frame) -> list[Piece]:
            return [
                Line(tuple(frame.at(x, y) for x, y in piece), colour, width, dash, opacity)
                for run in runs
                for piece in clip_line(run, frame.box)
            ]

        self.drawn.append(draw)

    def vertical(
        self, x: float, *, colour: str = GREY, width: float = 0.9, dash: tuple[float, ...] = ()
    ) -> None:
        """A line over the whole height."""
        self.x.see([x])

        def draw(frame: Frame) -> list[Piece]:
            at = frame.at_x(x)
            shown = frame.x[0] <= x <= frame.x[1]
            return [Line(((at, frame.top), (at, frame.bottom)), colour, width, dash)] if shown else []

        self.drawn.append(draw)

    def horizontal(
        self, y: float, *, colour: str = GREY, width: float = 0.9, dash: tuple[float, ...] = ()
    ) -> None:
        """A line over the whole width."""
        self.y.see([y])

        def draw(frame: Frame) -> list[Piece]:
            at = frame.at_y(y)
            shown = frame.y[0] <= y <= frame.y[1]
            return [Line(((frame.left, at), (frame.right, at)), colour, width, dash)] if shown else []

        self.drawn.append(draw)

    def span(self, low: float, high: float, *, fill: str) -> None:
        """An area over the whole width, between two heights."""
        self.y.see([low, high])

        def draw(frame: Frame) -> list[Piece]:
            left, right = frame.x
            return _shapes(
                frame, [[(left, low), (right, low), (right, high), (left, high)]], fill, "", 0.0, 1.0
            )

        self.drawn.append(draw)

    def band(
        self, xs: Sequence[float] | Any, lows: Sequence[float] | Any, highs: Sequence[float] | Any, *,
        fill: str, opacity: float = 1.0,
    ) -> None:  # fmt: skip
        """An area between two lines; interrupted where one of them is not known."""
        runs: list[list[tuple[float, float, float]]] = [[]]
        for x, low, high in zip(xs, lows, highs, strict=True):
            if all(map(math.isfinite, (x, low, high))):
                runs[-1].append((float(x), float(low), float(high)))
            elif runs[-1]:
                runs.append([])
        shapes = [
            [*((x, high) for x, _, high in run), *((x, low) for x, low, _ in reversed(run))]
            for run in runs
            if run
        ]
        self._see(point for shape in shapes for point in shape)
        self.drawn.append(lambda frame: _shapes(frame, shapes, fill, "", 0.0, opacity))

    def box(
        self, x: tuple[float, float], y: tuple[float, float], *, fill: str, edge: str = "",
        edge_width: float = 0.7, opacity: float = 1.0, hatch: str = "",
    ) -> None:  # fmt: skip
        """A bar between two values each way; ``hatch`` is "", "//", "xx" or ".."."""
        shape = [(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])]
        self._see(shape)

        def draw(frame: Frame) -> list[Piece]:
            plain = _shapes(frame, [shape], fill, "" if hatch else edge, edge_width, opacity)
            if not hatch:
                return plain
            left, right = sorted(map(frame.at_x, x))
            top, bottom = sorted(map(frame.at_y, y))
            outline = _shapes(frame, [shape], "", edge, edge_width, 1.0)
            return [*plain, *hatching((left, top, right, bottom), hatch, edge or GREY), *outline]

        self.drawn.append(draw)

    def marks(
        self, xs: Sequence[float] | Any, ys: Sequence[float] | Any, *, fill: str, shape: str = "o",
        size: float | Sequence[float] | Any = 6.0, edge: str = "", edge_width: float = 1.0,
        opacity: float = 1.0,
    ) -> None:  # fmt: skip
        """A mark at each point; ``size`` is its width in points, one for all or one each."""
        points = [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]
        sizes = (
            [float(size)] * len(points) if isinstance(size, int | float) else [float(each) for each in size]
        )
        shown = [
            (point, width)
            for point, width in zip(points, sizes, strict=True)
            if math.isfinite(point[0]) and math.isfinite(point[1])
        ]
        self._see(point for point, _ in shown)

        def draw(frame: Frame) -> list[Piece]:
            left, low, right, high = frame.box
            return [
                mark(shape, frame.at(*point), width, fill=fill, edge=edge, edge_width=edge_width,
                     opacity=opacity)
                for point, width in shown
                if left <= point[0] <= right and low <= point[1] <= high
            ]  # fmt: skip

        self.drawn.append(draw)

    def rows(self, names: Sequence[str], *, bold: Sequence[bool] = (), width: float = 142.0) -> list[float]:
        """One row per name, from the top down, in at most two lines of a width; the heights of the rows."""
        heights = [float(len(names) - 1 - place) for place in range(len(names))]
        in_front = [*bold, *[False] * (len(names) - len(bold))]
        self.y.ticks = [
            (height, "\n".join(fit_lines(name, width, size=9.5, bold=front)))
            for height, name, front in zip(heights, names, in_front, strict=True)
        ]
        self.y.bold = in_front
        self.y.low, self.y.high, self.y.line = -0.7, len(names) - 0.3, False
        self.x.grid = True
        return heights

    def beside(self, y: float, *cells: str, colour: str = INK, size: float = 8.5) -> None:
        """Numbers to the right of a row; each stands below the one of the row above."""
        self.besides.append(Beside(y, cells, colour, size))

    def above(self, x: float, text: str, *, colour: str = INK, bold: bool = False, size: float = 8.5) -> None:
        """A text above the panel."""
        self.on_top.append(OnTop(x, text, colour, bold, size))

    def note(
        self, x: float, y: float, *lines: str, colour: str = INK, size: float = 8.5, bold: bool = False,
        anchor: Anchor = "start", shift: Point = (0.0, 0.0), outside: bool = False, clears: float = 0.0,
    ) -> None:  # fmt: skip
        """A text beside a point; with ``outside`` it may run over the right edge, which makes room for it."""
        self.notes.append(Note(x, y, lines, colour, size, bold, anchor, shift, outside, clears))

    def _see(self, points: Any) -> None:
        listed = list(points)
        self.x.see(x for x, _ in listed)
        self.y.see(y for _, y in listed)


@dataclass(slots=True)
class Chart:
    """Panels in rows, with a legend below them.

    Attributes
    ----------
    heights : sequence of float
        Heights of the rows of panels, in points, without their texts.
    columns : int
        Panels in a row; each is as wide as the others.
    one_x, one_y : bool
        Whether all panels have one horizontal or one vertical axis; its texts stand at the outer panels.
    legend : list of Entry
    x_label, y_label : str
        Labels of all horizontal and of all vertical axes together.
    width : float or None
        Of the picture, in points; that of the text of a report where none is given.
    """

    heights: Sequence[float]
    columns: int = 1
    one_x: bool = False
    one_y: bool = False
    legend: list[Entry] = field(default_factory=list)
    x_label: str = ""
    y_label: str = ""
    width: float | None = None
    grid: list[list[Panel | None]] = field(init=False)

    def __post_init__(self) -> None:
        """Make the panels, which share their axes where the chart says so."""
        self.grid = [[Panel() for _ in range(self.columns)] for _ in self.heights]
        self.heights = [max(height, LOWEST) for height in self.heights]
        first = self.panel()
        for panel in self.panels:
            panel.x = first.x if self.one_x else panel.x
            panel.y = first.y if self.one_y else panel.y

    @property
    def panels(self) -> list[Panel]:
        """All panels, row by row."""
        return [panel for row in self.grid for panel in row if panel is not None]

    def panel(self, row: int = 0, column: int = 0) -> Panel:
        """One panel."""
        found = self.grid[row][column]
        if found is None:
            raise IndexError(f"there is no panel in row {row}, column {column}")
        return found


def _shapes(
    frame: Frame, shapes: Sequence[Sequence[Point]], fill: str, edge: str, edge_width: float, opacity: float
) -> list[Piece]:
    inside = (clip_polygon(shape, frame.box) for shape in shapes)
    return [
        Polygon(tuple(frame.at(x, y) for x, y in points), fill, edge, edge_width, opacity)
        for points in inside
        if points
    ]


def hatching(box: tuple[float, float, float, float], kind: str, colour: str, gap: float = 5.0) -> list[Piece]:
    """Slanting lines ("//"), crossing ones ("xx") or dots ("..") in a box of places."""
    left, top, right, bottom = box
    if kind == "..":  # rows of dots are lines with long gaps
        rows = range(math.ceil(top / gap), math.floor(bottom / gap) + 1)
        starts = {row: gap * math.ceil(left / gap) + (gap / 2) * (row % 2) for row in rows}
        return [
            Line(((start, row * gap), (right, row * gap)), colour, 1.2, (1.2, gap - 1.2))
            for row, start in starts.items()
            if start < right
        ]
    found: list[Piece] = []
    for slope in (1, -1) if kind == "xx" else (1,):
        ends = [x + slope * y for x in (left, right) for y in (top, bottom)]
        for place in range(math.ceil(min(ends) / gap), math.floor(max(ends) / gap) + 1):
            sums = place * gap  # x + slope * y is the same all along a line
            stretch = [(sums - slope * (top - 1), top - 1), (sums - slope * (bottom + 1), bottom + 1)]
            found += [Line(tuple(piece), colour, 0.7) for piece in clip_line(stretch, box)]
    return found


def text(place: Point, words: str, *, size: float = 9.5, colour: str = INK, bold: bool = False,
         anchor: Anchor = "start", turned: float = 0.0) -> Text:  # fmt: skip
    """Text with a new line at each line break."""
    return Text(place, tuple(words.split("\n")), size, colour, bold, anchor, turned)
