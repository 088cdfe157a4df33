"""How long families are in help at each organisation, adjusted for case mix, with help that goes on.

Months of help are counted up to :data:`HORIZON`. Help that had not ended when the data were exported is
censored: through pseudo-observations each episode adds to the mean what it adds to the restricted mean of
the Kaplan-Meier curve of its own organisation, and a linear model of them, with a level per organisation and
the case mix, compares the organisations. Within an organisation, since one that joined late has seen little
of the end of help: on a curve of all organisations together its families would get the others' durations. So
within an organisation censoring must have nothing to do with how long help would have lasted.

What lies beyond the last moment that an organisation's families have been seen is not known. Where that
could add more than a month to its mean, the mean is not given (not yet); where it adds less, the estimate
lies in the middle and the limits take in both ends.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student_t

from mpg_research.analysis.organisation_units import OrganisationUnits
from mpg_research.statistics.provider_sandwich import robust_covariance
from mpg_research.statistics.restricted_time import pseudo_times, unseen_time
from mpg_research.statistics.standardisation import FixedProviders, fit_fixed_providers

__all__ = ["HORIZON", "duration_rows"]

FloatArray = NDArray[np.float64]

#: Months of help are counted up to two years.
HORIZON = 24.0
#: So many months of an organisation's mean may lie beyond what was seen of its families.
_UNSEEN = 1.0


def duration_rows(times: pd.DataFrame, units: OrganisationUnits, *, level: float) -> list[tuple[object, ...]]:
    """Rows of ``indicators`` about duration; none without ends of help.

    Parameters
    ----------
    times : DataFrame
        family, episode, time (months to the end, or seen) and ended, as in
        :class:`~mpg_research.analysis.help_periods.HelpPeriods`.
    units : OrganisationUnits
        The periods of help of the organisations.
    level : float
    """
    known = units.join(times[["family", "episode", "time", "ended"]])
    if known.rows.empty or not known.rows["ended"].any():
        return []
    unseen = {key: _unseen(mine) for key, mine in known.rows.groupby("organisation")}
    enough = [key for key in known.keys if unseen[key] <= _UNSEEN]
    rows = _rows(known.of(enough), np.array([unseen[key] for key in enough]), level)
    if not rows:
        return []
    absent = [key for key in units.order if key not in enough]
    return [*rows, *((key, "duration", "no", 0, *[np.nan] * 7, 0) for key in absent)]


def _unseen(rows: pd.DataFrame) -> float:
    return unseen_time(rows["time"], rows["ended"], horizon=HORIZON)


def _rows(known: OrganisationUnits, unseen: FloatArray, level: float) -> list[tuple[object, ...]]:
    if known.rows.empty:
        return []
    outcome = np.zeros(len(known.rows))
    for place in range(len(known.keys)):
        mine = known.codes == place
        outcome[mine] = _each_adds(known.rows[mine]) - unseen[place] / 2
    case_mix = known.case_mix
    fit = _fit(outcome, known.codes, case_mix)
    if fit is None:
        # Too few families for the case mix: then the organisations as they are.
        case_mix = case_mix[:, :0]
        fit = _fit(outcome, known.codes, case_mix)
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
            max(fit.at_average[i] - half[i], 0.0), min(fit.at_average[i] + half[i], HORIZON), overall, gap[i],
            gap[i] - apart[i], gap[i] + apart[i], sizes[i],
        )
        for i, key in enumerate(known.keys)
    ]  # fmt: skip


def _each_adds(rows: pd.DataFrame) -> FloatArray:
    """What each period adds to the restricted mean of its own organisation."""
    time, ended = rows["time"].to_numpy(dtype=float), rows["ended"].to_numpy(dtype=bool)
    if len(rows) < 2:
        cut: FloatArray = np.minimum(time, HORIZON)
        return cut
    return pseudo_times(time, ended, horizon=HORIZON)


def _fit(outcome: FloatArray, codes: NDArray[np.intp], case_mix: FloatArray) -> FixedProviders | None:
    try:
        return fit_fixed_providers(outcome, codes, case_mix)
    except ValueError:
        return None
