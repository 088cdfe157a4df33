"""The part of a line or of a shape that lies inside a panel; nothing outside it is written to a file."""

from collections.abc import Sequence
from itertools import pairwise

from mpg_research.present.drawing.scene import Point

__all__ = ["clip_line", "clip_polygon"]

Box = tuple[float, float, float, float]


def clip_line(points: Sequence[Point], box: Box) -> list[list[Point]]:
    """The pieces of a line inside a box (left, lower, right, upper).

    Examples
    --------
    >>> clip_line([(0.0, 0.0), (4.0, 4.0)], (1.0, 0.0, 3.0, 9.0))
    [[(1.0, 1.0), (3.0, 3.0)]]
    """
    pieces: list[list[Point]] = []
    for start, end in pairwise(points):
        inside = _inside(start, end, box)
        if inside is None:
            continue
        if pieces and pieces[-1][-1] == inside[0]:
            pieces[-1].append(inside[1])
        else:
            pieces.append(list(inside))
    return pieces


def _inside(start: Point, end: Point, box: Box) -> tuple[Point, Point] | None:
    """The part of one stretch inside the box (Liang and Barsky 1984, doi:10.1145/357332.357333)."""
    (x, y), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
    enter, leave = 0.0, 1.0
    for step, room in ((-dx, x - box[0]), (dx, box[2] - x), (-dy, y - box[1]), (dy, box[3] - y)):
        if step == 0:
            if room < 0:
                return None
        elif step < 0:
            enter = max(enter, room / step)
        else:
            leave = min(leave, room / step)
    if enter > leave:
        return None
    first = start if enter == 0 else (x + enter * dx, y + enter * dy)
    last = end if leave == 1 else (x + leave * dx, y + leave * dy)
    return first, last


def clip_polygon(points: Sequence[Point], box: Box) -> list[Point]:
    """The part of a shape inside a box, side by side (Sutherland and Hodgman, doi:10.1145/360767.360802).

    Examples
    --------
    >>> clip_polygon([(0, 0), (2, 0), (2, 2), (0, 2)], (1, 0, 3, 3))
    [(1.0, 0.0), (2, 0), (2, 2), (1.0, 2.0)]
    """
    kept = list(points)
    for side, limit in enumerate(box):
        place, sign = side % 2, 1 if side < 2 else -1
        given, kept = kept, []
        for before, here in zip([*given[-1:], *given], given, strict=False):
            was, now = (sign * (point[place] - limit) >= 0 for point in (before, here))
            if was != now:
                part = (limit - before[place]) / (here[place] - before[place])
                crossing = [
                    before[0] + part * (here[0] - before[0]),
                    before[1] + part * (here[1] - before[1]),
                ]
                crossing[place] = float(limit)
                kept.append((float(crossing[0]), float(crossing[1])))
            if now:
                kept.append(here)
    return kept
