"""Figures that matplotlib and seaborn draw, and how they become the same bytes in every run.

Both are imported when the first of these figures is drawn; what is marks on axes is drawn without them
(``present/drawing/``).
"""

import io
import re
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import numpy as np

from mpg_research.present.drawing.letters import FONT_STACK, clean_text
from mpg_research.present.drawing.png import RESOLUTION
from mpg_research.present.drawing.svg import svg_start
from mpg_research.present.figures.parts import tick_text
from mpg_research.present.figures.style import BAR, FAINT, GREY, INK, MAIN
from mpg_research.present.language.numbers import format_time
from mpg_research.present.language.voice import Voice

__all__ = ["bars", "canvas", "export_png", "export_svg", "number_axis", "styled", "time_axis"]

MARK_INK = "#6b4a00"
#: Width of a figure in inches; that of the text of a report.
WIDTH = 7.4

#: What is ours beside seaborn's "ticks" style.
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.size": 3.5,
    "ytick.major.size": 3.5,
    "axes.unicode_minus": True,
    "axes.formatter.use_locale": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "text.parse_math": False,  # a name with two dollar signs is a name
    "text.usetex": False,
    "hatch.linewidth": 0.7,
    "svg.fonttype": "none",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "path.simplify": False,
}


@contextmanager
def styled() -> Iterator[None]:
    """Seaborn's "ticks" with this style, whatever the user's matplotlibrc says."""
    import matplotlib
    import seaborn

    known = {key: value for key, value in STYLE.items() if key in matplotlib.rcParams}
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; the table beside it has the name.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(seaborn.axes_style("ticks"))
        matplotlib.rcParams.update(known)
        yield


def canvas(height: float, *, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Any, Any]:
    """A figure of the report's width and its axes, drawn without any window system."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, axes


def _finished(figure: Any, title: str, mark: str) -> None:
    wrapped = "\n".join(textwrap.wrap(clean_text(title), 76))
    figure.suptitle(wrapped, x=0.012, ha="left", fontsize=11, fontweight="bold", color=INK)
    if mark:
        figure.supxlabel(mark, x=0.99, ha="right", fontsize=8.5, fontweight="bold", color=MARK_INK)
    # Laid out once: each picture that is written after this keeps every part where it is.
    figure.get_layout_engine().execute(figure)
    figure.set_layout_engine("none")


def export_svg(figure: Any, *, name: str, title: str, mark: str, label: str) -> bytes:
    """The picture with title and mark as SVG that can stand in a page: text as text, nothing but the picture.

    Parameters
    ----------
    figure : matplotlib Figure
    name : str
        What the ids in the picture follow from, so that two figures of a page have different ones.
    title, mark : str
    label : str
        The description for those who do not see it.
    """
    import matplotlib

    with styled():
        matplotlib.rcParams["svg.hashsalt"] = name
        _finished(figure, title, mark)
        written = io.StringIO()
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(written, format="svg", metadata=nothing)
    width, height = (72 * float(inches) for inches in figure.get_size_inches())
    return _for_a_page(written.getvalue(), svg_start(width, height, label), name).encode("utf-8")


def export_png(figure: Any) -> bytes:
    """The picture as it was written as SVG, without dates or versions in it."""
    content = io.BytesIO()
    with styled():
        figure.savefig(content, format="png", dpi=RESOLUTION, metadata={"Software": None})
    return content.getvalue()


def _for_a_page(svg: str, start: str, name: str) -> str:
    """What matplotlib wrote without what would reach into the page around it: styles, comments, ids."""
    body = svg[svg.index("<svg ") :]
    body = body[body.index(">") + 1 :]
    body = re.sub(r"<!--.*?-->\s*|<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[^"]*">', "<g>", body).replace('xlink:href="#', 'href="#')
    family = FONT_STACK.replace("DejaVu Sans", "'DejaVu Sans'")
    body = re.sub(r"(font: [^;\"]*?)'DejaVu Sans'", rf"\g<1>{family}", body)
    tail = sha256(name.encode()).hexdigest()[:8]
    body = re.sub(r'( id="|url\(#|href="#)(\w+)', rf"\g<1>\g<2>-{tail}", body)
    body = re.sub(r"(?<=>)([^<]*  [^<]*)(?=</text>)", lambda found: found[0].replace("  ", "\u00a0 "), body)
    body = re.sub(r"(?<=>)[^<>]*(?=</text>)", lambda found: found[0].replace('"', "&quot;"), body)
    return f"{start}\n{body.strip()}\n"


def bars(ax: Any, places: np.ndarray, heights: np.ndarray, *, width: float, quiet: bool = False) -> None:
    """Bars at places on a number line, by seaborn; grey ones where they are not what the figure is about."""
    import seaborn

    fill, edge = (FAINT, GREY) if quiet else (BAR, MAIN)
    seaborn.barplot(
        x=places, y=heights, native_scale=True, width=width, errorbar=None, ax=ax, color=fill, saturation=1,
        edgecolor=edge, linewidth=0.7,
    )  # fmt: skip


def time_axis(ax: Any, voice: Voice, months: np.ndarray, *, label: bool = True) -> None:
    """Ticks at whole moments, every third or sixth month where there are many."""
    last = float(np.max(months))
    step = next((step for step in (1, 2, 3, 6, 12) if last / step <= 7), 24)
    ticks = np.arange(0, last + 1e-9, step)
    ax.set_xticks(ticks, [format_time(float(tick), voice.language) for tick in ticks])
    ax.grid(axis="y", color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    if label:
        waves = voice.released.policy.time_unit == "waves"
        ax.set_xlabel(voice.phrases("unit.waves_axis" if waves else "unit.months_axis"))


def number_axis(axis: Any, voice: Voice, *, percent: bool = False) -> None:
    """Tick labels in the language."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    write = tick_text(voice, percent=percent)
    axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: write(value, 4 if percent else 2)))
