"""Hours and visits: how many, whether they follow need, and what goes with more of them in one family.

Tables of :class:`Dose` (beside ``sample_flow``, ``care_records`` and ``settings``)
-----------------------------------------------------------------------------------
- ``hours_by_month(months, first_quarter, half, third_quarter)``: hours of contact in that month since the
  start of help, of the families with care in it; ``visits_by_month(months, mean_visits, share_at_home)``.
- ``hours_follow_need(need, part, ...)``: hours a month more per point of the last score before that month
  (``score``), or per point of severity over all life domains (``severity``). Parts: ``within`` a family,
  ``between`` families, and ``forward``: within, where earlier hours may have moved the need.
- ``dose_response(part, ...)``: points of the score per hour more in the month before it; the same parts.
- ``dose_shape(hours_off, ...)`` and ``dose_linearity(p_bends)``: the score expected at so many hours more or
  fewer than the family's own mean, by a curve, and whether the curve bends.
- ``hours_model(hours_of, weighting, ...)``: points of the score per hour more in every month of a window, in
  its last month, and in those before it, by a marginal structural model
  (:mod:`~mpg_research.analysis.process.hours_model`); ``hours_model_verdict(hours_verdict, ...)``: whether
  the data carry it. Without rows where it is not asked for.
- ``hours_after_worsening(class, ...)``: of the families with a first reliable worsening (from one score to
  the next), whether hours were raised within the weeks of ``[care]``; ``around_worsening(dose_outcome,
  around, ...)`` and ``around_worsening_groups``: hours, and whether they were raised (percentage points),
  beside families without one at the same months of help.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Unpack

import numpy as np
import pandas as pd

from mpg_research.analysis.columns import (
    Column,
    estimates,
    key_column,
    number_of,
    observed,
    observed_share,
    quantile,
)
from mpg_research.analysis.process.care_months import CareMonths, care_months
from mpg_research.analysis.process.care_tables import (
    care_notes,
    care_records_table,
    quantile_of_counts,
    rows_by_month,
)
from mpg_research.analysis.process.hours_model import case_mix_note, hours_model_tables
from mpg_research.analysis.process.need import dose_rows, need_rows
from mpg_research.analysis.process.within_between import PARTS, WithinBetween, fit_shape, fit_within_between
from mpg_research.analysis.process.worsening import worsening_tables
from mpg_research.analysis.result import (
    ESTIMATE_COLUMNS,
    Result,
    ResultTable,
    collect_tables,
    provenance_of,
    sample_flow_table,
    settings_table,
)
from mpg_research.errors import ConfigError, NotApplicableError
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather

__all__ = ["Dose", "describe_dose"]

_MONTHS = Column(name="months", meaning="time", is_key=True)
_QUARTERS = {"first_quarter": 0.25, "half": 0.5, "third_quarter": 0.75}
_SLOPE = estimates(digits=3, error_digits=3)
#: Hours more or fewer than the family's own mean at which the curve is read; ours.
HOURS_OFF = (-8.0, -4.0, 4.0, 8.0)
#: A score older than this many months says nothing of the need any more; ours.
OLDEST = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose(Result):
    """What :func:`describe_dose` found; its tables are described in the module's docstring."""

    kind: ClassVar[str] = "dose"


def describe_dose(
    study: Study,
    *,
    hours_model_months: int | None = None,
    scores: Scores = AS_CONFIGURED,
    level: float = 0.95,
    **older: Unpack[ScoreKeywords],
) -> Dose:
    """Describe hours and visits, whether hours follow need, and the score after more or fewer of them.

    Parameters
    ----------
    study : Study
        A loaded study whose table ``care`` holds contact hours or visits.
    hours_model_months : int, optional
        Months of hours in a marginal structural model of the score, 1 to 12; 0 makes none. By default
        ``[care] hours_model_months``.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says. One declared respondent per family.
    level : float
        Of the intervals.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``respondents``, ``episodes``.

    Returns
    -------
    Dose
        Tables ``hours_by_month``, ``visits_by_month``, ``hours_follow_need``, ``dose_response``,
        ``dose_shape``, ``dose_linearity``, ``hours_model``, ``hours_model_verdict``,
        ``hours_after_worsening``, ``around_worsening``, ``around_worsening_groups``, ``care_records``,
        ``settings`` and ``sample_flow`` (the module says what each holds; what is not recorded has no rows).

    Raises
    ------
    NotApplicableError
        Without the table care, or where it holds neither hours nor visits.
    ConfigError
        If the number of months is impossible.

    Notes
    -----
    The models are within-between models (:mod:`~mpg_research.analysis.process.within_between`). Families who
    score badly get more hours, and bad scores tend to get better by themselves: a slope of the score on hours
    is an association within families, and no effect of hours. A marginal structural model allows for hours
    that answer to earlier scores, as far as what they answer to is recorded; it is made where asked for.

    Examples
    --------
    >>> from mpg_research import describe_dose, load_study
    >>> from mpg_research.study import shipped_example
    >>> found = describe_dose(load_study(shipped_example())).tables["hours_follow_need"].data
    >>> found["part"].tolist()[:2]
    ['within', 'between']
    """
    (scores,) = gather(older, scores)
    care = care_months(study, scores=replace(scores, respondents="declared"))
    if not care.recorded & {"hours", "visits"}:
        raise NotApplicableError(
            f"The table care of study {study.name} holds neither contact_hours nor n_visits, so how much "
            "help was given is not known.",
            code="no_hours",
        )
    asked = study.config.care.hours_model_months if hours_model_months is None else hours_model_months
    if not 0 <= asked <= 12:
        raise ConfigError(f"hours_model_months = {asked}; expected 1 to 12 months, or 0 for no such model.")
    course = care.periods.course
    minimum = study.config.disclosure.minimum_families
    worsening, settings = worsening_tables(study, care, level=level)
    tables = [
        _hours(care, minimum),
        _visits(care, minimum),
        _follow_need(study, care, level=level),
        *_response(care, level=level),
        *hours_model_tables(study, care, months=asked, oldest=OLDEST, level=level),
        *worsening,
        care_records_table(care),
        sample_flow_table(course.flow),
    ]
    modelled = bool(asked) and "hours" in care.recorded
    left_out = case_mix_note(care, study.config.analysis.case_mix) if modelled else ()
    families, organisations = care.behind(np.ones(len(care.units), dtype=bool))
    tables.append(settings_table(settings, n_families=families, n_organisations=organisations))
    chosen = study.config.care
    return Dose(
        tables=collect_tables(tables),
        flow=course.flow,
        notes=(*study.notes, *care.periods.notes, *care_notes(care, study), *left_out),
        provenance=provenance_of(
            study,
            parameters={
                "level": level,
                "weeks_until_more_hours": chosen.weeks_until_more_hours,
                "more_hours_at_least": chosen.more_hours_at_least,
                "months_around_change": chosen.months_around_change,
                "oldest_score_months": OLDEST,
                "hours_model_months": asked,
                "axis": care.axis,
                "recorded": sorted(care.recorded),
                "primary_month": study.config.analysis.primary_month,
            },
            instrument=course.instrument,
            outcome=course.outcome,
        ),
        level=level,
    )


def _hours(care: CareMonths, minimum: int) -> ResultTable:
    values = care.rows["hours"].to_numpy(dtype=float)
    rows = [
        (
            month * care.axis,
            *(quantile_of_counts(values[mine], at) for at in _QUARTERS.values()),
            *care.behind(care.unit[mine]),
        )
        for month, mine in rows_by_month(care, np.isfinite(values), minimum=minimum)
    ]
    data = pd.DataFrame(rows, columns=["months", *_QUARTERS, "n_families", "n_organisations"])
    declared = (quantile(name, at, digits=1) for name, at in _QUARTERS.items())
    return ResultTable("hours_by_month", data, columns=(_MONTHS, *declared))


def _visits(care: CareMonths, minimum: int) -> ResultTable:
    """Mean number of visits, and which share of them was at the family's home where that is recorded."""
    visits = care.rows["visits"].to_numpy(dtype=float)
    home = np.minimum(care.rows["at_home"].to_numpy(dtype=float), visits)
    rows = []
    for month, mine in rows_by_month(care, np.isfinite(visits), minimum=minimum):
        both = mine[np.isfinite(home[mine])]
        of = float(visits[both].sum())
        share = float(home[both].sum()) / of if of else np.nan
        rows.append((month * care.axis, float(visits[mine].mean()), share, of, *care.behind(care.unit[mine])))
    columns = ["months", "mean_visits", "share_at_home", "n_visits", "n_families", "n_organisations"]
    return ResultTable(
        "visits_by_month",
        pd.DataFrame(rows, columns=columns),
        columns=(
            _MONTHS,
            observed("mean_visits", digits=1),
            observed_share("share_at_home", of="n_visits"),
            number_of("n_visits", of="visits"),
        ),
    )


def _slopes(found: WithinBetween, care: CareMonths, **keys: str) -> pd.DataFrame:
    families, organisations = care.behind(found.data["unit"].to_numpy(dtype=np.intp))
    rows = found.rows.loc[list(PARTS)].rename_axis("part").reset_index()
    return rows.assign(
        **keys, n_measurements=found.n_rows, n_families=families, n_organisations=organisations
    )


def _follow_need(study: Study, care: CareMonths, *, level: float) -> ResultTable:
    """Hours of a month on the last score before it, and on the severity over all domains."""
    parts = []
    if "hours" in care.recorded:
        for need, rows in need_rows(study, care, oldest=OLDEST).items():
            found = fit_within_between(rows, level=level)
            if found is not None:
                parts.append(_slopes(found, care, need=need))
    columns = ["need", "part", *ESTIMATE_COLUMNS, "n_measurements", "n_families", "n_organisations"]
    data = pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
    keys = (key_column("need").but(meaning="label"), key_column("part").but(meaning="label"))
    return ResultTable(
        "hours_follow_need", data, columns=(*keys, *_SLOPE, number_of("n_measurements", of="months"))
    )


def _response(care: CareMonths, *, level: float) -> list[ResultTable]:
    """The score on the hours of the month before it: slopes, and whether they are straight."""
    found = shape = None
    if "hours" in care.recorded:
        found = fit_within_between(dose_rows(care), slopes=True, level=level)
        shape = None if found is None else fit_shape(found, HOURS_OFF, level=level)
    columns = ["part", *ESTIMATE_COLUMNS, "n_measurements", "n_families", "n_organisations"]
    data = pd.DataFrame(columns=columns) if found is None else _slopes(found, care)[columns]
    curve = pd.DataFrame(columns=["hours_off", *ESTIMATE_COLUMNS, "n_families", "n_organisations"])
    bends = pd.DataFrame(columns=["p_bends", "n_families", "n_organisations"])
    if found is not None and shape is not None:
        families, organisations = care.behind(found.data["unit"].to_numpy(dtype=np.intp))
        bends.loc[0] = [shape.p_bends, families, organisations]
        bends = bends.astype(float)
        if len(shape.rows):
            read = shape.rows.rename(columns={"at": "hours_off"})
            curve = read.assign(n_families=families, n_organisations=organisations)[list(curve.columns)]
    return [
        ResultTable(
            "dose_response",
            data,
            columns=(key_column("part").but(meaning="label"), *_SLOPE, number_of("n_measurements")),
        ),
        ResultTable("dose_shape", curve, columns=(key_column("hours_off"), *estimates(digits=1))),
        ResultTable("dose_linearity", bends, columns=(Column(name="p_bends", meaning="p"),)),
    ]
