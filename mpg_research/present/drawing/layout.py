"""From a chart to a scene: room for every text first, by its real width, and the panels in what is left."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mpg_research.present.drawing.chart import FAINT, GREY, Chart, Frame, Note, Panel, text
from mpg_research.present.drawing.letters import fit_lines, text_width
from mpg_research.present.drawing.scene import Line, Piece, Point, Scene

__all__ = ["WIDTH", "add_mark", "lay_out", "spread_labels"]

#: Width of a picture in points; that of the text of a report.
WIDTH = 532.8
PAD = 5.0
TICK, GAP = 3.5, 3.5
SIZE, SMALL = 9.5, 8.5
LINE = 1.2
MARK_INK = "#6b4a00"
CONTEXT_INK = "#59626b"
#: Rise of small capitals above their foot, as a share of the size: half of it centres a line.
RISE = 0.73
CELL_GAP = 9.0
#: Between the titles of panels side by side.
TITLE_GAP = 6.0


@dataclass(frozen=True, slots=True)
class Needs:
    """How much room the texts around a panel take."""

    left: float
    right: float
    top: float
    bottom: float


def lay_out(chart: Chart, *, title: str, mark: str = "") -> Scene:
    """The picture of a chart.

    Parameters
    ----------
    chart : Chart
    title : str
        Stands above it.
    mark : str
        Stands at the bottom, at the right ("Synthetic data").

    Returns
    -------
    Scene
        As high as the chart and its texts need.
    """
    width = WIDTH if chart.width is None else chart.width
    heading = fit_lines(title, width - 2 * PAD - 2, size=11, lines=3, bold=True) if title else ()
    top = PAD + 11 * LINE * len(heading) + (4 if heading else 0)
    shared = (SIZE * LINE + 4) if chart.y_label else 0.0
    lefts, rights, plot = _widths(chart, width - shared)
    frames: list[tuple[Panel, Frame]] = []
    height = top
    pieces: list[Piece] = []
    for row, panels in enumerate(chart.grid):
        needs = [
            _heights(chart, panel, row, plot + rights[column]) for column, panel in enumerate(panels) if panel
        ]
        above = max((need.top for need in needs), default=0.0)
        below = max((need.bottom for need in needs), default=0.0)
        left = PAD + shared
        for column, panel in enumerate(panels):
            left += lefts[column]
            if panel is not None:
                frame = Frame(left, height + above, plot, chart.heights[row], panel.x.ends(), panel.y.ends())
                frames.append((panel, frame))
                pieces += _panel(chart, panel, frame, row, column, lefts[column], rights[column])
            left += plot + rights[column]
        height += above + chart.heights[row] + below
    if chart.x_label:
        middle = (min(frame.left for _, frame in frames) + max(frame.right for _, frame in frames)) / 2
        pieces.append(text((middle, height + SIZE * RISE), chart.x_label, anchor="middle"))
        height += SIZE * LINE + 3
    legend, legend_height = _legend(chart, height + 2, width, mark)
    end = height + legend_height + (SMALL * LINE + 2 if mark and not _mark_fits(legend_height) else 0) + PAD
    scene = Scene(width, math.ceil(end))
    if heading:
        scene.add(text((PAD + 1, PAD + 11), "\n".join(heading), size=11, bold=True))
    if chart.y_label:
        middle = (frames[0][1].top + frames[-1][1].bottom) / 2
        scene.add(text((PAD + SIZE, middle), chart.y_label, anchor="middle", turned=90))
    scene.add(*pieces, *legend)
    if mark:
        scene.add(
            text(
                (width - PAD, scene.height - PAD), mark, size=SMALL, colour=MARK_INK, bold=True, anchor="end"
            )
        )
    return scene


def add_mark(scene: Scene, mark: str) -> Scene:
    """A picture that was made piece by piece, with the mark below it at the right.

    Parameters
    ----------
    scene : Scene
    mark : str
        "Synthetic data"; "" for none.
    """
    if not mark:
        return scene
    height = math.ceil(scene.height + SMALL * LINE + 2)
    place = scene.width - PAD, height - PAD
    mark_text = text(place, mark, size=SMALL, colour=MARK_INK, bold=True, anchor="end")
    return Scene(scene.width, height, [*scene.pieces, mark_text])


def _mark_fits(legend_height: float) -> bool:
    """Whether the mark has a place beside the legend: it stands at the right of its last line."""
    return legend_height > 0


def _widths(chart: Chart, width: float) -> tuple[list[float], list[float], float]:
    """Room at the left and the right of each column, and the width of a panel."""
    lefts, rights = [0.0] * chart.columns, [0.0] * chart.columns
    guess = 0.6 * width / chart.columns
    for row, panels in enumerate(chart.grid):
        for column, panel in enumerate(panels):
            if panel is not None:
                lefts[column] = max(lefts[column], _left(chart, panel, row, column))
                rights[column] = max(rights[column], _right(panel, guess))
    for column in range(chart.columns - 1):
        rights[column] += 8
    plot = (width - 2 * PAD - sum(lefts) - sum(rights)) / chart.columns
    return lefts, rights, max(plot, 40.0)


def _widest(texts: Sequence[tuple[float, str]], bold: Sequence[bool] = ()) -> float:
    fronts = [*bold, *[False] * len(texts)]
    return max(
        (
            text_width(line, SIZE, bold=front)
            for (_, words), front in zip(texts, fronts, strict=False)
            for line in words.split("\n")
        ),
        default=0.0,
    )


def _most(height: float) -> int:
    return max(2, int(height / 22))


def _left(chart: Chart, panel: Panel, row: int, column: int) -> float:
    if chart.one_y and column > 0:
        return 2.0
    axis = panel.y
    found = GAP + (TICK if axis.line else 1.0)
    if axis.shows_ticks:
        found += _widest(axis.texts(_most(chart.heights[row])), axis.bold)
    return found + (SIZE * LINE + 3 if axis.label else 0.0)


def _right(panel: Panel, guess: float) -> float:
    found = 3.0
    if panel.besides:
        found = max(found, 8 + sum(_cell_widths(panel)) + CELL_GAP * (len(_cell_widths(panel)) - 1))
    low, high = panel.x.ends()
    for note in panel.notes:
        if note.outside:
            spare = (high - note.x) / (high - low) * guess
            wide = max(text_width(line, note.size, bold=note.bold) for line in note.lines)
            found = max(found, note.shift[0] + wide - spare)
    if panel.top_word:
        found = max(found, 6 + text_width(panel.top_word, 8))
    ticks = panel.x.texts(panel.x.most) if panel.x.shows_ticks and not panel.x.turned else []
    if ticks:
        spare = (high - ticks[-1][0]) / (high - low) * guess
        found = max(found, _widest(ticks[-1:]) / 2 - spare)
    return found


def _cell_widths(panel: Panel) -> list[float]:
    count = max(len(each.cells) for each in panel.besides)
    return [
        max(text_width(each.cells[place], each.size) for each in panel.besides if place < len(each.cells))
        for place in range(count)
    ]


def _is_lowest(chart: Chart, row: int, column: int) -> bool:
    return row + 1 == len(chart.grid) or chart.grid[row + 1][column] is None


def _heights(chart: Chart, panel: Panel, row: int, width: float) -> Needs:
    """Room above and below a panel."""
    title = fit_lines(panel.title, width - TITLE_GAP, size=panel.title_size, lines=3, bold=panel.title_bold)
    top = (panel.title_size * LINE * len(title) + 5) if panel.title else 0.0
    top += (max(each.size for each in panel.on_top) * LINE + 3) if panel.on_top else 0.0
    column = next(place for place, each in enumerate(chart.grid[row]) if each is panel)
    bottom = 4.0
    if panel.x.shows_ticks and (not chart.one_x or _is_lowest(chart, row, column)):
        ticks = panel.x.texts(panel.x.most)
        turned = _widest(ticks) * math.sin(math.pi / 4) + SIZE
        bottom += TICK + GAP + (turned if panel.x.turned else SIZE * RISE + 2)
    if panel.x.label and (not chart.one_x or _is_lowest(chart, row, column)):
        bottom += SIZE * LINE + 3
    return Needs(0, 0, top + (2 if row == 0 else 6), bottom)


def _panel(
    chart: Chart, panel: Panel, frame: Frame, row: int, column: int, left: float, right: float
) -> list[Piece]:
    shows_x = panel.x.shows_ticks and (not chart.one_x or _is_lowest(chart, row, column))
    shows_y = panel.y.shows_ticks and not (chart.one_y and column > 0)
    x_ticks, y_ticks = _x_ticks(panel, frame), panel.y.texts(_most(frame.height))
    found: list[Piece] = []
    if panel.x.grid:
        found += [
            Line(((at := frame.at_x(value), frame.top), (at, frame.bottom)), FAINT, 0.6)
            for value, _ in x_ticks
        ]
    if panel.y.grid:
        found += [
            Line(((frame.left, at := frame.at_y(value)), (frame.right, at)), FAINT, 0.6)
            for value, _ in y_ticks
        ]
    for draw in panel.drawn:
        found += draw(frame)
    found += _axis_lines(panel, frame, x_ticks, y_ticks)
    if shows_x:
        found += _x_texts(panel, frame, x_ticks)
    if shows_y:
        found += _y_texts(panel, frame, y_ticks)
    if panel.x.label and (not chart.one_x or _is_lowest(chart, row, column)):
        # In the middle of the panel, or as near to it as the picture is wide.
        half = text_width(panel.x.label, SIZE) / 2
        middle = frame.left + frame.width / 2
        whole = WIDTH if chart.width is None else chart.width
        middle = max(min(middle, whole - PAD - half), PAD + half) if chart.columns == 1 else middle
        foot = frame.bottom + _heights(chart, panel, row, frame.width).bottom - 5
        found.append(text((middle, foot), panel.x.label, anchor="middle"))
    if panel.y.label and not (chart.one_y and column > 0):
        lines = fit_lines(panel.y.label, frame.height + 30, size=SIZE, lines=1)
        place = frame.left - left + SIZE, frame.top + frame.height / 2
        found.append(text(place, lines[0], anchor="middle", turned=90))
    found += _beside(panel, frame)
    found += _above(panel, frame, right)
    found += _notes(panel, frame)
    return found


def _x_ticks(panel: Panel, frame: Frame) -> list[tuple[float, str]]:
    """Ticks whose texts do not touch each other: fewer steps, or every second one."""
    most = panel.x.most
    ticks = panel.x.texts(most)
    if not panel.x.shows_ticks:
        return ticks

    def touch(listed: list[tuple[float, str]], gap: float = 5.0) -> bool:
        ends = [(frame.at_x(value), _widest([(value, words)]) / 2) for value, words in listed]
        if panel.x.turned:
            return any(b - a < SIZE * LINE for (a, _), (b, _) in pairwise(ends))
        return any(b - a < wide + w + gap for (a, wide), (b, w) in pairwise(ends))

    if panel.x.ticks is not None:
        step = next(step for step in range(1, len(ticks) + 2) if not touch(ticks[::step]))
        return ticks[::step]
    while most > 1 and touch(ticks):
        most -= 1
        ticks = panel.x.texts(most)
    return ticks


def _axis_lines(
    panel: Panel, frame: Frame, x_ticks: list[tuple[float, str]], y_ticks: list[tuple[float, str]]
) -> list[Piece]:
    found: list[Piece] = []
    if panel.x.line:
        found.append(Line(((frame.left, frame.bottom), (frame.right, frame.bottom)), GREY, 0.8))
        found += [
            Line(((at := frame.at_x(value), frame.bottom), (at, frame.bottom + TICK)), GREY, 0.8)
            for value, _ in x_ticks
        ]
    if panel.y.line:
        found.append(Line(((frame.left, frame.top), (frame.left, frame.bottom)), GREY, 0.8))
        found += [
            Line(((frame.left - TICK, at := frame.at_y(value)), (frame.left, at)), GREY, 0.8)
            for value, _ in y_ticks
        ]
    return found


def _x_texts(panel: Panel, frame: Frame, ticks: list[tuple[float, str]]) -> list[Piece]:
    foot = frame.bottom + TICK + GAP + SIZE * RISE
    if panel.x.turned:
        return [
            text((frame.at_x(value) + 3, foot - 2), words, anchor="end", turned=45) for value, words in ticks
        ]
    return [text((frame.at_x(value), foot), words, anchor="middle") for value, words in ticks]


def _y_texts(panel: Panel, frame: Frame, ticks: list[tuple[float, str]]) -> list[Piece]:
    fronts = [*panel.y.bold, *[False] * len(ticks)]
    right = frame.left - GAP - (TICK if panel.y.line else 1.0)
    found: list[Piece] = []
    for (value, words), front in zip(ticks, fronts, strict=False):
        lines = words.count("\n")
        foot = frame.at_y(value) + SIZE * RISE / 2 - SIZE * LINE * lines / 2
        found.append(text((right, foot), words, bold=front, anchor="end"))
    return found


def _beside(panel: Panel, frame: Frame) -> list[Piece]:
    """Columns of texts to the right of the rows; of several the first, a number, ends at one place."""
    if not panel.besides:
        return []
    found: list[Piece] = []
    left = frame.right + 8
    widths = _cell_widths(panel)
    for column, width in enumerate(widths):
        ends = column == 0 and len(widths) > 1
        for each in panel.besides:
            if column < len(each.cells) and each.cells[column]:
                place = left + width * ends, frame.at_y(each.y) + each.size * RISE / 2
                found.append(
                    text(
                        place, each.cells[column], size=each.size, colour=each.colour,
                        anchor="end" if ends else "start",
                    )
                )  # fmt: skip
        left += width + CELL_GAP
    return found


def _above(panel: Panel, frame: Frame, right: float) -> list[Piece]:
    """The title, and the texts at values; of those that would touch one before it is left out."""
    found: list[Piece] = []
    foot = frame.top - 4
    if panel.on_top:
        end = -math.inf
        for each in sorted(panel.on_top, key=lambda each: each.x):
            half = text_width(each.text, each.size, bold=each.bold) / 2
            middle = max(PAD + half, min(frame.at_x(each.x), frame.right + right - half))
            if middle - half < end + 4:
                continue
            end = middle + half
            found.append(
                text(
                    (middle, foot),
                    each.text,
                    size=each.size,
                    colour=each.colour,
                    bold=each.bold,
                    anchor="middle",
                )
            )
        if panel.top_word:
            found.append(
                text((max(frame.right + 6, end + 5), foot), panel.top_word, size=8, colour=CONTEXT_INK)
            )
        foot -= max(each.size for each in panel.on_top) * LINE + 3
    if panel.title:
        size = panel.title_size
        lines = fit_lines(
            panel.title, frame.width + right - TITLE_GAP, size=size, lines=3, bold=panel.title_bold
        )
        place = frame.left, foot - 1 - size * LINE * (len(lines) - 1)
        found.append(text(place, "\n".join(lines), size=size, bold=panel.title_bold))
    return found


def _notes(panel: Panel, frame: Frame) -> list[Piece]:
    """Texts beside their points; those that may move take the first free place around it."""
    found: list[Piece] = []
    outside = [note for note in panel.notes if note.outside]
    gap = max((note.size * len(note.lines) for note in outside), default=0.0) * 1.15
    spread = dict(zip(outside, spread_labels([frame.at_y(note.y) for note in outside], gap=gap), strict=True))
    taken = [_around(frame.at(note.x, note.y), note.clears) for note in panel.notes if note.clears]
    for note in panel.notes:
        wide = max(text_width(line, note.size, bold=note.bold) for line in note.lines)
        x, y = frame.at(note.x, note.y)
        if not note.clears:
            y = spread.get(note, y)
            foot = y - note.shift[1] + note.size * RISE / 2 - note.size * LINE * (len(note.lines) - 1) / 2
            place = x + note.shift[0], foot
            found.append(_note_text(note, place, note.anchor))
            continue
        boxes = [(_box(place, wide, note, anchor), place, anchor) for place, anchor in _places((x, y), note)]
        inside = [each for each in boxes if _lies_in(each[0], frame)] or boxes
        box, place, anchor = min(inside, key=lambda each: sum(_overlap(each[0], other) for other in taken))
        taken.append(box)
        found.append(_note_text(note, place, anchor))
    return found


def spread_labels(heights: Sequence[float], *, gap: float) -> list[float]:
    """Heights for labels, at least ``gap`` apart, in the same order and as near as can be."""
    order = sorted(range(len(heights)), key=lambda place: heights[place])
    placed = list(heights)
    for group in _touching([heights[place] for place in order], gap):
        middle = sum(heights[order[place]] for place in group) / len(group)
        for number, place in enumerate(group):
            placed[order[place]] = middle + gap * (number - (len(group) - 1) / 2)
    return placed


def _touching(heights: Sequence[float], gap: float) -> list[list[int]]:
    """Places of labels, from the lowest on, in groups that must make room for each other."""
    groups = [[place] for place in range(len(heights))]

    def ends(group: list[int]) -> tuple[float, float]:
        middle, half = sum(heights[place] for place in group) / len(group), gap * len(group) / 2
        return middle - half, middle + half

    place = 1
    while place < len(groups):
        if place > 0 and ends(groups[place])[0] < ends(groups[place - 1])[1] - 1e-9:
            groups[place - 1 : place + 1] = [groups[place - 1] + groups[place]]
            place = max(1, place - 1)
        else:
            place += 1
    return groups


Box = tuple[float, float, float, float]


def _note_text(note: Note, place: Point, anchor: str) -> Piece:
    return text(
        place, "\n".join(note.lines), size=note.size, colour=note.colour, bold=note.bold,
        anchor="end" if anchor == "end" else "middle" if anchor == "middle" else "start",
    )  # fmt: skip


def _around(point: Point, distance: float) -> Box:
    x, y = point
    return x - distance, y - distance, x + distance, y + distance


def _places(point: Point, note: Note) -> list[tuple[Point, str]]:
    """Feet of a text around a point, the best first."""
    (x, y), away, size = point, note.clears + 1.5, note.size
    return [
        ((x + away, y - away), "start"),
        ((x + away, y + away + size * RISE), "start"),
        ((x - away, y - away), "end"),
        ((x - away, y + away + size * RISE), "end"),
        ((x + away + 2, y + size * RISE / 2), "start"),
        ((x - away - 2, y + size * RISE / 2), "end"),
        ((x, y - away - 3), "middle"),
        ((x, y + away + 3 + size * RISE), "middle"),
    ]


def _box(place: Point, wide: float, note: Note, anchor: str) -> Box:
    x, foot = place
    left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[anchor]
    return left, foot - note.size * RISE - 1, left + wide, foot + note.size * 0.22


def _lies_in(box: Box, frame: Frame) -> bool:
    return (
        box[0] >= frame.left
        and box[2] <= frame.right + 4
        and box[1] >= frame.top - 8
        and box[3] <= frame.bottom
    )


def _overlap(one: Box, other: Box) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide * high if wide > 0 and high > 0 else 0.0


def _legend(chart: Chart, top: float, width: float, mark: str) -> tuple[list[Piece], float]:
    """The legend in columns as wide as its longest line; the mark keeps its place at the end of the last."""
    if not chart.legend:
        return [], 0.0
    swatch, room = 24.0, width - 2 * PAD - (text_width(mark, SMALL, bold=True) + 12 if mark else 0)
    widest = max(text_width(entry.text, SMALL) for entry in chart.legend) + swatch + 14
    columns = max(1, min(len(chart.legend), int(room / widest)))
    lines = -(-len(chart.legend) // columns)
    found: list[Piece] = []
    for place, entry in enumerate(chart.legend):
        column, line = place // lines, place % lines
        left, middle = PAD + column * widest, top + 4 + SMALL * LINE * (line + 0.5) * 1.1
        found += entry.draw(left + swatch / 2 - 2, middle)
        words = fit_lines(entry.text, room - swatch, size=SMALL, lines=1)[0]
        found.append(text((left + swatch, middle + SMALL * RISE / 2), words, size=SMALL))
    return found, 4 + lines * SMALL * LINE * 1.1
