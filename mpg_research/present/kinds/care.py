"""Care as a time line: who helped, with how many."""

from mpg_research.present.figures.care import draw_around, draw_helpers, draw_spells
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.care import helper_sentences, spell_sentences

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
    Kind(
        name="worker_spells",
        sentences=spell_sentences,
        figures=(
            Figure(name="spell_survival", draw=draw_spells, shows=("spell_survival",)),
            Figure(
                name="around_change",
                draw=lambda voice: draw_around(
                    voice, "around_change", "around_change", "change_outcome", ("score_all", "drop_out_all")
                ),
                shows=("around_change",),
            ),
        ),
    ),
)
