"""How long families are in help at each organisation, adjusted for case mix, with help that goes on.

Months of help are counted up to :data:`HORIZON`. Help that had not ended when the data were exported is
censored: through pseudo-observations each episode adds to the mean what it adds to the restricted mean of a
Kaplan-Meier curve of all, and a linear model of them, with a level per organisation and the case mix,
compares the organisations. So censoring must have nothing to do with how long help would have lasted.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student_t

from mpg_research.analysis.organisation_units import OrganisationUnits
from mpg_research.statistics.provider_sandwich import robust_covariance
from mpg_research.statistics.restricted_time import pseudo_times
from mpg_research.statistics.standardisation import fit_fixed_providers
from mpg_research.study.model import Study

__all__ = ["HORIZON", "duration_rows", "times_in_help"]

FloatArray = NDArray[np.float64]

#: Months of help are counted up to two years.
HORIZON = 24.0
_DAYS = 30.4375


def duration_rows(times: pd.DataFrame, units: OrganisationUnits, *, level: float) -> list[tuple[object, ...]]:
    """Rows of ``indicators`` about duration; none without dates of start and end.

    Parameters
    ----------
    times : DataFrame
        From :func:`times_in_help`.
    units : OrganisationUnits
        The episodes of the model.
    level : float
    """
    known = units.join(times)
    if known.rows.empty or not known.rows["ended"].any():
        return []
    months = known.rows["time"].to_numpy(dtype=float)
    outcome = pseudo_times(months, known.rows["ended"].to_numpy(dtype=bool), horizon=HORIZON)
    case_mix = known.case_mix
    try:
        fit = fit_fixed_providers(outcome, known.codes, case_mix)
    except ValueError:
        # Too few families for the case mix: then the organisations as they are.
        case_mix = case_mix[:, :0]
        try:
            fit = fit_fixed_providers(outcome, known.codes, case_mix)
        except ValueError:
            return []
    g, weights = fit.size.size, fit.size / fit.size.sum()
    covariance = robust_covariance(fit, outcome, case_mix)
    contrast = np.eye(g) - weights
    df = np.maximum(fit.size - 1, 1)
    quantile = student_t.ppf(0.5 + level / 2, df)
    half = quantile * np.sqrt(np.diagonal(covariance))
    apart = quantile * np.sqrt(np.maximum(np.diagonal(contrast @ covariance @ contrast.T), 0.0))
    overall = float(weights @ fit.at_average)
    gap = fit.at_average - overall
    sizes = known.families()
    return [
        (
            key, "duration", "no", int(fit.size[i]), fit.at_average[i], fit.at_average[i] - half[i],
            fit.at_average[i] + half[i], overall, gap[i], gap[i] - apart[i], gap[i] + apart[i], sizes[i],
        )
        for i, key in enumerate(known.keys)
    ]  # fmt: skip


def times_in_help(study: Study) -> pd.DataFrame:
    """Months from start to end, or to the export of the data: family, episode, time, ended.

    Empty without dates of start and end.
    """
    episodes = study.tables["episodes"]
    if not {"start", "end"} <= set(episodes.columns):
        return pd.DataFrame(columns=["family", "episode", "time", "ended"])
    start = pd.to_datetime(episodes["start"], errors="coerce")
    end = pd.to_datetime(episodes["end"], errors="coerce")
    last = study.config.study.export_date
    until = end.fillna(pd.Timestamp(last) if last is not None else end.max())
    months = ((until - start).dt.days / _DAYS).to_numpy(dtype=float)
    found = pd.DataFrame(
        {
            "family": episodes["family"].astype(str),
            "episode": episodes["episode"].astype(str),
            "time": months,
            "ended": end.notna(),
        }
    )
    return found[np.isfinite(months) & (months > 0)]
