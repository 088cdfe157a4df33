"""What came after a good end of the help, and families without clear progress."""

from mpg_research.present.figures.afterwards import draw_first_events, draw_scores_after
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.afterwards import afterwards_sentences, without_progress_sentences

__all__ = ["KINDS"]

KINDS = (
    Kind(
        name="afterwards",
        sentences=afterwards_sentences,
        figures=(
            Figure(name="first_events", draw=draw_first_events, shows=("incidence", "worsening")),
            Figure(name="scores_after", draw=draw_scores_after, shows=("scores_after",)),
        ),
    ),
    Kind(name="without_progress", sentences=without_progress_sentences),
)
