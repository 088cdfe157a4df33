"""What families cost."""

from mpg_research.present.figures.costs.families import (
    draw_cost_funnel,
    draw_costs_by_month,
    draw_costs_by_organisation,
)
from mpg_research.present.paper.money_methods import cost_methods
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.costs.families import cost_sentences

__all__ = ["KINDS"]

KINDS = (
    Kind(
        name="costs",
        sentences=cost_sentences,
        methods=cost_methods,
        figures=(
            Figure(name="costs_by_month", draw=draw_costs_by_month, shows=("costs_by_month",)),
            Figure(
                name="costs_by_organisation",
                draw=draw_costs_by_organisation,
                shows=("costs_by_organisation",),
            ),
            Figure(name="cost_funnel", draw=draw_cost_funnel, shows=("cost_funnel",)),
        ),
    ),
)
