"""Whether two groups are alike before and after weighting, and whether each has its like in the other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray
from mpg_research.statistics.trials.weights import effective_sample_size

__all__ = ["Balance", "Overlap", "compare_groups", "measure_overlap"]


@dataclass(frozen=True, slots=True)
class Balance:
    """Two groups beside each other, one number per column; arrays of shape (k,).

    Attributes
    ----------
    mean_treated, mean_control : ndarray
        Weighted.
    difference : ndarray
        Treated minus control.
    standardised : ndarray
        The difference in standard deviations of the *unweighted* groups (root mean of the two variances).
    by_treated : ndarray
        The same in standard deviations of the unweighted treated.
    variance_ratio : ndarray
        Weighted variance of the treated over that of the controls; NaN for columns of zeros and ones.
    distance : ndarray
        Largest distance between the two weighted distribution functions (Kolmogorov-Smirnov).
    size_treated, size_control : float
        Effective sample sizes.
    """

    mean_treated: FloatArray
    mean_control: FloatArray
    difference: FloatArray
    standardised: FloatArray
    by_treated: FloatArray
    variance_ratio: FloatArray
    distance: FloatArray
    size_treated: float
    size_control: float


def compare_groups(columns: ArrayLike, treated: ArrayLike, *, weight: ArrayLike | None = None) -> Balance:
    """Compare treated and controls, column by column.

    Parameters
    ----------
    columns : array_like, shape (n, k)
    treated : array_like of bool, shape (n,)
    weight : array_like, shape (n,), optional

    Returns
    -------
    Balance

    Notes
    -----
    The denominator of a standardised difference stays that of the groups as they were: weights would change
    it together with the difference. Weighted variances are sum w (x - m)^2 / (sum w - sum w^2 / sum w).

    References
    ----------
    Austin, P. C. & Stuart, E. A. (2015). Statistics in Medicine, 34, 3661-3679.
    https://doi.org/10.1002/sim.6607
    """
    x, arm = np.asarray(columns, dtype=float), np.asarray(treated, dtype=bool)
    w = np.ones(len(x)) if weight is None else np.asarray(weight, dtype=float)
    k = x.shape[1]
    if not arm.any() or arm.all():
        none = np.full(k, np.nan)
        sizes = effective_sample_size(w[arm]), effective_sample_size(w[~arm])
        return Balance(none, none, none, none, none, none, none, *sizes)
    means = [np.average(x[group], axis=0, weights=w[group]) for group in (arm, ~arm)]
    with np.errstate(all="ignore"):
        plain = [_plain_variance(x[group]) for group in (arm, ~arm)]
        spread = [_variance(x[group], w[group], mean) for group, mean in zip((arm, ~arm), means, strict=True)]
        gap = means[0] - means[1]
        pooled = _per_sd(gap, np.sqrt((plain[0] + plain[1]) / 2))
        by_treated = _per_sd(gap, np.sqrt(plain[0]))
        ratio = np.where(np.isin(x, (0.0, 1.0)).all(axis=0), np.nan, spread[0] / spread[1])
    distance = np.array([_distance(column, arm, w) for column in x.T])
    return Balance(
        means[0], means[1], gap, pooled, by_treated, ratio, distance,
        effective_sample_size(w[arm]), effective_sample_size(w[~arm]),
    )  # fmt: skip


def _plain_variance(x: FloatArray) -> FloatArray:
    """Of one person alone it is not known; there the difference has no scale."""
    return np.asarray(x.var(axis=0, ddof=1) if len(x) > 1 else np.full(x.shape[1], np.nan))


def _per_sd(gap: FloatArray, sd: FloatArray) -> FloatArray:
    """Without spread there is either no difference or one that no scale can hold."""
    return np.asarray(np.where(sd > 0, gap / sd, np.where(gap == 0, 0.0, np.inf * np.sign(gap))))


def _variance(x: FloatArray, w: FloatArray, mean: FloatArray) -> FloatArray:
    total = w.sum()
    return np.asarray((w[:, None] * (x - mean) ** 2).sum(axis=0) / (total - (w**2).sum() / total))


def _distance(x: FloatArray, arm: np.ndarray, w: FloatArray) -> float:
    order = np.argsort(x, kind="stable")
    step = np.where(arm, w / w[arm].sum(), -w / w[~arm].sum())[order]
    last_of_value = np.append(np.diff(x[order]) > 0, True)
    return float(np.abs(np.cumsum(step)[last_of_value]).max())


@dataclass(frozen=True, slots=True)
class Overlap:
    """Chances of being treated in the two groups.

    Attributes
    ----------
    low, high : float
        The range of chances that both groups have.
    inside : float
        Share of all whose chance lies in it.
    never : float
        Share of all whose chance is below the smallest that counts.
    largest_share : float
        Largest weight of one person, as a share of the weights of that person's group.
    """

    low: float
    high: float
    inside: float
    never: float
    largest_share: float


def measure_overlap(
    chance: ArrayLike, treated: ArrayLike, *, weight: ArrayLike | None = None, smallest: float = 0.01
) -> Overlap:
    """Measure how far two groups have their like in each other.

    Parameters
    ----------
    chance : array_like, shape (n,)
        Of being treated.
    treated : array_like of bool, shape (n,)
    weight : array_like, shape (n,), optional
    smallest : float
        Chance below which (or above one minus which) treatment was not really a choice.

    Returns
    -------
    Overlap
        NaN and no share inside where one group is empty.
    """
    p, arm = np.asarray(chance, dtype=float), np.asarray(treated, dtype=bool)
    w = np.ones(p.size) if weight is None else np.asarray(weight, dtype=float)
    if not arm.any() or arm.all():
        return Overlap(np.nan, np.nan, 0.0, float("nan"), float("nan"))
    low = float(max(p[arm].min(), p[~arm].min()))
    high = float(min(p[arm].max(), p[~arm].max()))
    shares = [float(w[group].max() / w[group].sum()) for group in (arm, ~arm) if w[group].sum() > 0]
    never = float(((p < smallest) | (p > 1 - smallest)).mean())
    inside = float(((p >= low) & (p <= high)).mean())
    return Overlap(low, high, inside, never, max(shares, default=float("nan")))
