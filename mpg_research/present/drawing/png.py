"""A scene as PNG, drawn by matplotlib from the same pieces; only where somebody asks for one."""

import io
from typing import Any

from mpg_research.present.drawing.letters import clean_text
from mpg_research.present.drawing.scene import Circle, Line, Polygon, Scene, Text

__all__ = ["RESOLUTION", "png_of"]

#: Dots per inch.
RESOLUTION = 160


def png_of(scene: Scene) -> bytes:
    """The picture as PNG, without dates or versions in it.

    Parameters
    ----------
    scene : Scene
    """
    import warnings

    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Circle as Disc
    from matplotlib.patches import Polygon as Shape

    styles = {"font.family": "DejaVu Sans", "text.parse_math": False, "text.usetex": False,
              "path.simplify": False}  # fmt: skip
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; the table beside it has the name.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({key: styles[key] for key in styles if key in matplotlib.rcParams})
        figure = Figure(figsize=(scene.width / 72, scene.height / 72), dpi=RESOLUTION, facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1), frameon=False)
        axes.set_axis_off()
        axes.set_xlim(0, scene.width)
        axes.set_ylim(scene.height, 0)
        for order, piece in enumerate(scene.pieces):
            if isinstance(piece, Text):
                for (x, y), line in zip(piece.feet, piece.lines, strict=True):
                    axes.text(
                        x, y, clean_text(line), fontsize=piece.size, color=piece.colour,
                        rotation=piece.turned,
                        fontweight="bold" if piece.bold else "normal", va="baseline", zorder=order,
                        ha={"start": "left", "middle": "center", "end": "right"}[piece.anchor],
                        rotation_mode="anchor",
                    )  # fmt: skip
            elif isinstance(piece, Line):
                xs, ys = zip(*piece.points, strict=True)
                style = (0, tuple(part / piece.width for part in piece.dash)) if piece.dash else "-"
                axes.add_line(
                    Line2D(xs, ys, color=piece.colour, linewidth=piece.width, linestyle=style,
                           alpha=piece.opacity, solid_capstyle="butt", dash_capstyle="butt", zorder=order)
                )  # fmt: skip
            elif isinstance(piece, Circle | Polygon):
                look: dict[str, Any] = {"facecolor": piece.fill or "none", "edgecolor": piece.edge or "none",
                        "linewidth": piece.edge_width, "alpha": piece.opacity, "zorder": order}  # fmt: skip
                axes.add_patch(
                    Disc(piece.centre, piece.radius, **look)
                    if isinstance(piece, Circle)
                    else Shape(piece.points, **look)
                )
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=RESOLUTION, metadata={"Software": None})
    return content.getvalue()
