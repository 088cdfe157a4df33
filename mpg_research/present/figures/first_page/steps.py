"""Who was measured, as bars from the top down: all families, who is left at each step, and the others."""

from mpg_research.present.drawing.chart import text
from mpg_research.present.drawing.letters import fit_lines
from mpg_research.present.drawing.scene import Line, Polygon, Scene
from mpg_research.present.figures.first_page.sizes import NARROW, PAD, TEXT
from mpg_research.present.figures.parts import put_into_words
from mpg_research.present.figures.style import BAR, FAINT, GREY, MAIN, Drawing
from mpg_research.present.language.voice import Voice
from mpg_research.present.sentences.first_page.followed import STEPS, steps_shown, whole_table

__all__ = ["draw_who_was_measured"]

#: Where bars begin, how long the longest is, how high a bar is, and a row of one line.
LEFT = 172.0
LONGEST = NARROW - PAD - LEFT
BAR_HEIGHT, ROW, LINE_HEIGHT = 10.0, 17.5, 12.5


def draw_who_was_measured(voice: Voice) -> Drawing | None:
    """A bar per step, as long as there are families; those who leave lie beside it in light."""
    steps = steps_shown(voice)
    kept = [(step, *steps[step]) for step in STEPS if step in steps]
    if len(kept) < 2 or kept[0][0] != "helped" or not kept[0][1] > 0:
        return None
    scene = Scene(NARROW, 0.0)
    long = LONGEST / kept[0][1]
    top, before, said = PAD, kept[0][1], []
    for step, number, sign in kept:
        said.append(_label(voice, step, number, sign))
        if before > number:
            _box(scene, top, (number * long, before * long), FAINT)
        top = _row(scene, said[-1], top, (0.0, number * long), MAIN)
        before = number
    if kept[-1][0] == "around_month":
        top = _others(scene, voice, top, before * long, long, said)
    scene.height = top + PAD
    rounding = voice.released.policy.rounding
    rounded = voice.phrases("figure.who_was_measured.rounded", step=rounding) if rounding else ""
    return put_into_words(voice, "who_was_measured", scene, rounded=rounded, parts="; ".join(said))


def _others(scene: Scene, voice: Voice, top: float, start: float, long: float, said: list[str]) -> float:
    """What had become of those who were not measured: each bar begins where the one before it ends."""
    rows = whole_table(voice, "not_measured")
    if not len(rows):
        return top
    heading = voice.phrases("figure.who_was_measured.others_axis")
    scene.add(text((PAD, top + TEXT + 2), heading, size=TEXT, bold=True))
    top += ROW + 1
    for _, row in rows[rows["n_families"] > 0].iterrows():
        number = float(row["n_families"])
        said.append(_label(voice, str(row["class"]), number, str(row["n_mark"])))
        end = min(start + number * long, LONGEST)
        top = _row(scene, said[-1], top, (start, end), BAR)
        start = end
    return top


def _label(voice: Voice, step: str, number: float, sign: str) -> str:
    return f"{voice.label('value.measured_step', step)}: {voice.about_cell(voice.count(number), sign)}"


def _row(scene: Scene, label: str, top: float, ends: tuple[float, float], fill: str) -> float:
    """What a bar is about, the bar, and a line down from its end; where the next row begins."""
    lines = fit_lines(label, LEFT - PAD - 8, size=TEXT, lines=2)
    scene.add(text((PAD, top + TEXT), "\n".join(lines), size=TEXT))
    _box(scene, top, ends, fill)
    height = ROW + LINE_HEIGHT * (len(lines) - 1)
    down = LEFT + ends[1]
    scene.add(Line(((down, top + 1.5), (down, top + height + 1.5)), GREY, 0.8))
    return top + height


def _box(scene: Scene, top: float, ends: tuple[float, float], fill: str) -> None:
    left, right = LEFT + ends[0], LEFT + max(ends[1], ends[0] + 0.5)
    low, high = top + 1.5, top + 1.5 + BAR_HEIGHT
    scene.add(Polygon(((left, low), (right, low), (right, high), (left, high)), fill, GREY, 0.7))
