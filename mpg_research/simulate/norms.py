"""A simulated reference sample of parents, and the norm table made from it."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from mpg_research.simulate.course import SD_OCCASION, answer_items

__all__ = ["AGE_BANDS", "NORMS_SOURCE", "norm_table", "simulate_reference_sample", "t_scores"]

AGE_BANDS = ((0, 3), (4, 11), (12, 18))
"""Ages in completed years for which the OBVL has separate norms."""

NORMS_SOURCE = (
    "Synthetic: normalised T-scores of 6,000 simulated parents, made for the example study. These are "
    "not the publisher's norms and must not be used for real families."
)

_MEANS = (-0.10, 0.0, 0.12)
PARENTS_PER_BAND = 2000


def simulate_reference_sample(rng: np.random.Generator) -> pd.DataFrame:
    """Parents in general, with burden about 0 and SD 1, answering the ten items.

    Parameters
    ----------
    rng : Generator
        Randomness.

    Returns
    -------
    DataFrame, shape (6000, 2)
        ``child_age`` in completed years and ``raw`` score.
    """
    parts = []
    for (low, high), mean in zip(AGE_BANDS, _MEANS, strict=True):
        burden = rng.normal(mean, 1.0, size=PARENTS_PER_BAND)
        occasion = rng.normal(scale=SD_OCCASION, size=PARENTS_PER_BAND)
        ages = rng.integers(low, high + 1, size=PARENTS_PER_BAND)
        raw = answer_items(rng, burden + occasion).sum(axis=1)
        parts.append(pd.DataFrame({"child_age": ages, "raw": raw.astype(np.int64)}))
    return pd.concat(parts, ignore_index=True)


def norm_table(sample: pd.DataFrame) -> pd.DataFrame:
    """Normalised T-scores of every raw score by age band.

    Parameters
    ----------
    sample : DataFrame
        As from `simulate_reference_sample`.

    Returns
    -------
    DataFrame
        ``age_from, age_to, raw, t_score``; T-scores to one decimal.

    Notes
    -----
    ``T = 50 + 10 z((below + equal / 2 + 1/2) / (n + 1))`` with z the normal quantile: it never falls
    while the raw score rises, also where nobody in the sample had a score.
    """
    raw = np.arange(10, 41)
    parts = []
    for low, high in AGE_BANDS:
        chosen = sample["child_age"].between(low, high)
        counts = np.bincount(sample.loc[chosen, "raw"].to_numpy(), minlength=41)[10:]
        below = np.cumsum(counts) - counts
        share = (below + counts / 2 + 0.5) / (counts.sum() + 1)
        t_score = np.round(50 + 10 * stats.norm.ppf(share), 1)
        parts.append(pd.DataFrame({"age_from": low, "age_to": high, "raw": raw, "t_score": t_score}))
    return pd.concat(parts, ignore_index=True)


def t_scores(
    table: pd.DataFrame, raw: NDArray[np.int8], child_age: NDArray[np.float64]
) -> NDArray[np.float64]:
    """T-scores of raw scores at the child's age at intake.

    Parameters
    ----------
    table : DataFrame
        As from `norm_table`.
    raw : ndarray of int, shape (n, n_visits)
        Raw scores from 10 to 40.
    child_age : ndarray of float, shape (n,)
        Age in years.

    Returns
    -------
    ndarray of float, shape (n, n_visits)
    """
    result = np.zeros(raw.shape)
    for low, high in AGE_BANDS:
        band = table.loc[table["age_from"] == low, "t_score"].to_numpy()
        chosen = (child_age >= low) & (child_age < high + 1)
        result[chosen] = band[raw[chosen] - 10]
    return result
