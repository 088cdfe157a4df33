"""Add the time line of care to the tables of a synthetic study, each part from a stream of its own."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mpg_research.simulate.plan import OrganisationPlan
from mpg_research.simulate.tables import SimulatedTables
from mpg_research.simulate.timeline.afterwards import draw_aftermath, events_afterwards, waves_afterwards
from mpg_research.simulate.timeline.care_columns import care_columns, worker_table
from mpg_research.simulate.timeline.flow import condition_rows, referred_column, region_column
from mpg_research.simulate.timeline.helped import Helped, line_up
from mpg_research.simulate.timeline.own_strength import own_strength_forms
from mpg_research.simulate.timeline.raters import domain_rows, draw_raters, practice_by_raters
from mpg_research.simulate.timeline.voice import decision_rows, goal_rows, satisfaction_column

__all__ = ["COST_STREAM", "N_STREAMS", "add_timeline"]

N_STREAMS = 16
"""Streams of randomness that are set apart; a new part takes the next one, so that no other moves."""

COST_STREAM = 15
"""The stream of what is planted in costs on request."""

_ORDER = {
    "measurements": ["family", "episode", "date", "respondent", "instrument"],
    "practice": ["family", "episode", "date"],
    "events": ["family", "episode", "date"],
    "domains": ["family", "episode", "date"],
    "goals": ["family", "episode", "date", "goal"],
    "decisions": ["family", "episode", "date"],
}


def add_timeline(
    streams: Sequence[np.random.Generator], simulated: SimulatedTables, plans: tuple[OrganisationPlan, ...]
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """The tables of the study with care as a time line; what stood in them stays as it was.

    Parameters
    ----------
    streams : sequence of Generator
        ``N_STREAMS`` of them.
    simulated : SimulatedTables
        The study so far.
    plans : tuple of OrganisationPlan
        The organisations.

    Returns
    -------
    tables : dict of str to DataFrame
        All tables, as text.
    truth : dict of str to DataFrame
        ``workers``, ``own_strength`` and ``afterwards``: what is true of each worker and family.
    """
    helped = line_up(simulated.periods, simulated.names, plans, simulated.silent)
    old = simulated.tables
    workers, since = worker_table(streams[1], old["care"], helped)
    raters = draw_raters(streams[2], workers, since)
    aftermath = draw_aftermath(streams[7], helped)
    forms, strengths = own_strength_forms(streams[9], old["measurements"], helped)
    waves = waves_afterwards(streams[8], helped, aftermath)
    columns = {
        "region": region_column(streams[5], helped, plans),
        "referred": referred_column(streams[6], helped),
        "thin_line": aftermath.column(helped),
        "satisfaction": satisfaction_column(streams[13], helped),
    }
    added = {
        "episodes": _with_columns(old["episodes"], helped, columns),
        "measurements": pd.concat([old["measurements"], waves, forms]),
        "care": care_columns(streams[0], old["care"], helped),
        "practice": practice_by_raters(streams[4], old["practice"], old["care"], helped, raters),
        "events": events_afterwards(streams[10], old["events"], helped, aftermath),
        "decisions": decision_rows(streams[12], helped),
        "workers": workers,
        "domains": domain_rows(streams[3], old["care"], helped, raters),
        "goals": goal_rows(streams[11], helped),
        "conditions": condition_rows(streams[14], plans),
    }
    for name, order in _ORDER.items():
        added[name] = added[name].sort_values(order, kind="stable")
    truth = {"workers": raters.truth(), "own_strength": strengths, "afterwards": aftermath.truth(helped)}
    return {**old, **{name: frame.reset_index(drop=True) for name, frame in added.items()}}, truth


def _with_columns(episodes: pd.DataFrame, helped: Helped, columns: dict[str, np.ndarray]) -> pd.DataFrame:
    """The table with further columns at its end; ``columns`` are in the order of the periods of help."""
    rows = helped.rows_of(episodes)
    return episodes.assign(**{name: values[rows] for name, values in columns.items()})
