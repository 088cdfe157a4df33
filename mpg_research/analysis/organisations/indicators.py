"""More than one number per organisation: change, end level, duration, and shares of families.

Tables
------
- ``indicators(organisation, indicator, primary, n_group, estimate, conf_low, conf_high, expected, difference,
  difference_low, difference_high)``, all adjusted for case mix: ``change`` (points, the primary one),
  ``change_standardised`` and ``end_level`` come from the growth model, and what is expected is the mean of
  the organisations; ``duration`` is the mean number of months in help, counted up to two years at most
  (:mod:`~mpg_research.analysis.organisations.duration`), of the study's average family, and what is expected
  is the mean of the study; an organisation whose families cannot have been seen so long has 0 and no number.
- ``share_indicators`` and the funnel plots of shares: :mod:`~mpg_research.analysis.organisations.shares`.
"""

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from mpg_research.analysis.columns import N_GROUP, coded, ends, modelled
from mpg_research.analysis.growth.estimate_tables import table_by_organisation
from mpg_research.analysis.growth.model_frame import ModelFrame
from mpg_research.analysis.organisations.duration import duration_rows
from mpg_research.analysis.organisations.effects import OrganisationEffects
from mpg_research.analysis.organisations.episodes_of_comparison import OrganisationUnits
from mpg_research.analysis.result import ResultTable
from mpg_research.arrays import FloatArray

__all__ = ["INDICATORS", "indicator_table"]


#: The indicators; the first is the declared primary one.
INDICATORS = ("change", "change_standardised", "end_level", "duration")

_COLUMNS = [
    "organisation", "indicator", "primary", "n_group", "estimate", "conf_low", "conf_high", "expected",
    "difference", "difference_low", "difference_high", "n_families",
]  # fmt: skip


def indicator_table(
    frame: ModelFrame,
    effects: OrganisationEffects,
    end_level: tuple[FloatArray, FloatArray],
    units: OrganisationUnits,
    times: pd.DataFrame | None,
    *,
    month: float,
    level: float,
) -> ResultTable:
    """Change, end level and duration of all organisations.

    Parameters
    ----------
    frame : ModelFrame
    effects : OrganisationEffects
        Change at the primary month.
    end_level : (ndarray (g,), ndarray (g, g))
        Adjusted scores at that month and their covariance.
    units : OrganisationUnits
        The periods of help of the organisations.
    times : DataFrame, optional
        Rows of :class:`~mpg_research.analysis.growth.help_periods.HelpPeriods`; None where time is not in
        months.
    month : float
        The primary month.
    level : float
        Confidence level of the intervals, between 0 and 1.
    """
    rows = _model_rows("change", effects.raw, effects.raw_covariance, effects, level)
    sd = frame.baseline.sd
    if sd > 0:
        rows += _model_rows(
            "change_standardised", effects.raw / sd, effects.raw_covariance / sd**2, effects, level
        )
    rows += _model_rows("end_level", *end_level, effects, level)
    rows += [] if times is None else duration_rows(times, units, month=month, level=level)
    apart, estimate = modelled("difference"), modelled("estimate")
    columns = (
        coded("indicator"), coded("primary"), N_GROUP, estimate,
        *ends(estimate, "conf", heading="interval"), modelled("expected"), apart, *ends(apart),
    )  # fmt: skip
    return table_by_organisation("indicators", pd.DataFrame(rows, columns=_COLUMNS), columns)


def _model_rows(
    name: str, estimate: FloatArray, covariance: FloatArray, effects: OrganisationEffects, level: float
) -> list[tuple[object, ...]]:
    g = len(estimate)
    contrast = np.eye(g) - 1.0 / g
    difference = contrast @ estimate
    error = np.sqrt(np.maximum(np.diagonal(contrast @ covariance @ contrast), 0.0))
    quantile = student_t.ppf(0.5 + level / 2, effects.df)
    half, apart = quantile * np.sqrt(np.diagonal(covariance)), quantile * error
    primary = "yes" if name == INDICATORS[0] else "no"
    return [
        (
            key, name, primary, int(effects.n_families[i]), estimate[i], estimate[i] - half[i],
            estimate[i] + half[i], float(estimate.mean()), difference[i], difference[i] - apart[i],
            difference[i] + apart[i], int(effects.n_families[i]),
        )
        for i, key in enumerate(effects.keys)
    ]  # fmt: skip
