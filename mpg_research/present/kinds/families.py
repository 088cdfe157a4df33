"""Each family's course, and what is expected and signalled while help is running."""

from mpg_research.present.figures.change import (
    draw_answers_by_month,
    draw_class_shares,
    draw_decision_curve,
    draw_score_bands,
)
from mpg_research.present.figures.views import draw_spaghetti, draw_swimmer
from mpg_research.present.paper.family_methods import (
    change_methods,
    course_methods,
    signal_methods,
    step_methods,
    trend_methods,
)
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.families import change_sentences, course_sentences, trend_sentences
from mpg_research.present.sentences.signals import (
    expected_sentences,
    quality_of_signals,
    signal_sentences,
    sudden_sentences,
)

__all__ = ["KINDS"]

KINDS = (
    Kind(
        name="individual_change",
        sentences=change_sentences,
        topics=("first_page",),
        methods=change_methods,
    ),
    Kind(name="reliable_trend", sentences=trend_sentences, methods=trend_methods),
    Kind(
        name="course",
        sentences=course_sentences,
        methods=course_methods,
        figures=(
            Figure(name="class_shares", draw=draw_class_shares, shows=("merged",)),
            Figure(name="answers_by_month", draw=draw_answers_by_month, shows=("merged_by_month",)),
            Figure(name="score_bands", draw=draw_score_bands, shows=("score_bands",)),
            Figure(name="swimmer", draw=draw_swimmer, shows=("lanes",)),
            Figure(name="spaghetti", draw=draw_spaghetti, shows=("strands",)),
        ),
    ),
    Kind(name="sudden_changes", sentences=sudden_sentences, methods=step_methods),
    Kind(name="expected_course", sentences=expected_sentences),
    Kind(name="signals", sentences=signal_sentences),
    Kind(
        name="signal_quality",
        sentences=quality_of_signals,
        methods=signal_methods,
        figures=(Figure(name="decision_curve", draw=draw_decision_curve, shows=("decision_curve",)),),
    ),
)
