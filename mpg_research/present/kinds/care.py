"""Care as a time line: who helped, with how many."""

from mpg_research.present.figures.care import draw_around, draw_helpers
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.care import helper_sentences

__all__ = ["KINDS"]

KINDS = (
    Kind(
        name="helpers",
        sentences=helper_sentences,
        figures=(
            Figure(name="helpers_met", draw=draw_helpers, shows=("helpers_by_month",)),
            Figure(
                name="around_plan",
                draw=lambda voice: draw_around(
                    voice, "around_plan", "around_plan", "care_measure", ("agencies", "helpers", "hours")
                ),
                shows=("around_plan",),
            ),
        ),
    ),
)
