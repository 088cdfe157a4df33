"""The mean course."""

from mpg_research.disclosure.released import ReleasedTable, beside
from mpg_research.present.figures.course import draw_mean_course, draw_observed_course
from mpg_research.present.figures.first_page.course import draw_course_in_short
from mpg_research.present.language.voice import Voice
from mpg_research.present.paper import fit_figures
from mpg_research.present.paper.fit_sentences import model_sentences
from mpg_research.present.paper.growth_methods import model_methods, trajectory_methods
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.first_page.course import course_sentences

__all__ = ["KINDS", "OBSERVED_COURSE"]


def _with_dots(voice: Voice, table: ReleasedTable) -> ReleasedTable:
    """The numbers in the picture: its dots too, and how many families each is about."""
    observed = voice.table("observed_course")
    if observed is None or observed.organisation_columns or not len(table.data):
        return table
    dots = {"mean": "observed_mean", "n_families": "n_measured"}
    return beside(table, observed, dots, key="months", until=float(table.data["months"].max()) + 0.5)


OBSERVED_COURSE = Figure(
    name="observed_course", draw=draw_observed_course, shows=("observed_course",), only_own=True
)
KINDS = (
    Kind(
        name="trajectory",
        sentences=course_sentences,
        main_table="change",
        topics=("first_page", "not_concluded", "to_ask", "surer", "sensitivity"),
        methods=trajectory_methods,
        figures=(
            Figure(
                name="mean_course",
                draw=draw_mean_course,
                shows=("mean_curve", "mean_course"),
                aliases=("mean_curve",),
                numbers=_with_dots,
            ),
            Figure(
                name="course_in_short",
                draw=draw_course_in_short,
                shows=("mean_curve", "mean_course"),
                numbers=_with_dots,
            ),
            OBSERVED_COURSE,
        ),
    ),
    Kind(
        name="model_fit",
        sentences=model_sentences,
        main_table="fit_statistics",
        methods=model_methods,
        figures=(
            Figure(
                name="residuals_by_fitted",
                draw=fit_figures.draw_residuals_by_fitted,
                shows=("residuals_by_fitted",),
            ),
            Figure(name="residual_spread", draw=fit_figures.draw_residual_spread, shows=("residual_spread",)),
            Figure(name="influence", draw=fit_figures.draw_influence, shows=("influence",)),
            Figure(name="deviance_slices", draw=fit_figures.draw_deviance_slices, shows=("deviance_slices",)),
        ),
    ),
)
