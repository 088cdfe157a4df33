"""Rows of an optional table put in a family's period of help and in time."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mpg_research.analysis.growth.help_periods import worker_keys
from mpg_research.errors import Note
from mpg_research.study.model import FlowStep, SampleFlow, Study
from mpg_research.study.scoring.place_in_time import assign_episodes, place_in_time
from mpg_research.study.scoring.scores import IN_COURSE

__all__ = ["Placed", "place_rows", "with_families"]

_KEYS = ["family", "episode"]


@dataclass(frozen=True, slots=True)
class Placed:
    """The rows of a table that lie in the course of help.

    Attributes
    ----------
    frame : DataFrame
        The columns of the table, with family and episode as text, organisation (its key), worker (unique
        over organisations; the family's own where unknown) and months since the start.
    flow : SampleFlow
    notes : tuple of Note
    """

    frame: pd.DataFrame
    flow: SampleFlow
    notes: tuple[Note, ...]


def place_rows(study: Study, name: str, *, needed: str) -> Placed:
    """The rows of a table in the course of help, each with its period of help.

    Parameters
    ----------
    study : Study
        A loaded study.
    name : str
        Name of the table; it has family and date.
    needed : str
        Column without which a row says nothing.

    Returns
    -------
    Placed

    Notes
    -----
    As for measurements: what lies up to the baseline window before the start counts as the start, and what
    lies after the end of help is no part of the course. Every family has one period here, as everywhere
    (``[analysis] episodes``): its first with any row, unless all are asked for.
    """
    table = study.tables[name].reset_index(drop=True)
    episodes = study.tables["episodes"].reset_index(drop=True)
    position = assign_episodes(table, episodes, study.config)
    own = episodes.iloc[np.maximum(position, 0)].reset_index(drop=True)
    months, phase = place_in_time(table["date"], own["start"], own["end"], study.config)
    frame = table.assign(episode=own["episode"].astype(str), months=months)
    frame["family"] = frame["family"].astype(str)
    frame = with_families(frame.drop(columns=["organisation", "worker"], errors="ignore"), own)
    steps = [_step("read", "read", frame)]

    def keep(chosen: np.ndarray, code: str, text: str) -> None:
        nonlocal frame, phase, own
        frame, phase, own = frame[chosen], phase[chosen], own[chosen]
        steps.append(_step(code, text, frame))

    keep(position >= 0, "known_family", "of a family with a period of help")
    keep(frame[needed].notna().to_numpy(dtype=bool), "scored", "with a value")
    keep(np.isin(phase, IN_COURSE), "in_course", "in the course of help")
    if study.config.analysis.episodes == "first" and len(frame):
        first = own.assign(family=frame["family"]).sort_values(["family", "start"], kind="stable")
        wanted = first.drop_duplicates("family").set_index("family")["episode"].astype(str)
        same = frame["episode"].to_numpy() == frame["family"].map(wanted).to_numpy()
        keep(same, "first_episode", "in the first period of help of the family with any")
    steps.append(_step("analysed", "analysed", frame))
    out = len(table) - len(frame)
    notes = []
    if out:
        text = (
            f"{out} of {len(table)} rows of the table {name} lie outside the course of help and are not used."
        )
        notes.append(Note("rows_outside_course", text, {"n_records": out, "n_all": len(table)}))
    return Placed(frame.reset_index(drop=True), SampleFlow(tuple(steps)), tuple(notes))


def with_families(frame: pd.DataFrame, episodes: pd.DataFrame) -> pd.DataFrame:
    """The rows with the organisation and the worker of their period of help, row by row.

    Parameters
    ----------
    frame : DataFrame
        With family.
    episodes : DataFrame
        As many rows: organisation and, where known, worker.
    """
    organisation = episodes["organisation"].astype(str).to_numpy()
    text = {"organisation": organisation, "family": frame["family"].astype(str).to_numpy()}
    worker = worker_keys(episodes.assign(**text)).to_numpy(dtype=object)
    return frame.assign(organisation=organisation, worker=worker)


def _step(code: str, text: str, frame: pd.DataFrame) -> FlowStep:
    periods = len(frame[_KEYS].drop_duplicates())
    return FlowStep(code, text, len(frame), int(frame["family"].nunique()), periods)
