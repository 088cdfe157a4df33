"""Figures of released results: marks on axes by ``present/drawing/``, the others by matplotlib."""

import re
from collections.abc import Callable

from mpg_research.disclosure.private_names import marked_name
from mpg_research.disclosure.released import Released
from mpg_research.errors import ConfigError, did_you_mean
from mpg_research.present.drawing.chart import Chart
from mpg_research.present.drawing.layout import lay_out
from mpg_research.present.drawing.png import png_of
from mpg_research.present.drawing.svg import svg_of
from mpg_research.present.language.voice import refuse, voice_of, withheld_text
from mpg_research.present.presented import PresentedFigure, PresentedText
from mpg_research.present.registry import Drawn, figure_named, figures
from mpg_research.present.tables.tabulate import tabulate_rows

__all__ = ["draw"]


def draw(
    released: Released, figure: str, *, language: str, folder: str = "", file: str = ""
) -> PresentedFigure | PresentedText:
    """Draw one figure of a released result.

    Parameters
    ----------
    released : Released
        From :func:`mpg_research.disclosure.release`.
    figure : str
        One of those that the kinds of results register (``mpg_research.present.registry.figures``).
    language : str
        Language of title, axes, caption and description.
    folder : str
        Where the CSV file will lie, seen from the page; a table that shows a part of its rows links to it.
    file : str
        Name of its files without their ending, if not that of the figure.

    Returns
    -------
    PresentedFigure or PresentedText
        The picture with description and numbers; or, where it may not be shown, the sentence that says
        why.

    Raises
    ------
    ConfigError
        If there is no such figure.
    DisclosureError
        If ``released`` did not come from the gate.

    Notes
    -----
    Colours differ in lightness as well as in hue (Okabe and Ito 2008), so that they work for colour-blind
    readers and in greyscale. Text is text: it can be selected and searched, in the page and by whoever looks
    for names in it. The picture has the same bytes in every run; a PNG is drawn when it is asked for.
    """
    voice = voice_of(released, language)
    chosen = figure_named(figure)
    if chosen is None:
        known = list(figures())
        raise ConfigError(
            f"There is no figure {figure!r}; expected one of {', '.join(known)}. "
            f"{did_you_mean(figure, known)}".rstrip()
        )
    name = chosen.name
    refused = refuse(voice, name)
    if refused is not None:
        return refused
    table = next((found for each in chosen.shows if (found := voice.table(each)) is not None), None)
    if table is None:
        return withheld_text(voice, name, chosen.shows[-1])
    drawing = chosen.draw(voice)
    if drawing is None:
        sentence = voice.phrases("withheld.no_numbers")
        return PresentedText(name, language, ((sentence,),), voice.mark, shows_numbers=False)
    alt = f"{drawing.alt} {voice.mark}.".strip() if voice.mark else drawing.alt
    svg, make_png = _picture(drawing, voice.mark, alt, f"{name} {language}")
    return PresentedFigure(
        name=marked_name(file or name, private=released.audience.private),
        language=language,
        svg=svg,
        make_png=make_png,
        title=drawing.title,
        caption=re.sub(" +", " ", drawing.caption).strip(),
        alt=alt,
        general=tuple(each for each in (voice.adjusted, voice.direction) if each and each in drawing.caption),
        data=tabulate_rows(
            voice,
            chosen.numbers(voice, table) if chosen.numbers else table,
            name=file or name,
            only_own=chosen.only_own,
            folder=folder,
        ),
        data_label=voice.phrases("general.table_data"),
    )


def _picture(drawing: Drawn, mark: str, label: str, name: str) -> tuple[bytes, Callable[[], bytes]]:
    """The picture as SVG, and what draws it as PNG."""
    if isinstance(drawing.figure, Chart):
        scene = lay_out(drawing.figure, title=drawing.title, mark=mark)
        return svg_of(scene, label=label), lambda: png_of(scene)
    from mpg_research.present.figures.by_matplotlib import export_png, export_svg

    svg = export_svg(drawing.figure, name=name, title=drawing.title, mark=mark, label=label)
    return svg, lambda: export_png(drawing.figure)
