"""Two outcomes in one growth model: do families who improve faster in the one do so in the other?

The outcomes are stacked: each has its own mean course and a level and a slope per family, all four of which
may go together. Around that, swings may carry over to the next moment, each to itself and to the other
(Curran and others 2014: a latent curve model with structured residuals), and the swings of one moment are
correlated, since both questionnaires were filled in on one day by one parent in one mood. Left out, part of
that correlation is taken for one of the families' courses (shown in
tests/analysis/outcomes/test_growth_together.py).

What is seen of a swing holds error of measurement, which carries nothing over. Taken for swing, it makes what
carries over look about as much smaller as its share in the variance; so its variance is given, from the items
(:mod:`item_error`).

References
----------
Curran, P. J., Howard, A. L., Bainter, S. A., Lane, S. T. & McGinley, J. S. (2014). The separation of
between-person and within-person components of individual change over time. *Journal of Consulting and
Clinical Psychology*, 82, 879-894. https://doi.org/10.1037/a0035297
Schuurman, N. K. & Hamaker, E. L. (2019). Measurement error and person-specific reliability in multilevel
autoregressive modeling. *Psychological Methods*, 24, 70-91. https://doi.org/10.1037/met0000188
"""

import numpy as np
import pandas as pd

from mpg_research.statistics.two_outcomes.correlation_limits import Correlation, correlation_of
from mpg_research.statistics.two_outcomes.families import fill_up
from mpg_research.statistics.two_outcomes.fit import Fitted, fit_two_outcomes
from mpg_research.statistics.two_outcomes.likelihood import TwoOutcomes

__all__ = ["EFFECTS", "fit_together", "random_correlation", "some_families", "stack"]

#: Random effects of a family, in the order of the model.
EFFECTS = ("slope_1", "slope_2", "level_1", "level_2")
#: With more families than this an even choice of them is put together.
MOST_FAMILIES = 1_500
#: Months of a year: slopes are per year.
YEAR = 12.0


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


def fit_together(
    rows: pd.DataFrame, *, carries_over: bool, noise: tuple[float, float] = (0.0, 0.0)
) -> Fitted | None:
    """The bivariate growth model by restricted likelihood; None where the data cannot carry it.

    Parameters
    ----------
    rows : DataFrame
        From :func:`stack`.
    carries_over : bool
        Whether swings carry over to the next moment, each to itself and to the other; else they are
        correlated within a moment only.
    noise : tuple of float
        Known error variance of a score of either outcome.
    """
    bends = ["bend_1", "bend_2"] if rows["moment"].nunique() > 2 else []
    fixed = rows[["level_1", "level_2", "slope_1", "slope_2", *bends]].to_numpy(dtype=float)
    if len(rows) <= fixed.shape[1] or np.linalg.matrix_rank(fixed) < fixed.shape[1]:
        return None
    families = fill_up(
        np.unique(rows["family"].to_numpy(dtype=str), return_inverse=True)[1].astype(np.intp),
        rows["score"].to_numpy(dtype=float),
        fixed,
        rows[list(EFFECTS)].to_numpy(dtype=float),
        rows["moment"].to_numpy(dtype=np.intp),
        (rows["outcome"] == "2").to_numpy().astype(np.intp),
    )
    fit = fit_two_outcomes(TwoOutcomes(families, noise, carries_over))
    return fit if fit.converged else None


def random_correlation(fit: Fitted, first: str, second: str, *, level: float) -> Correlation:
    """The correlation of two random effects, with limits by the profile of the likelihood.

    Parameters
    ----------
    fit : Fitted
        From :func:`fit_together`.
    first, second : str
        Names among :data:`EFFECTS`.
    level : float
        Of the limits.
    """
    return correlation_of(fit, EFFECTS.index(first), EFFECTS.index(second), level=level)
