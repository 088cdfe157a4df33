"""Interventions before the start or after the end of the help that they belong to."""

import numpy as np
import pandas as pd

from mpg_research.study.config.study_toml import StudyConfig
from mpg_research.study.findings import Findings
from mpg_research.study.scoring.place_in_time import assign_episodes
from mpg_research.study.tables.columns import Table

__all__ = ["check_outside_help"]


def check_outside_help(table: Table, episodes: pd.DataFrame, config: StudyConfig, findings: Findings) -> None:
    """Interventions on a day on which their family had no help: one warning each, or one for many.

    Parameters
    ----------
    table : Table
        The interventions, canonical.
    episodes : DataFrame
        Canonical and numbered, with ``start`` and ``end``.
    config : StudyConfig
    findings : Findings
        Receives the problems.

    Notes
    -----
    The weeks before the start that count as time zero are for measurements: what was done about help that
    stands still cannot lie before that help.
    """
    frame = table.frame
    position = assign_episodes(frame, episodes, config)
    own = episodes.iloc[np.maximum(position, 0)].reset_index(drop=True)
    date = frame["date"].reset_index(drop=True)
    known = position >= 0

    def day(times: pd.Series, place: int) -> str:
        value = times.iloc[place]
        return value.date().isoformat() if isinstance(value, pd.Timestamp) else f"{value:g}"

    for code, mask, word, side in (
        ("intervention_before_start", date < own["start"], "before", own["start"]),
        ("intervention_after_end", date > own["end"], "after", own["end"]),
    ):
        end = "start" if word == "before" else "end"
        findings.add_rows(
            code, table.places, "date", mask.to_numpy(dtype=bool, na_value=False) & known,
            lambda place, word=word, end=end, side=side: (  # type: ignore[misc]
                f"an intervention on {day(date, place)}, {word} the {end} of the episode ({day(side, place)})"
            ),
            expected="a day during the help of that episode",
            remedy="Correct the date or the episode. As it is, no page counts it as something that was done.",
            severity="warning", together=f"interventions lie {word} the {end} of their episode",
        )  # fmt: skip
