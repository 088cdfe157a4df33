"""Organisations compared: beside each other, over the years, and in other ways of computing."""

from mpg_research.present.figures import many
from mpg_research.present.figures.comparison import draw_run_chart
from mpg_research.present.figures.funnel import draw_funnel, draw_share_funnel
from mpg_research.present.figures.own_page.course import draw_own_course, with_line
from mpg_research.present.figures.own_page.response import draw_response
from mpg_research.present.figures.own_page.tiles import draw_tiles
from mpg_research.present.figures.study import draw_case_mix
from mpg_research.present.kinds.growth import OBSERVED_COURSE
from mpg_research.present.language.voice import Voice
from mpg_research.present.paper.growth_methods import cohort_methods, comparison_methods, robustness_methods
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.organisations import organisation_sentences
from mpg_research.present.sentences.over_time import over_time_sentences, robustness_sentences
from mpg_research.present.sentences.own_page.page import LISTS, TOPICS, own_page_sentences

__all__ = ["KINDS"]

_FIGURES = (
    Figure(
        name="adjusted_change",
        draw=many.change,
        shows=("adjusted_change",),
        aliases=("change_by_organisation",),
    ),
    Figure(name="difference_from_mean", draw=many.difference, shows=("difference_from_mean",)),
    Figure(
        name="adjusted_means",
        draw=many.courses,
        shows=("adjusted_curve", "adjusted_means"),
        aliases=("adjusted_curve",),
    ),
    OBSERVED_COURSE,
    Figure(name="case_mix", draw=draw_case_mix, shows=("case_mix",)),
    Figure(name="funnel", draw=draw_funnel, shows=("funnel",)),
    Figure(name="caterpillar", draw=many.shrunken, shows=("raw_and_shrunken",)),
    Figure(name="rank_sets", draw=many.ranks, shows=("ranks",)),
    Figure(name="case_mix_difference", draw=many.mix, shows=("case_mix_difference",)),
    Figure(name="share_indicators", draw=many.shares, shows=("share_indicators",)),
    Figure(name="share_funnel", draw=draw_share_funnel, shows=("share_funnel",)),
    Figure(
        name="own_tiles",
        draw=draw_tiles,
        shows=("share_indicators", "adjusted_change", "difference_from_mean"),
    ),
    Figure(
        name="own_course",
        draw=draw_own_course,
        shows=("observed_course", "adjusted_curve"),
        numbers=with_line,
        only_own=True,
    ),
    Figure(name="response_by_month", draw=draw_response, shows=("response_by_month",), only_own=True),
)


def _sentences(voice: Voice) -> dict[str, list[str]]:
    return {**organisation_sentences(voice), **own_page_sentences(voice)}


KINDS = (
    Kind(
        name="organisations",
        sentences=_sentences,
        main_table="adjusted_change",
        figures=_FIGURES,
        topics=("first_page", "first_page_shares", "shares", "ranks", "funnel", *TOPICS),
        lists=LISTS,
        methods=comparison_methods,
    ),
    Kind(
        name="organisation_robustness",
        sentences=robustness_sentences,
        main_table="robustness",
        methods=robustness_methods,
    ),
    Kind(
        name="organisations_over_time",
        sentences=over_time_sentences,
        methods=cohort_methods,
        figures=(Figure(name="run_chart", draw=draw_run_chart, shows=("run_chart",)),),
    ),
)
