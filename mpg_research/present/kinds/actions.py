"""What was done after signals, and how completely it is recorded."""

from mpg_research.present.figures.flows import draw_signal_flows
from mpg_research.present.paper.care_methods import action_methods
from mpg_research.present.registry import Figure, Kind
from mpg_research.present.sentences.actions import action_sentences, record_sentences

__all__ = ["KINDS"]

KINDS = (
    Kind(
        name="actions",
        sentences=action_sentences,
        methods=action_methods,
        figures=(
            Figure(
                name="signal_flows",
                draw=draw_signal_flows,
                shows=("action_to_state", "signal_to_action"),
            ),
        ),
    ),
    Kind(name="record_keeping", sentences=record_sentences),
)
