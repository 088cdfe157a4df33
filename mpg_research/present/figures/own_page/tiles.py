"""Four numbers of an organisation, each on a bar of its own: the others, what was expected, and chance."""

import math
from dataclasses import dataclass

from mpg_research.present.drawing.chart import Chart, Panel
from mpg_research.present.figures.parts import CONTEXT, CONTEXT_INK, number_axis, put_into_words, whisker
from mpg_research.present.figures.style import INK, MAIN, Drawing
from mpg_research.present.language.voice import Voice
from mpg_research.present.many import HALF, MOST, are_many, quantiles
from mpg_research.present.sentences.own_page.tiles import Tile, sentence_of, tiles_of

__all__ = ["DrawnTile", "TilesDrawing", "draw_tiles"]

#: Width of the picture in a tile, in points: it fits the screen of a phone as it is.
TILE_WIDTH = 246.0
#: The range of chance: lighter than everything on it, on paper too.
CHANCE, CHANCE_EDGE = "#dde3e9", "#b4bdc6"
HEIGHT = 48.0


@dataclass(frozen=True, slots=True)
class DrawnTile:
    """One tile: its words, and the chart below them.

    Attributes
    ----------
    title, number, word, words, alt : str
        What it is, the number, the word of certainty, what stands beside it, and what the chart shows.
    chart : Chart or None
        None where there is no number to draw.
    """

    title: str
    number: str
    word: str
    words: str
    alt: str
    chart: Chart | None


@dataclass(frozen=True, slots=True)
class TilesDrawing:
    """The figure of all tiles: one chart for its file, and the tiles for the page.

    Attributes
    ----------
    figure : Chart
    title, caption, alt : str
    tiles : tuple of DrawnTile
    """

    figure: Chart
    title: str
    caption: str
    alt: str
    tiles: tuple[DrawnTile, ...]


def draw_tiles(voice: Voice) -> TilesDrawing | None:
    """The four numbers of the organisation that reads; None for other readers, and where none is shown."""
    tiles = tiles_of(voice)
    known = [tile for tile in tiles if math.isfinite(tile.value)]
    if not known:
        return None
    chart = Chart([HEIGHT] * len(known))
    for place, tile in enumerate(known):
        _bar(chart.panel(place), voice, tile)
        chart.panel(place).title, chart.panel(place).title_bold = f"{tile.title}: {tile.number}", True
    said = {tile.name: sentence_of(voice, tile) for tile in tiles}
    told = " ".join(said.values())
    compared = any(math.isfinite(tile.expected) for tile in known)
    many = are_many(max(len(tile.others) for tile in known))
    others = voice.phrases(f"figure.own_tiles.{'bands' if many else 'dots'}") if compared else ""
    name = "own_tiles" if compared else "own_tiles_alone"
    words: Drawing = put_into_words(voice, name, chart, tiles=told, dots=others)
    drawn = tuple(
        DrawnTile(tile.title, tile.number, tile.word, tile.words, said[tile.name], _one(voice, tile))
        for tile in tiles
    )
    return TilesDrawing(chart, words.title, words.caption, words.alt, drawn)


def _one(voice: Voice, tile: Tile) -> Chart | None:
    if not math.isfinite(tile.value):
        return None
    chart = Chart([HEIGHT], width=TILE_WIDTH)
    _bar(chart.panel(), voice, tile)
    return chart


def _bar(panel: Panel, voice: Voice, tile: Tile) -> None:
    """The range of chance around what was expected, the others on it, the own number in front."""
    panel.y.low, panel.y.high, panel.y.line, panel.y.shows_ticks = -1.0, 1.0, False, False
    if math.isfinite(tile.low) and math.isfinite(tile.high):
        panel.box((tile.low, tile.high), (-0.7, 0.7), fill=CHANCE, edge=CHANCE_EDGE)
    if are_many(len(tile.others)):
        for at, width in ((MOST, 2.0), (HALF, 5.0)):
            panel.line(quantiles(tile.others, at), [-0.35, -0.35], colour=CONTEXT, width=width)
    else:
        panel.marks(
            tile.others, [0.0] * len(tile.others), fill=CONTEXT, edge="#ffffff", edge_width=0.7, size=7
        )
    whisker(panel, tile.expected, -0.85, 0.85, colour=INK, width=1.8)
    panel.marks([tile.value], [0.0], shape="D", fill=MAIN, edge="#ffffff", size=11)
    if tile.is_share:
        panel.x.low, panel.x.high = 0.0, 1.0
        panel.x.ticks = [(tick, voice.count(100 * tick)) for tick in (0, 0.25, 0.5, 0.75, 1)]
        better_is_right = tile.name != "dropped_out"
    else:
        number_axis(panel.x, voice)
        panel.x.margin = 0.12
        better_is_right = not voice.lower_is_better
    side = "right" if better_is_right else "left"
    panel.above(
        panel.x.ends()[better_is_right],
        voice.phrases(f"figure.own_tiles.{side}_axis"),
        colour=CONTEXT_INK,
        size=8,
    )
