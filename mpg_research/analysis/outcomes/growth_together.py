"""Two outcomes in one growth model: do families who improve faster in the one do so in the other?

The outcomes are stacked: each has its own mean course and a level and a slope per family, all four of which
may go together; residuals have a variance each, and those of one moment are correlated, since both
questionnaires were filled in on one day by one parent in one mood. Left out, part of that correlation is
taken for one of the families' courses (shown in tests/analysis/outcomes/test_growth_together.py).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from mpg_research.analysis.outcomes.cross_lagged import CROSS_NAMES, CrossLagged
from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed import MixedFit, Unstructured, fit_mixed
from mpg_research.mixed.inference.information import information

__all__ = [
    "Correlation",
    "Lagged",
    "fit_together",
    "lagged_effects",
    "random_correlation",
    "some_families",
    "stack",
]

#: Random effects of a family: the slopes first.
EFFECTS = ("slope_1", "slope_2", "level_1", "level_2")
_RANDOM = f"(0 + {' + '.join(EFFECTS)} | family)"
#: A correlation nearer to one than this has no interval by its standard error.
_AT_ONE = 0.999
#: With more families than this an even choice of them is put together.
MOST_FAMILIES = 1_500
#: Months of a year: slopes are per year.
YEAR = 12.0


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation of two random effects of the families, with its limits; NaN where there are none."""

    estimate: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True)
class Lagged:
    """What a swing away from a family's own course is followed by one moment later.

    ``estimate``, ``std_error``: arrays of shape (4,), in the order of
    :data:`~mpg_research.analysis.outcomes.cross_lagged.CROSS_NAMES`.
    """

    estimate: FloatArray
    std_error: FloatArray


def some_families(data: pd.DataFrame, families: list[str]) -> pd.DataFrame:
    """The rows of at most some fifteen hundred families, an even choice: enough for these numbers.

    Parameters
    ----------
    data : DataFrame
        With family.
    families : list of str
        All families, sorted.
    """
    step = -(-len(families) // MOST_FAMILIES)
    return data if step < 2 else data[data["family"].isin(families[::step])]


def stack(first: pd.DataFrame, second: pd.DataFrame, *, lag: float) -> pd.DataFrame:
    """Two outcomes below each other.

    Parameters
    ----------
    first, second : DataFrame
        family, months, score; one row per family and moment.
    lag : float
        Months between two moments: what is nearest to the same multiple of it is one moment. Of several
        scores of one outcome in one moment the first counts.

    Returns
    -------
    DataFrame
        family, months, score, outcome ("1" or "2"), moment, place, and a column per effect.
    """
    parts = []
    for name, data in (("1", first), ("2", second)):
        months = data["months"].to_numpy(dtype=float)
        part = data.assign(outcome=name, moment=np.floor(months / lag + 0.5).astype(int))
        part = part.sort_values(["family", "months"], kind="stable")
        parts.append(part.drop_duplicates(["family", "moment"]))
    rows = pd.concat(parts, ignore_index=True)
    inside = rows["outcome"] == "1"
    rows["level_1"], rows["level_2"] = inside.astype(float), (~inside).astype(float)
    for name in ("1", "2"):
        rows[f"slope_{name}"] = rows[f"level_{name}"] * rows["months"] / YEAR
        rows[f"bend_{name}"] = rows[f"level_{name}"] * np.log1p(rows["months"])
    return rows.assign(place=2 * rows["moment"] + (~inside).astype(int))


def fit_together(rows: pd.DataFrame, *, carries_over: bool) -> MixedFit | None:
    """The bivariate growth model by REML; None where the data cannot carry it.

    Parameters
    ----------
    rows : DataFrame
        From :func:`stack`.
    carries_over : bool
        Whether swings carry over to the next moment, each to itself and to the other; else residuals are
        correlated within a moment only.
    """
    bends = " + bend_1 + bend_2" if rows["moment"].nunique() > 2 else ""
    formula = f"score ~ 0 + level_1 + level_2 + slope_1 + slope_2{bends} + {_RANDOM}"
    structure = (
        CrossLagged("place", within="family")
        if carries_over
        else Unstructured("outcome", within="family:moment")
    )
    try:
        fit = fit_mixed(formula, rows, residual=structure, df="normal")
    except ModelError:
        return None
    return fit if fit.converged and np.isfinite(fit.log_likelihood) else None


def random_correlation(fit: MixedFit, first: str, second: str, *, level: float) -> Correlation:
    """The correlation of two random effects, with limits on Fisher's z by the delta method.

    Parameters
    ----------
    fit : MixedFit
        From :func:`fit_together`.
    first, second : str
        Names among :data:`EFFECTS`.
    level : float
        Of the limits.

    Notes
    -----
    The covariance of the variances comes from the observed information. Where a correlation is estimated as
    one, or a variance as zero, there are no limits: the data do not tell the two apart.
    """
    rows = fit.random.set_index(["term_1", "term_2"])["covariance"]
    one, other = float(rows[(first, first)]), float(rows[(second, second)])
    across = float(rows[(first, second)] if (first, second) in rows.index else rows[(second, first)])
    if not (one > 0 and other > 0):
        return Correlation(*[float("nan")] * 3)
    found = across / float(np.sqrt(one * other))
    if abs(found) > _AT_ONE or fit.is_singular:
        return Correlation(float(np.clip(found, -1, 1)), float("nan"), float("nan"))
    known = information(fit.solution)
    labels = list(known.labels)
    ordered = sorted((first, second), key=EFFECTS.index)
    places = [
        labels.index(f"var(family: {first})"),
        labels.index(f"cov(family: {ordered[0]}, {ordered[1]})"),
        labels.index(f"var(family: {second})"),
    ]
    slope = np.array([-found / (2 * one), 1 / np.sqrt(one * other), -found / (2 * other)])
    spread = known.component_covariance[np.ix_(places, places)]
    variance = float(slope @ spread @ slope)
    if not variance > 0:
        return Correlation(found, float("nan"), float("nan"))
    half = float(ndtri(0.5 + level / 2)) * np.sqrt(variance) / (1 - found**2)
    low, high = np.tanh(np.arctanh(found) + np.array([-half, half]))
    return Correlation(found, float(low), float(high))


def lagged_effects(fit: MixedFit) -> Lagged:
    """What carries over, of a fit with ``carries_over``, with standard errors from the information."""
    values = fit.solution.residual_parameters[:4]
    variances = np.diagonal(information(fit.solution).component_covariance)
    own = variances[-1 - len(CROSS_NAMES) : -1][:4]
    return Lagged(values, np.sqrt(np.where(own > 0, own, np.nan)))
