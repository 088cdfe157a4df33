"""Costs beside effects and benefits, fewer agencies as a scenario, and the checklist of what is reported."""

from mpg_research.present.figures.costs.organisations import draw_organisations_plane
from mpg_research.present.figures.costs.plane import draw_acceptability, draw_plane
from mpg_research.present.figures.costs.steps import draw_tornado, draw_waterfall
from mpg_research.present.paper.money_methods import (
    benefit_methods,
    comparison_of_costs_methods,
    organisation_value_methods,
)
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.costs.compared import comparison_sentences
from mpg_research.present.sentences.costs.organisations import organisation_value_sentences
from mpg_research.present.sentences.costs.stated import checklist_sentences, scenario_sentences
from mpg_research.present.sentences.costs.weighed import benefit_sentences

__all__ = ["KINDS"]

KINDS = (
    Kind(
        name="costs_and_effects",
        sentences=comparison_sentences,
        methods=comparison_of_costs_methods,
        topics=("in_short", "method"),
        figures=(
            Figure(name="plane", draw=draw_plane, shows=("cost_differences", "effect_differences", "region")),
            Figure(name="acceptability", draw=draw_acceptability, shows=("acceptability",)),
            Figure(name="tornado", draw=draw_tornado, shows=("price_ranges",)),
        ),
    ),
    Kind(
        name="costs_and_benefits",
        sentences=benefit_sentences,
        methods=benefit_methods,
        topics=("in_short", "payers", "method"),
        lists=("payers",),
        figures=(Figure(name="waterfall", draw=draw_waterfall, shows=("waterfall",)),),
    ),
    Kind(
        name="organisations_costs_and_effects",
        sentences=organisation_value_sentences,
        methods=organisation_value_methods,
        figures=(
            Figure(
                name="organisations_plane",
                draw=draw_organisations_plane,
                shows=("cost_from_mean", "effect_from_mean"),
            ),
        ),
    ),
    Kind(
        name="agencies_scenario",
        sentences=scenario_sentences,
        topics=("assumptions",),
        lists=("assumptions",),
    ),
    Kind(name="costs_checklist", sentences=checklist_sentences),
)
