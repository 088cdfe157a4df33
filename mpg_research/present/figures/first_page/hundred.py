"""Of every hundred families: a square of ten by ten, one mark for each, and what the marks mean."""

from mpg_research.present.drawing.chart import text
from mpg_research.present.drawing.letters import fit_lines
from mpg_research.present.drawing.scene import Circle, Polygon, Scene, mark
from mpg_research.present.figures.first_page.sizes import NARROW, PAD, TEXT
from mpg_research.present.figures.parts import put_into_words
from mpg_research.present.figures.style import BAR, GREY, INK, MAIN, SECOND, Drawing
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.first_page.followed import every_hundred, hundred

__all__ = ["draw_every_hundred"]

#: Shape, fill and edge by class: apart in grey too. All others are as "unchanged".
LOOKS = {
    "improved": ("o", MAIN, MAIN),
    "not_worse": ("o", BAR, MAIN),
    "judged": ("o", BAR, MAIN),
    "deteriorated": ("v", SECOND, INK),
    "not_judged": ("o", "#ffffff", GREY),
}
_OTHERS = ("o", "#c9d0d7", GREY)
#: From mark to mark, and how wide one is.
STEP, SIZE = 15.5, 11.0
IN_A_ROW = 10


def draw_every_hundred(voice: Voice) -> Drawing | None:
    """One mark for each of a hundred families; None where a class may not be shown."""
    classes = hundred(voice)
    if not classes:
        return None
    every = [name for name, number, _ in classes for _ in range(number)]
    scene = Scene(NARROW, 2 * PAD + STEP * (len(every) // IN_A_ROW))
    for place, name in enumerate(every):
        row, column = divmod(place, IN_A_ROW)
        scene.add(_icon(name, PAD + STEP * (column + 0.5), PAD + STEP * (row + 0.5)))
    left, top = PAD + STEP * IN_A_ROW + 14, PAD + 2.0
    for name, _, number in classes:
        top = _entry(scene, voice, (name, number), (left, top))
    scene.height = max(scene.height, top + PAD)
    return put_into_words(voice, "every_hundred", scene, parts=", ".join(every_hundred(voice)))


def _icon(name: str, x: float, y: float) -> Circle | Polygon:
    shape, fill, edge = LOOKS.get(name, _OTHERS)
    return mark(shape, (x, y), SIZE, fill=fill, edge=edge, edge_width=1.1)


def _entry(scene: Scene, voice: Voice, entry: tuple[str, str], place: tuple[float, float]) -> float:
    """How many there are of a class, and what it is; where the next entry begins."""
    name, number = entry
    left, top = place
    scene.add(_icon(name, left + SIZE / 2, top + SIZE / 2))
    start = left + SIZE + 7
    scene.add(text((start, top + SIZE - 0.5), number, size=TEXT + 3, bold=True))
    words = voice.label("value.hundred", name)
    lines = fit_lines(words, NARROW - PAD - start, size=TEXT, lines=3)
    scene.add(text((start, top + SIZE + TEXT + 3), "\n".join(lines), size=TEXT))
    return top + SIZE + TEXT + 5 + 1.2 * TEXT * (len(lines) - 1) + 10
