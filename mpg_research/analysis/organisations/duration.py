"""How long families are in help at each organisation, adjusted for case mix, with help that goes on.

Months of help are counted up to :data:`HORIZON`, or to the last whole month that all organisations could
have been followed for; one that could not have been followed to the primary month is left out and has no
number yet (nor would the others have a fair one up to so short a time). Which organisations and which
horizon hangs on dates of start and export alone, never on how long help lasted.

Help that had not ended when the data were exported is censored: through pseudo-observations each episode
adds to the mean what it adds to the restricted mean of the Kaplan-Meier curve of its own organisation, and
a linear model of them, with a level per organisation and the case mix, compares the organisations. Within
an organisation, since one that joined late has seen little of the end of help: on a curve of all
organisations together its families would get the others' durations. So within an organisation censoring
must have nothing to do with how long help would have lasted.

Where by chance nobody was seen up to the horizon, the estimate lies in the middle of what the mean can be,
and the limits take in both ends.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student_t

from mpg_research.analysis.organisations.episodes_of_comparison import OrganisationUnits
from mpg_research.arrays import FloatArray
from mpg_research.statistics.providers.robust_levels import robust_covariance
from mpg_research.statistics.providers.standardisation import FixedProviders, fit_fixed_providers
from mpg_research.statistics.survival.restricted_mean import pseudo_times, unseen_time
from mpg_research.study.config.study_toml import DAYS_PER_MONTH

__all__ = ["HORIZON", "duration_horizon", "duration_rows"]


#: Months of help are counted up to two years at most.
HORIZON = 24.0
#: Twelve calendar months are 365 or 366 days, and month 12 is 365.25 days.
_SLACK = 2 / DAYS_PER_MONTH


def duration_horizon(times: pd.DataFrame, organisations: Iterable[str], *, month: float) -> float:
    """Months up to which help is counted: what all organisations that could reach the month have seen.

    Parameters
    ----------
    times : DataFrame
        organisation, time and reach, as in :class:`~mpg_research.analysis.growth.help_periods.HelpPeriods`.
    organisations : iterable of str
        Those that are compared.
    month : float
        The primary month.

    Returns
    -------
    float
        Whole months, at most :data:`HORIZON`; 0 where no organisation could reach the month.
    """
    followed = _followed(times[times["organisation"].isin(list(organisations))])
    reached = followed[followed >= _needed(month)]
    return float(min(HORIZON, np.floor(reached.min() + _SLACK))) if len(reached) else 0.0


def _followed(times: pd.DataFrame) -> pd.Series:
    """For how many months each organisation's families could have been seen."""
    # Without a calendar: as long as any of them was seen.
    months = times["reach"].where(np.isfinite(times["reach"]), times["time"])
    return months.groupby(times["organisation"]).max()


def _needed(month: float) -> float:
    return min(month, HORIZON) - _SLACK


def duration_rows(
    times: pd.DataFrame, units: OrganisationUnits, *, month: float, level: float
) -> list[tuple[object, ...]]:
    """Rows of ``indicators`` about duration; none without ends of help.

    Parameters
    ----------
    times : DataFrame
        family, episode, organisation, time (months to the end, or seen), reach and ended, as in
        :class:`~mpg_research.analysis.growth.help_periods.HelpPeriods`.
    units : OrganisationUnits
        The periods of help of the organisations.
    month : float
        The primary month.
    level : float
        Confidence level of the intervals, between 0 and 1.
    """
    known = units.join(times[["family", "episode", "time", "ended"]])
    if known.rows.empty or not known.rows["ended"].any():
        return []
    horizon = duration_horizon(times, units.order, month=month)
    followed = _followed(times)
    enough = [key for key in known.keys if followed[key] >= _needed(month)]
    rows = _rows(known.of(enough), horizon, level)
    absent = [key for key in units.order if key not in enough]
    return [*rows, *((key, "duration", "no", 0, *[np.nan] * 7, 0) for key in absent)]


def _rows(known: OrganisationUnits, horizon: float, level: float) -> list[tuple[object, ...]]:
    if known.rows.empty:
        return []
    codes = known.codes
    outcome, unseen = np.zeros(len(known.rows)), np.zeros(len(known.keys))
    for place in range(len(known.keys)):
        mine = codes == place
        rows = known.rows[mine]
        unseen[place] = unseen_time(rows["time"], rows["ended"], horizon=horizon)
        outcome[mine] = _each_adds(rows, horizon) - unseen[place] / 2
    case_mix = known.case_mix
    fit = _fit(outcome, codes, case_mix)
    if fit is None:
        # Too few families for the case mix: then the organisations as they are.
        case_mix = case_mix[:, :0]
        fit = _fit(outcome, codes, case_mix)
    if fit is None:
        return []
    g, weights = fit.size.size, fit.size / fit.size.sum()
    covariance = robust_covariance(fit, outcome, case_mix, cluster=known.rows["family"])
    contrast = np.eye(g) - weights
    sizes = known.families()
    quantile = student_t.ppf(0.5 + level / 2, np.maximum(np.array(sizes) - 1, 1))
    half = quantile * np.sqrt(np.diagonal(covariance)) + unseen / 2
    apart = quantile * np.sqrt(np.maximum(np.diagonal(contrast @ covariance @ contrast.T), 0.0))
    apart = apart + np.abs(contrast) @ unseen / 2
    overall = float(weights @ fit.at_average)
    gap = fit.at_average - overall
    return [
        (
            key, "duration", "no", int(fit.size[i]), fit.at_average[i],
            max(fit.at_average[i] - half[i], 0.0), min(fit.at_average[i] + half[i], horizon), overall, gap[i],
            gap[i] - apart[i], gap[i] + apart[i], sizes[i],
        )
        for i, key in enumerate(known.keys)
    ]  # fmt: skip


def _each_adds(rows: pd.DataFrame, horizon: float) -> FloatArray:
    """What each period adds to the restricted mean of its own organisation."""
    time, ended = rows["time"].to_numpy(dtype=float), rows["ended"].to_numpy(dtype=bool)
    if len(rows) < 2:
        cut: FloatArray = np.minimum(time, horizon)
        return cut
    return pseudo_times(time, ended, horizon=horizon)


def _fit(outcome: FloatArray, codes: NDArray[np.intp], case_mix: FloatArray) -> FixedProviders | None:
    try:
        return fit_fixed_providers(outcome, codes, case_mix)
    except ValueError:
        return None
