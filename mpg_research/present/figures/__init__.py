"""Figures of released results. matplotlib is loaded when the first one is drawn."""

import re
from collections.abc import Mapping
from importlib import import_module

from mpg_research.disclosure.released import Released, ReleasedTable, beside
from mpg_research.errors import ConfigError
from mpg_research.present.language.voice import Voice, refuse, voice_of, withheld_text
from mpg_research.present.presented import PresentedFigure, PresentedText
from mpg_research.present.tables.tabulate import tabulate_rows

__all__ = ["FIGURES", "draw"]

#: Figures by name: the module that draws them, and the table whose numbers they show (the first there is).
FIGURES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "mean_course": ("course", ("mean_curve", "mean_course")),
    "observed_course": ("course", ("observed_course",)),
    "adjusted_change": ("organisations", ("adjusted_change",)),
    "difference_from_mean": ("organisations", ("difference_from_mean",)),
    "adjusted_means": ("organisations", ("adjusted_curve", "adjusted_means")),
    "case_mix": ("families", ("case_mix",)),
    "funnel": ("funnel", ("funnel",)),
    "caterpillar": ("comparison", ("raw_and_shrunken",)),
    "rank_sets": ("comparison", ("ranks",)),
    "case_mix_difference": ("comparison", ("case_mix_difference",)),
    "share_indicators": ("comparison", ("share_indicators",)),
    "share_funnel": ("funnel", ("share_funnel",)),
    "run_chart": ("comparison", ("run_chart",)),
    "measurements_by_month": ("study", ("measurements_by_month",)),
    "item_completeness": ("study", ("item_completeness",)),
    "score_distribution": ("study", ("score_distribution",)),
    "items": ("study", ("items",)),
    "class_shares": ("change", ("merged",)),
    "answers_by_month": ("change", ("merged_by_month",)),
    "score_bands": ("change", ("score_bands",)),
    "swimmer": ("views", ("lanes",)),
    "spaghetti": ("views", ("strands",)),
    "measured_by_month": ("change", ("measured_by_month",)),
    "delta_adjustment": ("change", ("delta_adjustment",)),
    "decision_curve": ("change", ("decision_curve",)),
}
ALIASES = {
    "change_by_organisation": "adjusted_change",
    "mean_curve": "mean_course",
    "adjusted_curve": "adjusted_means",
}


def draw(released: Released, figure: str, *, language: str) -> PresentedFigure | PresentedText:
    """Draw one figure of a released result.

    Parameters
    ----------
    released : Released
        From :func:`mpg_research.disclosure.release`.
    figure : str
        One of :data:`FIGURES`.
    language : str
        Language of title, axes, caption and description.

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
    name = ALIASES.get(figure, figure)
    if name not in FIGURES:
        raise ConfigError(f"There is no figure {figure!r}; expected one of {', '.join(FIGURES)}.")
    refused = refuse(voice, name)
    if refused is not None:
        return refused
    module, table_names = FIGURES[name]
    table = next((found for each in table_names if (found := voice.table(each)) is not None), None)
    if table is None:
        return withheld_text(voice, name, table_names[-1])
    from mpg_research.present.figures.style import export

    drawing = getattr(import_module(f"{__name__}.{module}"), f"draw_{name}")(voice)
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
            voice, _shown_in(voice, name, table), name=name, only_own=name == "observed_course"
        ),
        data_label=voice.phrases("general.table_data"),
    )


def _shown_in(voice: Voice, name: str, table: ReleasedTable) -> ReleasedTable:
    """The numbers in the picture: of the mean course its dots too, and how many families each is about."""
    observed = voice.table("observed_course")
    if name != "mean_course" or observed is None or observed.organisation_columns or not len(table.data):
        return table
    dots = {"mean": "observed_mean", "n_families": "n_measured"}
    return beside(table, observed, dots, key="months", until=float(table.data["months"].max()) + 0.5)
