"""A scene as SVG: text as text, no ids, no styles of a page's, the same bytes everywhere."""

from collections.abc import Iterable
from html import escape
from itertools import groupby

from mpg_research.present.drawing.letters import FONT_STACK, clean_text
from mpg_research.present.drawing.scene import Circle, Line, Piece, Point, Polygon, Scene, Text

__all__ = ["number", "svg_of", "svg_start"]


def svg_of(scene: Scene, *, label: str) -> bytes:
    """The picture as a whole SVG file, which can stand in a page as it is.

    Parameters
    ----------
    scene : Scene
    label : str
        The description for those who do not see it.
    """
    parts = [svg_start(scene.width, scene.height, label)]
    for attributes, pieces in groupby(scene.pieces, _attributes):
        drawn = list(_drawn(pieces))
        if len(drawn) == 1:
            tag, rest = drawn[0]
            parts.append(f"<{tag} {attributes}{rest}")
        else:
            parts += [f"<g {attributes}>", *(f"<{tag}{rest}" for tag, rest in drawn), "</g>"]
    return ("\n".join([*parts, "</svg>"]) + "\n").encode("utf-8")


def svg_start(width: float, height: float, label: str) -> str:
    """The first tag of a picture and its white ground."""
    size = f"{number(width)} {number(height)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(width)}pt" height="{number(height)}pt" '
        f'viewBox="0 0 {size}" role="img" aria-label="{escape(clean_text(label))}" '
        f'font-family="{FONT_STACK}" fill="none" stroke-linejoin="round">\n'
        f'<path fill="#ffffff" d="M0 0H{number(width)}V{number(height)}H0Z"/>'
    )


def number(value: float) -> str:
    """A length with one decimal at most."""
    written = f"{value:.1f}".removesuffix(".0")
    return "0" if written == "-0" else written


def _attributes(piece: Piece) -> str:
    """What a piece looks like, without where it is."""
    if isinstance(piece, Text):
        bold = ' font-weight="bold"' if piece.bold else ""
        anchor = "" if piece.anchor == "start" else f' text-anchor="{piece.anchor}"'
        return f'fill="{piece.colour}" font-size="{number(piece.size)}"{bold}{anchor}'
    if isinstance(piece, Line):
        dash = f' stroke-dasharray="{" ".join(map(number, piece.dash))}"' if piece.dash else ""
        return f'stroke="{piece.colour}" stroke-width="{number(piece.width)}"{dash}{_opacity(piece.opacity)}'
    edge = f' stroke="{piece.edge}" stroke-width="{number(piece.edge_width)}"' if piece.edge else ""
    return f'fill="{piece.fill or "none"}"{edge}{_opacity(piece.opacity)}'


def _opacity(value: float) -> str:
    return "" if value == 1 else f' opacity="{value:.2g}"'


def _drawn(pieces: Iterable[Piece]) -> Iterable[tuple[str, str]]:
    """Tag and the rest of it of pieces that look alike; lines in a row become one path."""
    path = ""
    for piece in pieces:
        if isinstance(piece, Line) and piece.opacity == 1:
            path += _path(piece.points)
            continue
        if isinstance(piece, Line):
            yield "path", f' d="{_path(piece.points)}"/>'
        elif isinstance(piece, Polygon):
            yield "path", f' d="{_path(piece.points)}Z"/>'
        elif isinstance(piece, Circle):
            x, y = piece.centre
            yield "circle", f' cx="{number(x)}" cy="{number(y)}" r="{number(piece.radius)}"/>'
        else:
            yield "text", _text(piece)
    if path:
        yield "path", f' d="{path}"/>'


def _path(points: Iterable[Point]) -> str:
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)


def _text(piece: Text) -> str:
    lines = [escape(clean_text(line)) for line in piece.lines]
    (x, y), *others = ((number(x), number(y)) for x, y in piece.feet)
    turned = f' transform="rotate({number(-piece.turned)} {x} {y})"' if piece.turned else ""
    more = "".join(
        f'<tspan x="{x}" y="{y}">{line}</tspan>' for (x, y), line in zip(others, lines[1:], strict=True)
    )
    return f' x="{x}" y="{y}"{turned}>{lines[0]}{more}</text>'
