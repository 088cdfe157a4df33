"""Who was measured of all families, and how they fared: of the funder's first page."""

from mpg_research.present.figures.first_page.hundred import draw_every_hundred
from mpg_research.present.figures.first_page.steps import draw_who_was_measured
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.first_page.followed import followed_sentences

__all__ = ["KINDS"]

KINDS = (
    Kind(
        name="followed_families",
        sentences=followed_sentences,
        topics=("measured",),
        figures=(
            Figure(name="every_hundred", draw=draw_every_hundred, shows=("of_all_families",)),
            Figure(
                name="who_was_measured", draw=draw_who_was_measured, shows=("not_measured", "sample_flow")
            ),
        ),
    ),
)
