"""Whether an intervention goes with a better course: a target trial, or a refusal."""

from mpg_research.present.figures.love_plot import draw_love_plot
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.trials import trial_sentences

__all__ = ["KINDS"]

KINDS = (
    Kind(
        name="target_trial",
        sentences=trial_sentences,
        topics=("nothing_done",),
        figures=(Figure(name="love_plot", draw=draw_love_plot, shows=("balance",)),),
    ),
)
