"""Figures of released results. matplotlib is loaded when the first one is drawn."""

import re

from mpg_research.disclosure.released import Released
from mpg_research.errors import ConfigError, did_you_mean
from mpg_research.present.language.voice import refuse, voice_of, withheld_text
from mpg_research.present.presented import PresentedFigure, PresentedText
from mpg_research.present.registry import figure_named, figures
from mpg_research.present.tables.tabulate import tabulate_rows

__all__ = ["draw"]


def draw(
    released: Released, figure: str, *, language: str, folder: str = ""
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
    readers and in greyscale. Text is drawn as outlines of the font that comes with matplotlib, so that a
    picture looks the same everywhere and has the same bytes in every run.
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
    from mpg_research.present.figures.style import export

    drawing = chosen.draw(voice)
    if drawing is None:
        sentence = voice.phrases("withheld.no_numbers")
        return PresentedText(name, language, ((sentence,),), voice.mark, shows_numbers=False)
    svg, png = export(drawing.figure, title=drawing.title, mark=voice.mark)
    return PresentedFigure(
        name=name,
        language=language,
        svg=svg,
        png=png,
        title=drawing.title,
        caption=re.sub(" +", " ", drawing.caption).strip(),
        alt=f"{drawing.alt} {voice.mark}.".strip() if voice.mark else drawing.alt,
        data=tabulate_rows(
            voice,
            chosen.numbers(voice, table) if chosen.numbers else table,
            name=name,
            only_own=chosen.only_own,
            folder=folder,
        ),
        data_label=voice.phrases("general.table_data"),
    )
