"""Charts laid out, and the same scene as SVG and as PNG."""

import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from mpg_research.present.drawing.chart import Chart, Panel
from mpg_research.present.drawing.layout import WIDTH, lay_out
from mpg_research.present.drawing.letters import text_width
from mpg_research.present.drawing.png import RESOLUTION, png_of
from mpg_research.present.drawing.scene import Circle, Line, Polygon, Scene, Text, mark
from mpg_research.present.drawing.svg import number, svg_of
from tests.present.drawing.test_letters import NAMES

Box = tuple[float, float, float, float]


def text_boxes(scene: Scene) -> list[tuple[str, Box]]:
    found = []
    for piece in scene.pieces:
        if not isinstance(piece, Text) or piece.turned:
            continue
        for (x, y), line in zip(piece.feet, piece.lines, strict=True):
            wide = text_width(line, piece.size, bold=piece.bold)
            left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[piece.anchor]
            found.append((line, (left, y - 0.7 * piece.size, left + wide, y + 0.2 * piece.size)))
    return found


def assert_readable(scene: Scene) -> None:
    """Every text lies inside the picture, and no two lie over each other."""
    boxes = text_boxes(scene)
    for line, box in boxes:
        assert box[0] >= -0.5, line
        assert box[2] <= scene.width + 0.5, line
        assert 0 <= box[1] < box[3] <= scene.height + 0.5, line
    for place, (line, one) in enumerate(boxes):
        for other_line, other in boxes[:place]:
            apart = one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]
            assert apart, (line, other_line)


def row_chart(names: list[str], scale: float = 1.0) -> Chart:
    chart = Chart([25.0 * len(names)])
    panel = chart.panel()
    heights = panel.rows(names, bold=[True])
    for place, height in enumerate(heights):
        panel.line([-scale * place, scale * (place + 1)], [height, height], colour="#0072B2")
        panel.marks([0.3 * scale], [height], fill="#0072B2")
        panel.beside(height, f"{scale * place:,.1f}", "(−6,9 tot −3,1)", "n ≈ 120")
    panel.above(scale, "gemiddeld −4,2", bold=True)
    panel.x.label = "Verandering (punten)"
    return chart


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e7])
@pytest.mark.parametrize("count", [1, 7, 60])
def test_texts_of_rows_are_inside_the_picture_and_apart(scale: float, count: int) -> None:
    names = [f"{NAMES[place % len(NAMES)]} {place}" for place in range(count)]
    scene = lay_out(row_chart(names, scale), title="Verandering " * 20, mark="Synthetische gegevens")
    assert scene.width == WIDTH
    assert_readable(scene)


def test_names_beside_dots_find_a_free_place() -> None:
    chart = Chart([245.0])
    panel = chart.panel()
    places = [(20.0 + 12 * (each % 4), -4.0 + 0.9 * (each // 4)) for each in range(16)]
    panel.marks([x for x, _ in places], [y for _, y in places], fill="#0072B2", size=7)
    for place, (x, y) in enumerate(places):
        panel.note(x, y, f"Organisatie {place}", size=8, clears=3.5)
    assert_readable(lay_out(chart, title="Trechter"))


def test_texts_at_ticks_that_would_touch_are_left_out() -> None:
    chart = Chart([100.0])
    chart.panel().line(range(40), range(40), colour="#000000")
    chart.panel().x.ticks = [(float(month), f"maand {month}") for month in range(40)]
    chart.panel().top_word = "gezinnen"
    for month in range(40):
        chart.panel().above(float(month), f"{month * 1000}", size=8)
    scene = lay_out(chart, title="")
    assert_readable(scene)
    assert sum(line.startswith("maand") for line, _ in text_boxes(scene)) > 4


def test_panels_of_one_axis_have_the_same_ends() -> None:
    chart = Chart([80.0, 80.0], columns=2, one_x=True, one_y=True, x_label="maanden", y_label="score")
    chart.grid[1][1] = None
    for place, panel in enumerate(chart.panels):
        panel.line([0, 10], [place, 10 * place], colour="#000000")
        panel.title = f"Paneel {place}"
    assert {id(panel.y) for panel in chart.panels} == {id(chart.panel().y)}
    assert chart.panel(1, 0).y.ends()[1] > 20
    assert_readable(lay_out(chart, title="Vier", mark="Synthetisch"))
    with pytest.raises(IndexError, match="row 1, column 1"):
        chart.panel(1, 1)


def test_what_lies_outside_given_ends_is_not_in_the_file() -> None:
    chart = Chart([100.0])
    panel = chart.panel()
    panel.x.low, panel.x.high, panel.y.low, panel.y.high = 0.0, 10.0, 0.0, 1.0
    panel.line([0, 10], [-50, 50], colour="#0072B2")
    panel.marks([5, 20], [0.5, 0.5], fill="#D55E00")
    panel.vertical(-3)
    panel.horizontal(4)
    panel.span(-5, 5, fill="#B9D6EA")
    panel.band([0, 10], [-3, -3], [0.5, 30], fill="#B9D6EA")
    scene = lay_out(chart, title="")
    for piece in scene.pieces:
        points = (
            piece.points
            if isinstance(piece, Line | Polygon)
            else [piece.centre]
            if isinstance(piece, Circle)
            else []
        )
        assert all(-1 <= x <= WIDTH and -1 <= y <= scene.height for x, y in points)
    assert sum(isinstance(piece, Circle) for piece in scene.pieces) == 1


def test_a_value_that_is_not_there_breaks_a_line_and_a_band() -> None:
    panel = Panel()
    panel.line([0, 1, 2, 3, 4], [1, 2, np.nan, 3, 4], colour="#000000")
    panel.band([0, 1, 2, 3, 4], [1, 2, np.nan, 3, 4], [2, 3, 4, 5, 6], fill="#B9D6EA")
    chart = Chart([100.0])
    chart.grid[0][0] = panel
    pieces = lay_out(chart, title="").pieces
    assert sum(isinstance(piece, Polygon) for piece in pieces) == 2
    assert sum(isinstance(piece, Line) and piece.width == 1.6 for piece in pieces) == 2


def test_numbers_have_one_decimal_and_no_negative_zero() -> None:
    assert [number(value) for value in (1.25, 3.0, -0.04, 0.1 + 0.2, 1e-12)] == ["1.2", "3", "0", "0.3", "0"]
    chart = row_chart(["A", "B"], 1 / 3)
    text = svg_of(lay_out(chart, title="T"), label="L").decode()
    assert not re.search(r"\d\.\d\d+", re.sub(r'opacity="[^"]*"', "", text))


def test_names_are_only_names() -> None:
    evil = "</text><script>alert(1)</script>&amp; \x00 \"'"
    text = svg_of(lay_out(row_chart([evil]), title=evil, mark=evil), label=evil).decode()
    root = ElementTree.fromstring(text)
    assert not [each for each in root.iter() if each.tag.endswith("script")]
    assert root.get("aria-label").startswith("</text><script>")


GROUNDS = ((40.0, 30.0), (120.0, 30.0), (200.0, 30.0))


def scene_of_marks() -> Scene:
    scene = Scene(260.0, 100.0)
    shapes = "osD"
    scene.add(
        *(mark(shape, place, 20.0, fill="#0072B2") for shape, place in zip(shapes, GROUNDS, strict=True))
    )
    scene.add(Line(((20.0, 70.0), (240.0, 70.0)), "#D55E00", 6.0))
    scene.add(Polygon(((20.0, 80.0), (60.0, 80.0), (60.0, 95.0), (20.0, 95.0)), "#7fb8d8", opacity=0.5))
    scene.add(Text((130.0, 95.0), ("██",), 12.0, "#1b1f24", anchor="middle"))
    return scene


def test_the_png_shows_what_the_svg_says() -> None:
    from matplotlib.image import imread

    scene = scene_of_marks()
    pixels = imread(io.BytesIO(png_of(scene)), format="png")
    assert pixels.shape[:2] == (100 * RESOLUTION // 72, 260 * RESOLUTION // 72)

    def at(x: float, y: float) -> str:
        red, green, blue = (
            round(255 * part) for part in pixels[int(y / 72 * RESOLUTION), int(x / 72 * RESOLUTION)][:3]
        )
        return f"#{red:02x}{green:02x}{blue:02x}"

    root = ElementTree.fromstring(svg_of(scene, label="marks"))
    drawn = {each.get("fill") or each.get("stroke") for each in root.iter()} - {None, "none", "#ffffff"}
    assert drawn == {"#0072B2", "#D55E00", "#7fb8d8", "#1b1f24"}
    assert {at(x, y) for x, y in GROUNDS} == {"#0072b2"}
    assert at(80, 30) == at(80, 50) == "#ffffff"
    assert at(40, 41.5) == at(54, 44) == "#ffffff"  # below the circle, beside it
    assert at(130, 70) == "#d55e00"
    assert at(130, 76) == "#ffffff"
    assert at(40, 88) in ("#bfdcec", "#bedbeb")  # half see-through on white
    assert at(130, 91) < "#40"  # a letter that is a block
