"""Organisations over time: do families that start later do better or worse than expected?

Tables of :class:`OrganisationsOverTime` (beside ``sample_flow``)
-----------------------------------------------------------------
- ``by_cohort(organisation, cohort, n_group, estimate, std_error, df, conf_low, conf_high)``: mean of the
  families' observed change minus the change expected of them (case mix and common course), by year of start.
- ``all_by_cohort(cohort, ...)``: the same over all organisations.
- ``run_chart(period, value, median)``: quarters of start, over all organisations, where there are enough of
  them.
- ``run_signals(quantity, value)``: the longest run and the number of crossings of the median, with their
  limits.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from mpg_research.analysis.frame import ModelFrame, prepare_frame
from mpg_research.analysis.growth import GrowthModel, Shape, fit_growth
from mpg_research.analysis.model_question import ask
from mpg_research.analysis.result import Result, ResultTable, collect_tables, sample_flow_table
from mpg_research.analysis.tables import model_notes
from mpg_research.errors import Note
from mpg_research.statistics.run_chart import FEWEST_POINTS, run_signals
from mpg_research.study.model import Study

__all__ = ["OrganisationsOverTime", "compare_cohorts"]

#: A family's change is seen from measurements at most this far from the start and from the month, in months.
_WINDOW = 1.5
#: Periods of the run chart need this many families each.
_FAMILIES_PER_POINT = 5
_ESTIMATES = ("n_group", "estimate", "std_error", "df", "conf_low", "conf_high")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationsOverTime(Result):
    """What :func:`compare_cohorts` found; its tables are described in the module's docstring."""

    month: float
    kind: ClassVar[str] = "organisations_over_time"


def compare_cohorts(
    study: Study,
    *,
    instrument: str | None = None,
    outcome: str | None = None,
    shape: Shape = "spline",
    case_mix: tuple[str, ...] | None = None,
    respondents: str | None = None,
    episodes: str | None = None,
    months: tuple[float, ...] | list[float] | None = None,
    level: float = 0.95,
) -> OrganisationsOverTime:
    """Follow the organisations over years of start.

    Parameters
    ----------
    study : Study
        With dates of the start of help.
    instrument, outcome, shape, case_mix, respondents, episodes, months, level
        As in :func:`~mpg_research.analysis.compare_organisations`.

    Returns
    -------
    OrganisationsOverTime

    Raises
    ------
    ModelError
        If the measurements cannot carry a growth model.

    Notes
    -----
    Without dates of start, or families measured at both moments, there are no tables, and a note says so.
    One growth model for all families says what change is expected of a family with this case mix. Per
    family the residual at the start is taken from the residual at the month. Recent starts of families
    that are still too short in help are missing from the last cohort.

    Examples
    --------
    >>> from mpg_research import load_study
    >>> from mpg_research.analysis.organisation_cohorts import compare_cohorts
    >>> from mpg_research.study import shipped_example
    >>> found = compare_cohorts(load_study(shipped_example()))  # doctest: +SKIP
    >>> found.tables["all_by_cohort"].data  # doctest: +SKIP
    """
    question = ask(
        study, instrument=instrument, outcome=outcome, case_mix=case_mix, respondents=respondents,
        episodes=episodes, months=months,
    )  # fmt: skip
    month = question.primary_month
    frame = prepare_frame(question.course)
    model = fit_growth(frame, shape=shape, level=level)
    changes = _family_changes(model, month).merge(_starts(study), on=["family", "episode"], how="inner")
    notes = model_notes(model, [month])
    tables = []
    if changes.empty:
        text = (
            f"No family has a measurement near its start, one near month {month:g}, and a date of start, so "
            "nothing can be said about organisations over time."
        )
        notes.append(Note("no_cohorts", text, {"month": month}, "caution"))
    else:
        changes["cohort"] = changes["start"].dt.year.astype(str)
        tables = [
            _by_cohort(changes, frame, level),
            _all_by_cohort(changes, level),
            *_run_tables(changes),
        ]
    return OrganisationsOverTime(
        month=month,
        tables=collect_tables([*tables, sample_flow_table(frame.flow)]),
        level=level,
        converged=model.converged,
        **question.parts(
            frame.flow, notes, shape=model.shape, level=level, months=[month], formula=model.formula
        ),
    )


def _family_changes(model: GrowthModel, month: float) -> pd.DataFrame:
    """Observed minus expected change per episode: family, episode, organisation, change."""
    data = model.frame.data
    residual = model.fit.problem.y - model.fit.problem.x @ model.fit.solution.beta
    keys = ["family", "episode", "organisation"]
    found = data[keys].assign(residual=residual, months=data["months"])
    early = found[found["months"] <= _WINDOW].groupby(keys)["residual"].mean()
    late = found[(found["months"] - month).abs() <= _WINDOW].groupby(keys)["residual"].mean()
    return (late - early).dropna().rename("change").reset_index()


def _starts(study: Study) -> pd.DataFrame:
    episodes = study.tables["episodes"]
    start = pd.Series(pd.NaT, index=episodes.index)
    if "start" in episodes.columns and not pd.api.types.is_numeric_dtype(episodes["start"]):
        start = pd.to_datetime(episodes["start"], errors="coerce")
    found = pd.DataFrame(
        {"family": episodes["family"].astype(str), "episode": episodes["episode"].astype(str), "start": start}
    )
    return found.dropna(subset=["start"])


def _estimate(values: pd.Series, level: float) -> dict[str, float]:
    n = len(values)
    mean = float(values.mean())
    error = float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    half = float(student_t.ppf(0.5 + level / 2, max(n - 1, 1))) * error
    return {
        "n_group": n,
        "estimate": mean,
        "std_error": error,
        "df": float(n - 1),
        "conf_low": mean - half,
        "conf_high": mean + half,
    }


def _by_cohort(changes: pd.DataFrame, frame: ModelFrame, level: float) -> ResultTable:
    rows = [
        {
            "organisation": frame.organisations[code],
            "cohort": cohort,
            **_estimate(mine["change"], level),
            "n_families": int(mine["family"].nunique()),
        }
        for (code, cohort), mine in changes.groupby(["organisation", "cohort"])
    ]
    return ResultTable(
        "by_cohort",
        pd.DataFrame(rows),
        keys=("organisation", "cohort"),
        values=_ESTIMATES,
        organisation_columns=("organisation",),
        parts_of_total=("organisation", "cohort"),
    )


def _all_by_cohort(changes: pd.DataFrame, level: float) -> ResultTable:
    rows = [
        {"cohort": cohort, **_estimate(mine["change"], level), **_counts(mine)}
        for cohort, mine in changes.groupby("cohort")
    ]
    return ResultTable(
        "all_by_cohort", pd.DataFrame(rows), keys=("cohort",), values=_ESTIMATES, parts_of_total=("cohort",)
    )


def _counts(mine: pd.DataFrame) -> dict[str, int]:
    return {
        "n_families": int(mine["family"].nunique()),
        "n_organisations": int(mine["organisation"].nunique()),
    }


def _run_tables(changes: pd.DataFrame) -> list[ResultTable]:
    """The run chart by quarter of start, if there are enough quarters with enough families."""
    period = changes["start"].dt.year.astype(str) + "-Q" + changes["start"].dt.quarter.astype(str)
    groups = [(name, mine) for name, mine in changes.groupby(period) if len(mine) >= _FAMILIES_PER_POINT]
    if len(groups) < FEWEST_POINTS:
        return []
    values = [float(mine["change"].mean()) for _, mine in groups]
    signals = run_signals(values)
    chart = pd.DataFrame(
        [
            {"period": name, "value": value, "median": signals.median, **_counts(mine)}
            for (name, mine), value in zip(groups, values, strict=True)
        ]
    )
    quantities = {
        "n_points": signals.n_points,
        "longest_run": signals.longest_run,
        "longest_allowed": signals.longest_allowed,
        "crossings": signals.crossings,
        "crossings_needed": signals.crossings_needed,
        "signal": int(signals.signal),
    }
    rows = pd.DataFrame(
        {"quantity": list(quantities), "value": [float(value) for value in quantities.values()]}
    )
    return [
        ResultTable(
            "run_chart", chart, keys=("period",), values=("value", "median"), parts_of_total=("period",)
        ),
        ResultTable("run_signals", rows.assign(**_counts(changes)), keys=("quantity",), values=("value",)),
    ]
