"""The national outcome set for youth care in one table, per organisation and over all.

VNG and NJi (2016) name: drop-out; satisfaction; whether the family can go on without help; no renewed start
of help; fewer problems (T-score and reliable change); and goals reached. No number is computed here: each is
what the analysis of its own page says, asked for again.

============================  ============================================================================
outcome                       whose number
============================  ============================================================================
``dropped_out``               ``share_indicators`` of ``compare_organisations``: end reasons 03 and 04 by
                              the primary month
``satisfaction``              ``satisfaction_by_organisation`` of ``describe_own_voice``
``ended_as_planned``          ``ends`` of ``describe_missing``: help ended as planned by the primary month;
                              that the family goes on without help is not itself recorded
``renewed_start``             ``incidence`` of ``describe_afterwards``: a renewed start as the first event
                              after a good end
``reliably_improved``,        ``share_indicators`` of ``compare_organisations``, from intake to the primary
``reliably_worsened``         month
``t_score_change``            mean of the changes in ``families`` of ``reliable_change(outcome="t_score")``
                              from intake to the primary month; only with a norm table of the study's own
``goals_reached``             ``goals_reached_by_organisation`` of ``describe_own_voice``
============================  ============================================================================

Tables of :class:`OutcomeSet` (beside ``sample_flow``)
-----------------------------------------------------
- ``outcome_shares(outcome, n_group, estimate, conf_low, conf_high)`` and
  ``outcome_shares_by_organisation(organisation, outcome, ...)``.
- ``outcome_means(outcome, n_group, mean, mean_low, mean_high)`` and the same ``_by_organisation``.

Families differ between organisations, and nothing here is adjusted for that: the fair comparison is
``compare_organisations``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from mpg_research.analysis.afterwards.after_end import describe_afterwards
from mpg_research.analysis.afterwards.incidence_tables import incidence_of_all
from mpg_research.analysis.columns import (
    EACH_ORGANISATION,
    N_GROUP,
    Column,
    coded,
    ends,
    observed,
    observed_share,
)
from mpg_research.analysis.families.change import reliable_change
from mpg_research.analysis.families.indicator_shares import (
    indicator_rows,
    share_of_all,
    shares_by_organisation,
    shares_of_ends,
)
from mpg_research.analysis.growth.estimate_tables import study_notes
from mpg_research.analysis.growth.help_periods import HelpPeriods, periods_of_course
from mpg_research.analysis.growth.question import choose_scores
from mpg_research.analysis.outcomes.own_voice import describe_own_voice
from mpg_research.analysis.result import Result, ResultTable, collect_tables, provenance_of, sample_flow_table
from mpg_research.errors import MpgError, Note
from mpg_research.statistics.means import clustered_mean
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED

__all__ = ["OUTCOMES", "OutcomeSet", "outcome_set"]

#: In the order of the set.
OUTCOMES = (
    "dropped_out", "satisfaction", "ended_as_planned", "renewed_start", "reliably_improved",
    "reliably_worsened", "t_score_change", "goals_reached",
)  # fmt: skip
_RENEWED = "renewed_start"
_SHARE = observed_share("estimate", of="n_group")
_MEAN = observed("mean")
_SHARES = ["outcome", "n_group", "estimate", "conf_low", "conf_high", "n_families"]
_MEANS = ["outcome", "n_group", "mean", "mean_low", "mean_high", "n_families"]
_OUTCOME = coded("outcome")
Row = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeSet(Result):
    """What :func:`outcome_set` found; its tables are described in the module's docstring."""

    kind: ClassVar[str] = "outcome_set"


def outcome_set(study: Study, *, level: float = 0.95) -> OutcomeSet:
    """Put the national outcome set for youth care together, from the analyses that each number is of.

    Parameters
    ----------
    study : Study
        A loaded study.
    level : float
        Confidence level.

    Returns
    -------
    OutcomeSet
        Tables ``outcome_shares``, ``outcome_shares_by_organisation``, ``outcome_means``,
        ``outcome_means_by_organisation`` and ``sample_flow`` (the module says what each holds). What a study
        does not record has no row; ``provenance.parameters["absent"]`` names it.

    Examples
    --------
    >>> from mpg_research import outcome_set
    >>> outcome_set.__name__
    'outcome_set'
    """
    question = choose_scores(study, AS_CONFIGURED, case_mix=(), months=None)
    periods = periods_of_course(study, question.course, month=question.primary_month)
    keys = tuple(sorted(periods.rows["organisation"].astype(str).unique()))
    shares = [*_indicators(study, periods, keys, level), *_as_planned(periods, keys)]
    renewed, horizon = _renewed(study, keys, level)
    voice = _own_voice(study, level)
    shares += [*renewed, *voice[0]]
    t_scores = _t_scores(study, periods, keys, level)
    means = [*voice[1], *t_scores]
    instrument = study.instruments[question.course.instrument]
    present = {str(row["outcome"]) for row in (*shares, *means)}
    parameters = {
        "level": level, "primary_month": question.primary_month, "horizon_months": horizon,
        "time_unit": study.config.time.unit, "goal_reached": study.config.care.goal_reached,
        "norms": instrument.norms is not None,
        "absent": [name for name in OUTCOMES if name not in present],
    }  # fmt: skip
    tables = [
        *_pair("outcome_shares", shares, _SHARES, (_SHARE, *ends(_SHARE, "conf", heading="interval"))),
        *_pair("outcome_means", means, _MEANS, (_MEAN, *ends(_MEAN))),
        sample_flow_table(question.course.flow),
    ]
    return OutcomeSet(
        tables=collect_tables(tables),
        flow=question.course.flow,
        notes=(*_notes(study, question.course.instrument, bool(t_scores)), *periods.notes),
        provenance=provenance_of(
            study, parameters=parameters, instrument=question.course.instrument,
            outcome=question.course.outcome,
        ),
        level=level,
    )  # fmt: skip


def _indicators(study: Study, periods: HelpPeriods, keys: tuple[str, ...], level: float) -> list[Row]:
    """Drop-out and reliable change."""
    rows: list[Row] = []
    for name, indicator in indicator_rows(study, periods).items():
        if name not in OUTCOMES:
            continue
        all_of = share_of_all(indicator, level=level)
        could = indicator.rows[indicator.rows["could"]]
        rows.append(
            {
                "organisation": "", "outcome": name, "n_group": all_of["n_group"],
                "estimate": all_of["share"], "conf_low": all_of["low"], "conf_high": all_of["high"],
                "n_families": all_of["n_families"], "n_organisations": could["organisation"].nunique(),
            }
        )  # fmt: skip
        found = shares_by_organisation(indicator, keys, level=level)
        found = found.rename(columns={"share": "estimate", "low": "conf_low", "high": "conf_high"})
        rows += _rows_of(found[found["n_group"] > 0].assign(outcome=name))
    return rows


def _t_scores(study: Study, periods: HelpPeriods, keys: tuple[str, ...], level: float) -> list[Row]:
    """Mean change of the T-score from intake to the month, of all and by organisation; needs norms."""
    course = periods.course
    if study.instruments[course.instrument].norms is None:
        return []
    try:
        found = reliable_change(
            study,
            month=periods.month,
            tolerance=periods.near,
            scores=replace(course.scores, respondents="declared", outcome="t_score"),
            level=level,
        )
    except MpgError:
        return []
    pair = ["family", "episode"]
    table = found.tables["families"].data[[*pair, "change"]].dropna()
    table = table.assign(**{name: table[name].astype(str) for name in pair}).drop_duplicates(pair)
    rows = periods.rows[periods.could_reach(periods.month)].merge(table, on=pair)
    organisation = rows["organisation"].astype(str)
    said: list[Row] = []
    for key in ("", *keys):
        mine = rows[organisation == key] if key else rows
        if mine.empty:
            continue
        mean = clustered_mean(mine["change"], mine["worker"], level=level)
        said.append(
            {
                "organisation": key, "outcome": "t_score_change", "n_group": len(mine),
                "mean": mean.estimate, "mean_low": mean.conf_low, "mean_high": mean.conf_high,
                "n_families": mine["family"].nunique(), "n_organisations": mine["organisation"].nunique(),
            }
        )  # fmt: skip
    return said


def _notes(study: Study, instrument: str, t_scores: bool) -> Sequence[Note]:
    """Those of the study; with T-scores also that their norms are made up, where they are."""
    return study_notes(study, instrument, "t_score") if t_scores else study.notes


def _as_planned(periods: HelpPeriods, keys: tuple[str, ...]) -> list[Row]:
    """Help that ended as planned by the month: of all, and of each organisation's periods alone."""
    rows: list[Row] = []
    for key in ("", *keys):
        mine = periods
        if key:
            chosen = (periods.rows["organisation"].astype(str) == key).to_numpy()
            mine = replace(periods, rows=periods.rows[chosen].reset_index(drop=True))
        found = shares_of_ends(mine)
        planned = found[found["end_reason"] == "as_planned"]
        if planned.empty or not np.isfinite(planned["share"].iloc[0]):
            continue
        members = [place for group in found["members"] for place in group]
        behind = mine.rows.loc[members]
        rows.append(
            {
                "organisation": key, "outcome": "ended_as_planned", "n_group": len(behind),
                "estimate": float(planned["share"].iloc[0]), "conf_low": np.nan, "conf_high": np.nan,
                "n_families": behind["family"].nunique(),
                "n_organisations": behind["organisation"].nunique(),
            }
        )  # fmt: skip
    return rows


def _renewed(study: Study, keys: tuple[str, ...], level: float) -> tuple[list[Row], float]:
    """A renewed start as the first event after a good end, at the last moment that all were looked at."""
    try:
        found = describe_afterwards(study, level=level)
    except MpgError:
        return [], float("nan")
    table = found.tables["incidence"].data
    table = table[table["event"] == _RENEWED]
    if table.empty:
        return [], float("nan")
    last = float(table["months_after"].max())
    minimum = study.config.afterwards.minimum_groups
    rows: list[Row] = [_incidence_row("", table, last, found.events.rows)]
    organisations = found.events.rows["organisation"].astype(str).to_numpy()
    for key in keys:
        mine = found.events.of(organisations == key)
        if mine.rows.empty:
            continue
        own = incidence_of_all(mine, np.array([last]), level=level, minimum=minimum).data
        rows.append(_incidence_row(key, own[own["event"] == _RENEWED], last, mine.rows))
    return rows, last


def _incidence_row(key: str, table: pd.DataFrame, month: float, behind: pd.DataFrame) -> Row:
    one = table[table["months_after"] == month].iloc[0]
    return {
        "organisation": key, "outcome": "renewed_start",
        **{name: one[name] for name in ("n_group", "estimate", "conf_low", "conf_high")},
        "n_families": behind["family"].nunique(), "n_organisations": behind["organisation"].nunique(),
    }  # fmt: skip


def _own_voice(study: Study, level: float) -> tuple[list[Row], list[Row]]:
    """Goals reached, and the mean mark."""
    try:
        found = describe_own_voice(study, level=level).tables
    except MpgError:
        return [], []
    all_goals, goals = (found[name].data for name in ("goals_reached", "goals_reached_by_organisation"))
    all_goals = all_goals[all_goals["set_by"] == "all_goals"].assign(organisation="")
    shares = pd.concat([all_goals, goals], ignore_index=True).assign(outcome="goals_reached")
    of_all = found["satisfaction"].data.assign(organisation="")
    marks = pd.concat([of_all, found["satisfaction_by_organisation"].data], ignore_index=True)
    return _rows_of(shares), _rows_of(marks.assign(outcome="satisfaction"))


def _rows_of(frame: pd.DataFrame) -> list[Row]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _pair(name: str, rows: list[Row], names: list[str], columns: tuple[Column, ...]) -> list[ResultTable]:
    """A table over all and one per organisation, outcomes in the order of the set."""
    data = pd.DataFrame(rows, columns=["organisation", *names, "n_organisations"])
    place = data["outcome"].map({outcome: number for number, outcome in enumerate(OUTCOMES)})
    data = data.assign(_place=place).sort_values(["_place", "organisation"], kind="stable")
    data["n_families"] = data["n_families"].fillna(0).astype(int)
    whole = data[data["organisation"] == ""]
    apart = data[data["organisation"] != ""]
    own = tuple(column.but(own=True) for column in columns)
    return [
        ResultTable(
            name,
            whole[[*names, "n_organisations"]].reset_index(drop=True),
            columns=(_OUTCOME, N_GROUP, *columns),
        ),
        ResultTable(
            f"{name}_by_organisation",
            apart[["organisation", *names]].reset_index(drop=True),
            columns=(EACH_ORGANISATION, _OUTCOME, N_GROUP.but(own=True), *own),
        ),
    ]
