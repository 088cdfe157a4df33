"""Care as a time line: who helped, how much, with how many agencies, and how families come and go."""

from mpg_research.present.figures.care import draw_around, draw_flow, draw_helpers, draw_hours, draw_spells
from mpg_research.present.paper.care_methods import (
    agency_methods,
    dose_methods,
    flow_methods,
    helper_methods,
    spell_methods,
)
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.care import helper_sentences, spell_sentences
from mpg_research.present.sentences.care_amount import agency_sentences, dose_sentences, flow_sentences

__all__ = ["KINDS"]

KINDS = (
    Kind(
        name="helpers",
        sentences=helper_sentences,
        methods=helper_methods,
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
        methods=spell_methods,
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
    Kind(
        name="dose",
        sentences=dose_sentences,
        methods=dose_methods,
        topics=("need",),
        figures=(
            Figure(name="hours_by_month", draw=draw_hours, shows=("hours_by_month",)),
            Figure(
                name="around_worsening",
                draw=lambda voice: draw_around(
                    voice, "around_worsening", "around_worsening", "dose_outcome", ("hours",)
                ),
                shows=("around_worsening",),
            ),
        ),
    ),
    Kind(
        name="fewer_agencies",
        sentences=agency_sentences,
        methods=agency_methods,
        figures=(
            Figure(
                name="around_fewer",
                draw=lambda voice: draw_around(
                    voice, "around_fewer", "around_fewer", "fewer_outcome", ("score",)
                ),
                shows=("around_fewer",),
            ),
        ),
    ),
    Kind(
        name="family_flow",
        sentences=flow_sentences,
        methods=flow_methods,
        figures=(Figure(name="flow_by_quarter", draw=draw_flow, shows=("flow_by_quarter",)),),
    ),
)
