"""Who stops, who is missing, and how much the main answer hangs on them.

Tables of :class:`MissingData` (beside ``sample_flow``)
------------------------------------------------------
- ``ends(class, ...)``: shares of the reasons for which help ended ("still_in_help" included).
- ``drop_out(class, ...)`` and ``drop_out_by_organisation(organisation, class, ...)``: drop-out (uitval) is an
  early end by the client or by the provider.
- ``measured_by_month(months, share_measured, n_in_help)``: of the families in help around a month, how many
  were measured.
- ``predictors(outcome, term, ..., odds_ratio, odds_low, odds_high)``: log-odds of a missed month ("missing")
  and of dropping out in a month ("drop_out"), from the last score known, time and case mix; errors over
  families.
- ``observed_by_pattern(pattern, months, mean, sd, n_measurements)``: courses by how help ended.
- ``completers(sample, months, ...)``: change of all families beside that of those measured to the end.
- ``pattern_mixture(pattern, months, ...)``: change by how long families were measured, and over all.
- ``delta_adjustment(months, delta, ...)`` and ``tipping_point(months, delta_at_tipping, share_unmeasured)``:
  the change if the families not measured at that month were worse by delta points than expected of them.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from mpg_research.analysis.frame import prepare_frame
from mpg_research.analysis.growth import GrowthModel, fit_growth
from mpg_research.analysis.missing_predictors import end_of_help, help_months, predictor_rows
from mpg_research.analysis.result import (
    ESTIMATE_COLUMNS,
    Result,
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
)
from mpg_research.analysis.shares import share_rows, share_table
from mpg_research.analysis.tables import describe_parameters, estimate_rows, study_notes
from mpg_research.errors import ModelError, Note
from mpg_research.statistics.not_at_random import adjust_by_delta, tipping_point
from mpg_research.study.course import course_frame
from mpg_research.study.model import CourseFrame, Study

__all__ = ["MissingData", "describe_missing"]

#: A family counts as measured at a month with a score at most this far from it.
_NEAR = 1.5
_DELTAS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 5.0, 8.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingData(Result):
    """What :func:`describe_missing` found; its tables are described in the module's docstring."""

    month: float
    kind: ClassVar[str] = "missing_data"


def describe_missing(
    study: Study,
    *,
    month: float | None = None,
    deltas: tuple[float, ...] = _DELTAS,
    case_mix: tuple[str, ...] | None = None,
    instrument: str | None = None,
    outcome: str | None = None,
    respondents: str | None = None,
    episodes: str | None = None,
    level: float = 0.95,
) -> MissingData:
    """Describe drop-out and missing waves, and test what they do to the change since intake.

    Parameters
    ----------
    study : Study
    month : float, optional
        Month of the change; by default the study's primary month.
    deltas : tuple of float
        Departures from missing at random, in points (positive is a higher score).
    case_mix : tuple of str, optional
        Predictors beside the last score and time; by default those of ``study.toml``.
    instrument, outcome, respondents, episodes : str, optional
        Which scores; by default as ``study.toml`` says.
    level : float

    Returns
    -------
    MissingData

    Raises
    ------
    ModelError
        If the measurements cannot carry a growth model.
    """
    names = tuple(study.config.analysis.case_mix if case_mix is None else case_mix)
    chosen = {"instrument": instrument, "outcome": outcome, "respondents": respondents, "episodes": episodes}
    frame = course_frame(study, **chosen)
    last = float(frame.data["months"].max())
    asked = float(study.config.analysis.primary_month if month is None else month)
    at = min(asked, last)
    units = end_of_help(study, frame)
    everybody = fit_growth(prepare_frame(frame))
    mar = _change(everybody, at)
    measured = _measured_at(frame, at)
    completers, completers_note = _completers(frame, measured, mar, at)
    mixture, mixture_note = _pattern_mixture(frame, at)
    tables = [
        *_end_tables(units, level),
        _months_table(frame, units),
        predictor_rows(study, frame, units, names, level),
        _observed_by_pattern(frame, units),
        completers,
        mixture,
        *_delta_tables(mar, measured, units, at, deltas, level),
        sample_flow_table(frame.flow),
    ]
    parameters = describe_parameters(study, frame, month=at, deltas=list(deltas), level=level)
    notes = [
        *study_notes(study, frame.instrument, frame.outcome),
        *everybody.notes,
        *completers_note,
        *mixture_note,
    ]
    if at < asked:
        text = f"Nobody was measured at month {asked:g}; the last measurement lies at month {last:.1f}."
        notes.append(
            Note("month_beyond_data", text, {"month": asked, "last_month": round(last, 1)}, "caution")
        )
    return MissingData(
        month=at,
        tables=collect_tables(tables),
        flow=frame.flow,
        notes=tuple(notes),
        provenance=provenance_of(
            study, parameters=parameters, instrument=frame.instrument, outcome=frame.outcome
        ),
        level=level,
        converged=everybody.converged,
    )


def _change(model: GrowthModel, month: float) -> pd.DataFrame:
    rows = model.mean_rows([month]) - model.mean_rows([0.0])
    return estimate_rows(model, pd.DataFrame({"months": [month]}), rows)


def _measured_at(frame: CourseFrame, month: float) -> pd.Series:
    """Per family, whether it was measured around the month."""
    near = (frame.data["months"] - month).abs() <= _NEAR
    return near.groupby(frame.data["family"].astype(str)).any()


def _end_tables(units: pd.DataFrame, level: float) -> list[ResultTable]:
    reasons = sorted(set(units["end_reason"]))
    classes = ("drop_out", "no_drop_out")
    return [
        share_table("ends", share_rows(units, "end_reason", reasons, level=level), keys=("class",)),
        share_table("drop_out", share_rows(units, "drop_out", classes, level=level), keys=("class",)),
        share_table(
            "drop_out_by_organisation",
            share_rows(units, "drop_out", classes, by=("organisation",), level=level),
            keys=("organisation", "class"),
        ),
    ]


def _months_table(frame: CourseFrame, units: pd.DataFrame) -> ResultTable:
    waves = help_months(frame, units)
    grouped = waves.groupby("months")
    data = grouped.agg(
        share_measured=("measured", "mean"),
        n_in_help=("family", "nunique"),
        n_families=("family", "nunique"),
        n_organisations=("organisation", "nunique"),
    ).reset_index()
    return ResultTable("measured_by_month", data, keys=("months",), values=("share_measured", "n_in_help"))


def _observed_by_pattern(frame: CourseFrame, units: pd.DataFrame) -> ResultTable:
    """Observed means every three months, by how help ended."""
    pattern = units.set_index("family")["pattern"]
    data = frame.data.assign(
        family=frame.data["family"].astype(str), at=3.0 * np.round(frame.data["months"] / 3.0)
    )
    data["pattern"] = data["family"].map(pattern)
    per_family = data.groupby(["pattern", "at", "family", "organisation"], as_index=False).agg(
        score=("score", "mean"), n=("score", "size")
    )
    found = per_family.groupby(["pattern", "at"]).agg(
        mean=("score", "mean"),
        sd=("score", "std"),
        n_measurements=("n", "sum"),
        n_families=("family", "nunique"),
        n_organisations=("organisation", "nunique"),
    )
    table = found.reset_index().rename(columns={"at": "months"})
    return ResultTable(
        "observed_by_pattern",
        table,
        keys=("pattern", "months"),
        values=("mean", "sd", "n_measurements"),
        parts_of_total=("pattern",),
    )


def _sample_rows(sample: str, change: pd.DataFrame, families: int, organisations: int) -> pd.DataFrame:
    return change.assign(sample=sample, n_families=families, n_organisations=organisations)


def _completers(
    frame: CourseFrame, measured: pd.Series, mar: pd.DataFrame, month: float
) -> tuple[ResultTable, list[Note]]:
    """The change of all families beside that of families measured around the month."""
    data = frame.data
    rows = [_sample_rows("all", mar, data["family"].nunique(), data["organisation"].nunique())]
    kept = data[data["family"].astype(str).map(measured).astype(bool)]
    notes = []
    try:
        model = fit_growth(prepare_frame(replace(frame, data=kept.reset_index(drop=True))))
        found = _change(model, month)
        rows.append(
            _sample_rows("completers", found, kept["family"].nunique(), kept["organisation"].nunique())
        )
    except ModelError as problem:
        text = f"The families measured to the end cannot be modelled apart: {problem}"
        notes.append(Note("no_completers_model", text, {}, "caution"))
    table = pd.concat(rows, ignore_index=True)
    return ResultTable("completers", table, keys=("sample", "months"), values=ESTIMATE_COLUMNS), notes


def _pattern_mixture(frame: CourseFrame, month: float) -> tuple[ResultTable, list[Note]]:
    """A straight course per pattern of how long families were measured, and their average over all families.

    Straight, since beyond its last wave a pattern's course can only be continued.
    """
    data = frame.data
    until = data.groupby("family")["months"].transform("max")
    cuts = np.quantile(until.groupby(data["family"]).first(), [1 / 3, 2 / 3])
    # Many are measured to the same last month: those are "late", however large a part they are.
    pattern = np.select([until >= cuts[1], until <= cuts[0]], ["late", "early"], "middle")
    counts = {"n_families": data["family"].nunique(), "n_organisations": data["organisation"].nunique()}
    together = fit_growth(prepare_frame(frame), shape="linear", worker=False)
    rows = [_change(together, month).assign(pattern="missing_at_random", **counts)]
    notes = []
    try:
        split = replace(frame, data=data.assign(organisation=pattern))
        model = fit_growth(
            prepare_frame(split, by_organisation=True), shape="linear", organisation="fixed", worker=False
        )
        both = model.organisation_rows([0.0, month])
        names = pd.DataFrame({"pattern": list(model.frame.organisations.values()), "months": month})
        own = estimate_rows(model, names, both[:, 1] - both[:, 0])
        own["n_families"] = list(model.frame.families_of.values())
        own["n_organisations"] = counts["n_organisations"]
        share = own["n_families"] / own["n_families"].sum()
        spread = float((share * own["estimate"] ** 2).sum() - (share * own["estimate"]).sum() ** 2)
        average = _widen(_change(model, month), spread / counts["n_families"])
        rows += [own, average.assign(pattern="over_patterns", **counts)]
    except ModelError as problem:
        text = f"The patterns of how long families were measured cannot be modelled apart: {problem}"
        notes.append(Note("no_pattern_mixture", text, {}, "caution"))
    table = pd.concat(rows, ignore_index=True)
    return (
        ResultTable("pattern_mixture", table, keys=("pattern", "months"), values=ESTIMATE_COLUMNS),
        notes,
    )


def _widen(change: pd.DataFrame, variance: float) -> pd.DataFrame:
    """The change with the uncertainty of the patterns' shares added to its error."""
    from scipy.special import stdtr

    error = np.sqrt(change["std_error"] ** 2 + variance)
    scale = error / change["std_error"]
    statistic = change["estimate"] / error
    return change.assign(
        std_error=error,
        statistic=statistic,
        p_value=2 * stdtr(change["df"], -statistic.abs()),
        conf_low=change["estimate"] - (change["estimate"] - change["conf_low"]) * scale,
        conf_high=change["estimate"] + (change["conf_high"] - change["estimate"]) * scale,
    )


def _delta_tables(
    mar: pd.DataFrame,
    measured: pd.Series,
    units: pd.DataFrame,
    month: float,
    deltas: tuple[float, ...],
    level: float,
) -> list[ResultTable]:
    share, n = float(1 - measured.mean()), len(measured)
    one = mar.iloc[0]
    change, error, df = (float(one[name]) for name in ("estimate", "std_error", "df"))
    found = adjust_by_delta(change, error, df=df, share=share, n=n, delta=deltas, level=level)
    counts = {"n_families": n, "n_organisations": units["organisation"].nunique()}
    values = ("estimate", "std_error", "conf_low", "conf_high")
    data = pd.DataFrame({"months": month, "delta": found.delta, **{v: getattr(found, v) for v in values}})
    tip = tipping_point(change, error, df=df, share=share, n=n, level=level)
    tipping = pd.DataFrame({"months": [month], "delta_at_tipping": [tip], "share_unmeasured": [share]})
    return [
        ResultTable("delta_adjustment", data.assign(**counts), keys=("months", "delta"), values=values),
        ResultTable(
            "tipping_point",
            tipping.assign(**counts),
            keys=("months",),
            values=("delta_at_tipping", "share_unmeasured"),
        ),
    ]
