"""Who stops, who is missing, and how much the main answer hangs on them.

Tables of :class:`MissingData` (beside ``sample_flow``)
------------------------------------------------------
Shares of drop-out and of measured families are those of
:mod:`~mpg_research.analysis.families.indicator_shares`, at the month asked for, of those who could have
reached it; families who were never measured count too.

- ``ends(pattern, class, ...)``: how help had ended by the month, and "still_in_help" then.
- ``drop_out(class, ...)`` and ``drop_out_by_organisation(organisation, class, ...)``: drop-out (uitval) is an
  early end by the client or by the provider, by the month.
- ``stops(pattern, months, ...)``: when: the share of all families whose help ended so in the half year up to
  that month; over the half years they add up to the shares at the month.
- ``measured(class, ...)`` and ``measured_by_organisation(organisation, class, ...)``: of the families still
  in help at the month who could have been measured around it.
- ``measured_by_month(months, share_measured, n_in_help)``: the same at every month.
- ``predictors(outcome, term, ..., odds_ratio, odds_low, odds_high)``: log-odds of a missed month ("missing")
  and of dropping out in a month ("drop_out"), from the last score known, time and case mix; errors over
  families.
- ``observed_by_pattern(pattern, months, mean, sd, n_measurements)``: courses by how help ended.
- ``completers(sample, months, ...)``: change of all families beside that of those measured to the end.
- ``pattern_mixture(pattern, months, ...)``: change by how long families were measured, and over all.
- ``delta_adjustment(months, delta, ...)`` and ``tipping_point(months, delta_at_tipping, share_unmeasured)``:
  the change if the families not measured at that month were worse by delta points than expected of them;
  unmeasured are all who could have been measured and were not, whether still in help or not.
"""

from dataclasses import dataclass
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import MONTHS, N_MEASUREMENTS, coded, observed
from mpg_research.analysis.families.courses import result_parts
from mpg_research.analysis.growth.growth_model import fit_growth
from mpg_research.analysis.growth.help_periods import NEAR_MONTHS, help_periods
from mpg_research.analysis.growth.model_frame import prepare_frame
from mpg_research.analysis.growth.question import reach_of_course, reported_primary
from mpg_research.analysis.missing.predictors import courses_in_help, predictor_rows
from mpg_research.analysis.missing.sensitivity import (
    change_at,
    completers,
    delta_tables,
    pattern_mixture,
    who_was_measured,
)
from mpg_research.analysis.missing.shares import drop_out_tables, measured_tables
from mpg_research.analysis.result import Result, ResultTable
from mpg_research.errors import ConfigError
from mpg_research.study.model import CourseFrame, Study
from mpg_research.study.scoring.course_frame import course_frame
from mpg_research.study.scoring.reach import within_reach
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather

__all__ = ["MissingData", "describe_missing"]

_DELTAS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 5.0, 8.0)


#: Months between observed means by how help ended.
_QUARTER = 3.0


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
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ScoreKeywords],
) -> MissingData:
    """Describe drop-out and missing waves, and test what they do to the change since intake.

    Parameters
    ----------
    study : Study
        A loaded study.
    month : float, optional
        Month of the change; by default the study's primary month.
    deltas : tuple of float
        Departures from missing at random, in points; positive is worse, whatever the instrument's direction.
    case_mix : tuple of str, optional
        Predictors beside the last score and time; by default those of ``study.toml``.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says.
    level : float
        Confidence level of the intervals, between 0 and 1.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``respondents``, ``episodes``.

    Returns
    -------
    MissingData
        Tables ``ends``, ``stops``, ``drop_out``, ``drop_out_by_organisation``, ``measured``,
        ``measured_by_organisation``, ``measured_by_month``, ``predictors``,
        ``observed_by_pattern``, ``completers``, ``pattern_mixture``, ``delta_adjustment``,
        ``tipping_point`` and ``sample_flow`` (the module says what each holds; some are there
        only where the study has what they need).

    Raises
    ------
    ConfigError
        If the month or a departure is impossible.
    ModelError
        If the measurements cannot carry a growth model.

    Examples
    --------
    >>> from mpg_research import load_study, describe_missing
    >>> from mpg_research.study import shipped_example
    >>> found = describe_missing(load_study(shipped_example()))
    >>> set(found.tables["measured"].data["class"]) != set()
    True
    """
    names = tuple(study.config.analysis.case_mix if case_mix is None else case_mix)
    (scores,) = gather(older, scores)
    frame = course_frame(study, scores=scores)
    if month is not None and not month > 0:
        raise ConfigError(f"month = {month:g}; expected a month after the start.")
    if not deltas or not np.isfinite(deltas).all():
        raise ConfigError(f"deltas = {list(deltas)}; expected points by which the unmeasured may be worse.")
    reach = reach_of_course(study, frame)
    reported = reported_primary(study, reach, month)
    at = reported.primary
    asked = float(study.config.analysis.primary_month if month is None else month)
    frame = within_reach(frame, reach)
    direction = study.instruments[frame.instrument].direction
    ends_at = asked if asked <= at + NEAR_MONTHS else at
    periods = help_periods(study, month=ends_at, scores=scores)
    organisations = tuple(str(key) for key in study.organisations)
    units = courses_in_help(periods)
    used = set(zip(frame.data["family"].astype(str), frame.data["episode"].astype(str), strict=True))
    units = units[[key in used for key in zip(units["family"], units["episode"], strict=True)]]
    everybody = fit_growth(prepare_frame(frame))
    mar = change_at(everybody, at)
    measured = who_was_measured(periods, at)
    of_completers, completers_note = completers(frame, periods, mar, at)
    mixture, mixture_note = pattern_mixture(frame, at)
    tables = [
        *drop_out_tables(periods, organisations, level, minimum=study.config.disclosure.minimum_families),
        *measured_tables(periods, organisations, level, until=reach.last),
        predictor_rows(study, frame, units, names, level),
        _observed_by_pattern(frame, units, reach.last),
        of_completers,
        mixture,
        *delta_tables(frame, mar, measured, at, deltas, direction=direction, level=level),
    ]
    notes = [*reported.notes, *everybody.notes, *completers_note, *mixture_note, *periods.notes]
    parameters = {"month": at, "primary_month": at, "deltas": list(deltas)}
    return MissingData(
        month=at,
        converged=everybody.converged,
        **result_parts(study, frame, tables=tables, notes=notes, parameters=parameters, level=level),
    )


def _observed_by_pattern(frame: CourseFrame, units: pd.DataFrame, last: float) -> ResultTable:
    """Observed means every three months (in a short study every month), by how help ended."""
    pattern = units.set_index("family")["pattern"]
    step = _QUARTER if last >= 2 * _QUARTER else 1.0
    data = frame.data[frame.data["months"] <= last + 0.5]
    data = data.assign(
        family=data["family"].astype(str), at=(step * (data["months"] / step).round()).clip(upper=last)
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
        columns=(
            coded("pattern", adds_up="families"),
            MONTHS,
            observed("mean"),
            observed("sd", digits=2, plain=False),
            N_MEASUREMENTS,
        ),
    )
