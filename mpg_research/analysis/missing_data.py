"""Who stops, who is missing, and how much the main answer hangs on them.

Tables of :class:`MissingData` (beside ``sample_flow``)
------------------------------------------------------
- ``ends(pattern, class, ...)``: shares of the reasons for which help ended ("still_in_help" included), among
  all families.
- ``drop_out(class, ...)`` and ``drop_out_by_organisation(organisation, class, ...)``: drop-out (uitval) is an
  early end by the client or by the provider.
- ``stops(pattern, months, ...)``: when they stopped: of the families that dropped out, and of those whose
  help ended otherwise, the share whose help ended in the half year up to that month.
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

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mpg_research.analysis.courses import result_parts
from mpg_research.analysis.frame import prepare_frame
from mpg_research.analysis.growth import fit_growth
from mpg_research.analysis.missing_predictors import end_of_help, help_months, predictor_rows
from mpg_research.analysis.missing_sensitivity import (
    change_at,
    completers,
    delta_tables,
    measured_at,
    pattern_mixture,
)
from mpg_research.analysis.result import Result, ResultTable
from mpg_research.analysis.shares import share_rows, share_table
from mpg_research.analysis.tables import FEW_FAMILIES
from mpg_research.errors import ConfigError, Note
from mpg_research.study.course import course_frame
from mpg_research.study.model import CourseFrame, Study

__all__ = ["MissingData", "describe_missing"]

_PATTERNS = ("drop_out", "ended", "still_in_help")
#: Months per period in which stops are counted.
_HALF_YEAR = 6.0
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
        Departures from missing at random, in points; positive is worse, whatever the instrument's direction.
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
    ConfigError
        If the month or a departure is impossible.
    ModelError
        If the measurements cannot carry a growth model.
    """
    names = tuple(study.config.analysis.case_mix if case_mix is None else case_mix)
    chosen = {"instrument": instrument, "outcome": outcome, "respondents": respondents, "episodes": episodes}
    frame = course_frame(study, **chosen)
    last = float(frame.data["months"].max())
    asked = float(study.config.analysis.primary_month if month is None else month)
    if not asked > 0:
        raise ConfigError(f"month = {asked:g}; expected a month after the start.")
    if not deltas or not np.isfinite(deltas).all():
        raise ConfigError(f"deltas = {list(deltas)}; expected points by which the unmeasured may be worse.")
    at = min(asked, last)
    direction = study.instruments[frame.instrument].direction
    units = end_of_help(study, frame)
    everybody = fit_growth(prepare_frame(frame))
    mar = change_at(everybody, at)
    measured = measured_at(frame, at)
    of_completers, completers_note = completers(frame, measured, mar, at)
    mixture, mixture_note = pattern_mixture(frame, at)
    tables = [
        *_end_tables(units, level),
        _stop_table(units, level),
        _months_table(frame, units),
        predictor_rows(study, frame, units, names, level),
        _observed_by_pattern(frame, units),
        of_completers,
        mixture,
        *delta_tables(frame, mar, measured, at, deltas, direction=direction, level=level),
    ]
    notes = [*everybody.notes, *completers_note, *mixture_note]
    if at < asked:
        text = f"Nobody was measured at month {asked:g}; the last measurement lies at month {last:.1f}."
        notes.append(
            Note("month_beyond_data", text, {"month": asked, "last_month": round(last, 1)}, "caution")
        )
    parameters = {"month": at, "deltas": list(deltas)}
    return MissingData(
        month=at,
        converged=everybody.converged,
        **result_parts(study, frame, tables=tables, notes=notes, parameters=parameters, level=level),
    )


def _end_tables(units: pd.DataFrame, level: float) -> list[ResultTable]:
    # By pattern, whose totals stand in other tables: a small reason is then hidden among those of its own.
    pattern = units.drop_duplicates("end_reason").set_index("end_reason")["pattern"]
    reasons = sorted(pattern.index, key=lambda reason: (_PATTERNS.index(pattern[reason]), reason))
    ends = share_rows(units, "end_reason", reasons, level=level)
    ends.insert(0, "pattern", ends["class"].map(pattern))
    classes = ("drop_out", "no_drop_out")
    return [
        share_table("ends", ends, keys=("pattern", "class"), over=("pattern", "class")),
        share_table("drop_out", share_rows(units, "drop_out", classes, level=level), keys=("class",)),
        share_table(
            "drop_out_by_organisation",
            share_rows(units, "drop_out", classes, by=("organisation",), level=level),
            keys=("organisation", "class"),
        ),
    ]


def _stop_table(units: pd.DataFrame, level: float) -> ResultTable:
    """When help ended, by how it ended; those still in help have not stopped.

    Empty where one pattern is small: its number would follow from those of the others and of all.
    """
    sizes = units.groupby("pattern")["family"].nunique()
    ended = units[(units["pattern"] != "still_in_help") & bool((sizes >= FEW_FAMILIES).all())]
    halves = np.maximum(np.ceil((ended["end"] - 1e-9) / _HALF_YEAR), 1.0) * _HALF_YEAR
    ended = ended.assign(months=halves)
    classes = sorted(set(halves))
    rows = share_rows(ended, "months", classes, by=("pattern",), level=level)
    data = rows.rename(columns={"class": "months"})
    return share_table("stops", data, keys=("pattern", "months"), over=("months",))


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
