"""How every figure looks, and how it becomes the same bytes in every run."""

import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from mpg_research.present.language.phrases import CONTROL

__all__ = [
    "BAND",
    "BAR",
    "FAINT",
    "GREY",
    "INK",
    "MAIN",
    "SECOND",
    "SHAPES",
    "WIDTH",
    "Drawing",
    "canvas",
    "export",
    "short_name",
    "spread_labels",
    "styled",
]

# Okabe and Ito's blue and vermillion, apart in lightness too; greys for everything that is context.
MAIN, SECOND, BAND, BAR = "#0072B2", "#D55E00", "#B9D6EA", "#5ea3d0"
INK, GREY, FAINT = "#1b1f24", "#7b858f", "#d5dae0"
MARK_INK = "#6b4a00"
#: Shapes of marks, where organisations are told apart.
SHAPES = "osD^vPX<>"
#: Width of a figure in inches; that of the text of a report.
WIDTH = 7.4
RESOLUTION = 160

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
    "svg.fonttype": "path",
    "svg.hashsalt": "mpg_research",
    "svg.id": None,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "path.simplify": False,
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn figure with its words.

    Attributes
    ----------
    figure : matplotlib Figure
        The picture, without title and mark.
    title, caption, alt : str
        Its words.
    """

    figure: Any
    title: str
    caption: str
    alt: str


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


def export(figure: Any, *, title: str, mark: str) -> tuple[bytes, bytes]:
    """The picture with title and mark as SVG and PNG bytes, without dates or versions in them."""
    with styled():
        wrapped = "\n".join(textwrap.wrap(CONTROL.sub("", title), 76))
        figure.suptitle(wrapped, x=0.012, ha="left", fontsize=11, fontweight="bold", color=INK)
        if mark:
            figure.supxlabel(mark, x=0.99, ha="right", fontsize=8.5, fontweight="bold", color=MARK_INK)
        svg, png = io.BytesIO(), io.BytesIO()
        figure.savefig(
            svg, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
        figure.savefig(png, format="png", dpi=RESOLUTION, metadata={"Software": None})
    return svg.getvalue(), png.getvalue()


def short_name(name: str, *, width: int = 26, lines: int = 2) -> str:
    """A name in at most so many lines; the rest is cut off (the table has it in full)."""
    wrapped = textwrap.wrap(CONTROL.sub("", name), width) or [""]
    if len(wrapped) > lines:
        wrapped = [*wrapped[: lines - 1], wrapped[lines - 1][: width - 1].rstrip() + "…"]
    return "\n".join(wrapped)


def spread_labels(heights: Sequence[float], *, gap: float) -> list[float]:
    """Heights for labels, at least ``gap`` apart, in the same order and as near as can be."""
    order = sorted(range(len(heights)), key=lambda place: heights[place])
    placed = list(heights)
    for before, place in pairwise(order):
        placed[place] = max(placed[place], placed[before] + gap)
    shift = sum(old - new for old, new in zip(heights, placed, strict=True)) / max(1, len(placed))
    return [height + shift for height in placed]
