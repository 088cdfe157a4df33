"""What the data are worth, what the questionnaire measures, and who is missing."""

from mpg_research.present.figures.change import draw_delta_adjustment, draw_measured_by_month
from mpg_research.present.figures.study import (
    draw_item_completeness,
    draw_items,
    draw_measurements_by_month,
    draw_score_distribution,
)
from mpg_research.present.paper.family_methods import missing_methods
from mpg_research.present.paper.fit_sentences import intake_sentences
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.data import measurement_sentences, quality_sentences
from mpg_research.present.sentences.families import missing_sentences

__all__ = ["KINDS"]

KINDS = (
    Kind(
        name="data_quality",
        sentences=quality_sentences,
        figures=(
            Figure(
                name="measurements_by_month",
                draw=draw_measurements_by_month,
                shows=("measurements_by_month",),
            ),
            Figure(name="item_completeness", draw=draw_item_completeness, shows=("item_completeness",)),
        ),
    ),
    Kind(
        name="measurement",
        sentences=measurement_sentences,
        figures=(
            Figure(name="score_distribution", draw=draw_score_distribution, shows=("score_distribution",)),
            Figure(name="items", draw=draw_items, shows=("items",)),
        ),
    ),
    Kind(
        name="missing_data",
        sentences=missing_sentences,
        methods=missing_methods,
        topics=("tipping",),
        figures=(
            Figure(name="measured_by_month", draw=draw_measured_by_month, shows=("measured_by_month",)),
            Figure(name="delta_adjustment", draw=draw_delta_adjustment, shows=("delta_adjustment",)),
        ),
    ),
    Kind(
        name="intake",
        sentences=intake_sentences,
        main_table="intake",
        beside_organisations={"intake_by_organisation": "intake"},
    ),
)
