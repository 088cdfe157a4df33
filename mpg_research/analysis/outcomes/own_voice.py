"""The family's own voice: its goals, the mark it gave the help, whether it was asked and listened to.

Tables of :class:`OwnVoice` (beside ``sample_flow``)
---------------------------------------------------
- ``goals(set_by, n_goals, mean, sd, first_quarter, half, third_quarter)``: how far goals had come when last
  scored in the help, on the study's own scale; by who set them, and all together.
- ``goals_reached(set_by, ...)`` and ``goals_reached_by_organisation(organisation, ...)``: the share of
  goals reached, where ``[care] goal_reached`` says from which attainment on a goal counts as reached; a
  family can have several, and the limits allow for that.
- ``satisfaction(n_marked, mean, mean_low, mean_high)``, ``satisfaction_by_organisation``: the mark from 0 to
  10, one per period of help; ``satisfaction_bands(class, ...)``: below the first limit of
  ``[care] satisfaction_bands``, between, from the second on, and not recorded.
- ``asked(class, ...)``: of the decisions on record, whether the family was asked what would help; and
  ``followed(class, ...)``: of those, whether its idea was followed. Not recorded is a class of its own.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import (
    EACH_ORGANISATION,
    N_GROUP,
    Column,
    coded,
    ends,
    number_of,
    observed,
    quantile,
)
from mpg_research.analysis.families.shares import share_rows, share_table
from mpg_research.analysis.outcomes.placed import Placed, place_rows, with_families
from mpg_research.analysis.result import (
    Result,
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
)
from mpg_research.errors import NotApplicableError, Note
from mpg_research.statistics.means import clustered_mean
from mpg_research.statistics.proportions import clustered_interval
from mpg_research.study.model import FlowStep, SampleFlow, Study
from mpg_research.study.schemas import GOAL_SETTERS

__all__ = [
    "BANDS",
    "YES_NO",
    "OwnVoice",
    "describe_own_voice",
    "goal_rows",
    "mark_rows",
    "mean_mark",
    "reached_rows",
]

BANDS = ("low_mark", "middle_mark", "high_mark", "not_recorded")
YES_NO = ("yes", "no", "not_recorded")
UNKNOWN_SETTER = "unknown"
ALL_GOALS = "all_goals"
_SETTER = coded("set_by")
_MARK = observed("mean", digits=1, own=True)
_QUARTERS = {"first_quarter": 0.25, "half": 0.5, "third_quarter": 0.75}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnVoice(Result):
    """What :func:`describe_own_voice` found; its tables are described in the module's docstring."""

    kind: ClassVar[str] = "own_voice"


def describe_own_voice(study: Study, *, level: float = 0.95) -> OwnVoice:
    """Describe goals, satisfaction, and whether families were asked and followed.

    Parameters
    ----------
    study : Study
        A loaded study.
    level : float
        Confidence level.

    Returns
    -------
    OwnVoice
        Tables ``goals``, ``goals_reached``, ``goals_reached_by_organisation``, ``satisfaction``,
        ``satisfaction_by_organisation``, ``satisfaction_bands``, ``asked``, ``followed`` and
        ``sample_flow`` (the module says what each holds; those of what is not recorded are empty).

    Raises
    ------
    NotApplicableError
        If the study records none of it.

    Examples
    --------
    >>> from mpg_research import describe_own_voice
    >>> describe_own_voice.__name__
    'describe_own_voice'
    """
    goals, marks, talks = goal_rows(study), mark_rows(study), _talks(study)
    absent = [
        name
        for name, rows in (
            ("goals", None if goals is None else goals.frame),
            ("satisfaction", marks[marks["mark"].notna()]),
            ("family_asked", talks),
        )
        if rows is None or rows.empty
    ]
    if len(absent) == 3:
        raise NotApplicableError(
            f"Study {study.name} records neither goals, nor satisfaction, nor whether the family was asked. "
            "Add them in study.toml (docs/reference/study_folder.md) if they are kept.",
            code="no_own_voice",
        )
    limit = study.config.care.goal_reached
    frame = _no_goals() if goals is None else goals.frame
    notes: list[Note] = [*study.notes, *(() if goals is None else goals.notes)]
    if len(frame) and limit is None:
        text = (
            "From which attainment on a goal counts as reached is not said ([care] goal_reached in "
            "study.toml), so no share of goals reached is given: scales differ."
        )
        notes.append(Note("goal_reached_not_said", text, {}))
    low, high = study.config.care.satisfaction_bands
    tables = [
        _goal_table(frame),
        _reached_table(frame, limit, level),
        reached_rows(frame, limit, level),
        *_mark_tables(marks, level),
        share_table("satisfaction_bands", _banded(marks, low, high, level)),
        share_table("asked", share_rows(talks, "asked", YES_NO, level=level)),
        share_table("followed", share_rows(talks[talks["asked"] == "yes"], "followed", YES_NO, level=level)),
    ]
    flow = _flow(marks) if goals is None else goals.flow
    parameters = {
        "level": level, "absent": absent, "goal_reached": limit, "low_limit": low, "high_limit": high,
    }  # fmt: skip
    return OwnVoice(
        tables=collect_tables([*tables, sample_flow_table(flow)]),
        flow=flow,
        notes=tuple(notes),
        provenance=provenance_of(study, parameters=parameters),
        level=level,
    )


def goal_rows(study: Study) -> Placed | None:
    """The last score of every goal in the help; None without a table of goals.

    Parameters
    ----------
    study : Study
    """
    if not len(study.tables.get("goals", ())):
        return None
    placed = place_rows(study, "goals", needed="attainment")
    keys = ["family", "episode", "goal"]
    last = placed.frame.sort_values([*keys, "months"], kind="stable").drop_duplicates(keys, keep="last")
    setter = last.get("set_by", pd.Series(None, index=last.index, dtype=object)).astype(object)
    last = last.assign(set_by=setter.where(setter.isin(list(GOAL_SETTERS)), UNKNOWN_SETTER))
    return Placed(last.reset_index(drop=True), placed.flow, placed.notes)


def mark_rows(study: Study) -> pd.DataFrame:
    """One row per period of help that has ended: family, episode, organisation, worker and mark.

    Parameters
    ----------
    study : Study
    """
    episodes = study.tables["episodes"].drop_duplicates(["family", "episode"])
    marked = episodes.get("satisfaction", pd.Series(np.nan, index=episodes.index)).astype(float)
    chosen = episodes["end"].notna() | marked.notna() if "end" in episodes else marked.notna()
    rows = episodes.loc[chosen, ["family", "episode"]].astype(str).assign(mark=marked[chosen])
    return with_families(rows, episodes[chosen]).reset_index(drop=True)


def reached_rows(goals: pd.DataFrame, limit: float | None, level: float) -> ResultTable:
    """``goals_reached_by_organisation``: the share of each organisation's goals that were reached.

    Parameters
    ----------
    goals : DataFrame
        From :func:`goal_rows`.
    limit : float or None
        Attainment from which a goal counts as reached; without it there are no rows.
    level : float
    """
    rows = [] if limit is None else [
        _reached(key, mine, limit, level) for key, mine in goals.groupby("organisation", sort=True)
    ]  # fmt: skip
    data = pd.DataFrame(rows, columns=_REACHED).rename(columns={"set_by": "organisation"})
    return share_table("goals_reached_by_organisation", data, EACH_ORGANISATION)


_REACHED = ["set_by", "estimate", "conf_low", "conf_high", "clustered_low", "clustered_high", "n_group",
            "n_families", "n_organisations"]  # fmt: skip


def _reached(key: object, mine: pd.DataFrame, limit: float, level: float) -> tuple[object, ...]:
    """Share of goals reached, with limits that allow for several goals of a family, and for workers."""
    happened = (mine["attainment"].astype(float) >= limit).to_numpy()
    by_family = clustered_interval(happened, mine["family"].to_numpy(dtype=str), level=level)
    by_worker = clustered_interval(happened, mine["worker"].to_numpy(dtype=str), level=level)
    limits = (by_family.conf_low, by_family.conf_high, by_worker.conf_low, by_worker.conf_high)
    inside = mine[happened]
    return (
        key, float(happened.mean()), *(float(one[0]) for one in limits), len(mine),
        int(inside["family"].nunique()), int(inside["organisation"].nunique()),
    )  # fmt: skip


def _reached_table(goals: pd.DataFrame, limit: float | None, level: float) -> ResultTable:
    rows = []
    if limit is not None and len(goals):
        groups = [(ALL_GOALS, goals), *_by_setter(goals)]
        rows = [_reached(key, mine, limit, level) for key, mine in groups]
    return share_table("goals_reached", pd.DataFrame(rows, columns=_REACHED), _SETTER)


def _by_setter(goals: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [
        (name, goals[goals["set_by"] == name])
        for name in (*GOAL_SETTERS, UNKNOWN_SETTER)
        if (goals["set_by"] == name).any()
    ]


def _goal_table(goals: pd.DataFrame) -> ResultTable:
    """How far goals had come, on the study's own scale."""
    rows = []
    for key, mine in [(ALL_GOALS, goals), *_by_setter(goals)] if len(goals) else []:
        # Per family the mean over its goals: a quartile then lies between families.
        per_family = mine.groupby("family")["attainment"].mean().astype(float)
        quarters = per_family.quantile(list(_QUARTERS.values())).tolist()
        rows.append(
            (key, len(mine), float(mine["attainment"].mean()), float(per_family.std(ddof=1)), *quarters,
             int(mine["family"].nunique()), int(mine["organisation"].nunique()))
        )  # fmt: skip
    columns = (
        _SETTER, number_of("n_goals", of="goals"), observed("mean", digits=2),
        observed("sd", digits=2, plain=False),
        *(quantile(name, at, digits=1) for name, at in _QUARTERS.items()),
    )  # fmt: skip
    names = [*(column.name for column in columns), "n_families", "n_organisations"]
    return ResultTable("goals", pd.DataFrame(rows, columns=names), columns=columns)


def _no_goals() -> pd.DataFrame:
    columns = ["family", "episode", "goal", "attainment", "set_by", "organisation", "worker", "months"]
    return pd.DataFrame(columns=columns)


def mean_mark(mine: pd.DataFrame, level: float) -> dict[str, object]:
    """Mean mark with limits that allow for several periods of a family.

    Parameters
    ----------
    mine : DataFrame
        Rows of :func:`mark_rows` with a mark.
    level : float
    """
    found = clustered_mean(mine["mark"], mine["family"], level=level)
    return {
        "n_group": len(mine), "mean": found.estimate, "mean_low": float(np.maximum(found.conf_low, 0.0)),
        "mean_high": float(np.minimum(found.conf_high, 10.0)), "n_families": found.n_clusters,
    }  # fmt: skip


def _mark_tables(marks: pd.DataFrame, level: float) -> list[ResultTable]:
    known = marks[marks["mark"].notna()]
    names = ["n_group", "mean", "mean_low", "mean_high", "n_families"]
    of_all = [{**mean_mark(known, level), "n_organisations": known["organisation"].nunique()}]
    apart = [
        {"organisation": key, **mean_mark(mine, level)}
        for key, mine in known.groupby("organisation", sort=True)
    ]
    columns: tuple[Column, ...] = (N_GROUP.but(own=True), _MARK, *ends(_MARK))
    return [
        ResultTable(
            "satisfaction",
            pd.DataFrame(of_all if len(known) else [], columns=[*names, "n_organisations"]),
            columns=columns,
        ),
        ResultTable(
            "satisfaction_by_organisation",
            pd.DataFrame(apart, columns=["organisation", *names]),
            columns=(EACH_ORGANISATION, *columns),
        ),
    ]


def _banded(marks: pd.DataFrame, low: float, high: float, level: float) -> pd.DataFrame:
    """Shares of the periods that ended, by the mark; none where no mark was ever given."""
    mark = marks["mark"]
    band = np.select([mark.isna(), mark < low, mark < high], [BANDS[3], BANDS[0], BANDS[1]], BANDS[2])
    rows = marks.assign(band=band)
    return share_rows(rows if mark.notna().any() else rows.head(0), "band", BANDS, level=level)


def _talks(study: Study) -> pd.DataFrame:
    """One row per decision: asked and followed, each yes, no or not recorded."""
    columns = ["family", "episode", "organisation", "worker", "asked", "followed"]
    table = study.tables.get("decisions")
    if table is None or table.empty or not {"family_asked", "idea_followed"} & set(table):
        return pd.DataFrame(columns=columns)
    placed = place_rows(study, "decisions", needed="decision").frame
    for name, column in (("asked", "family_asked"), ("followed", "idea_followed")):
        values = placed.get(column, pd.Series(None, index=placed.index, dtype="boolean"))
        values = values.astype("boolean")
        placed[name] = np.where(values.isna(), "not_recorded", np.where(values.fillna(False), "yes", "no"))
    if (placed["asked"] == "not_recorded").all() and (placed["followed"] == "not_recorded").all():
        return pd.DataFrame(columns=columns)
    return placed[columns]


def _flow(marks: pd.DataFrame) -> SampleFlow:
    known = marks[marks["mark"].notna()]
    return SampleFlow(
        tuple(
            FlowStep(code, text, 0, int(rows["family"].nunique()), len(rows))
            for code, text, rows in (("ended", "whose help ended", marks), ("analysed", "analysed", known))
        )
    )
