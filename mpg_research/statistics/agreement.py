"""How far two measurements of the same thing lie apart, where one family can have several pairs of them."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from mpg_research.arrays import FloatArray

__all__ = ["LimitsOfAgreement", "limits_of_agreement"]


@dataclass(frozen=True, slots=True)
class LimitsOfAgreement:
    """The mean difference and the limits between which most differences lie, in the unit of the scores.

    Attributes
    ----------
    mean, std_error, df : float
        Mean over families of their mean differences, its standard error and degrees of freedom.
    conf_low, conf_high : float
        Interval of the mean.
    sd : float
        Standard deviation of one difference, within and between families together.
    lower, upper : float
        Limits of agreement.
    lower_interval, upper_interval : tuple of float
        Interval of each limit.
    n_families, n_pairs : int
        Families, and their pairs of measurements.
    """

    mean: float
    std_error: float
    df: float
    conf_low: float
    conf_high: float
    sd: float
    lower: float
    upper: float
    lower_interval: tuple[float, float]
    upper_interval: tuple[float, float]
    n_families: int
    n_pairs: int


def limits_of_agreement(
    differences: FloatArray, families: np.ndarray, *, share: float = 0.95, level: float = 0.95
) -> LimitsOfAgreement:
    """Limits of agreement with one or more pairs of measurements per family.

    Parameters
    ----------
    differences : ndarray of float, shape (n_pairs,)
        Second minus first measurement of each pair.
    families : ndarray, shape (n_pairs,)
        Whose pair it is. Families, not pairs, are taken for independent.
    share : float, default 0.95
        Share of the differences that lies between the limits.
    level : float, default 0.95
        Confidence level of the intervals.

    Returns
    -------
    LimitsOfAgreement
        Missing where there are fewer than two families.

    Notes
    -----
    With ``m_i`` pairs of family i, mean differences ``d_i`` with variance ``s_b^2`` over families, the pooled
    variance ``s_w^2`` within families and the harmonic mean ``m_h`` of the numbers of pairs, the variance of
    one difference is ``V = s_b^2 + (1 - 1 / m_h) s_w^2``, and the limits are ``mean -/+ z sqrt(V)``. With one
    pair per family they are those of Bland and Altman (1986). The intervals recover the variance of each part
    from its own chi-square interval (MOVER); that of the mean is Student's t over families.

    References
    ----------
    Bland & Altman (1986), The Lancet 327, 307-310, doi 10.1016/S0140-6736(86)90837-8. Bland & Altman (2007),
    Journal of Biopharmaceutical Statistics 17, 571-582, doi 10.1080/10543400701329422 (several pairs). Zou
    (2013), Statistical Methods in Medical Research 22, 630-642, doi 10.1177/0962280211402548 (the intervals).

    Examples
    --------
    >>> import numpy as np
    >>> found = limits_of_agreement(np.array([1.0, 3.0, -1.0, 1.0]), np.array(["a", "b", "c", "d"]))
    >>> round(found.mean, 1), round(found.lower, 1), round(found.upper, 1)
    (1.0, -2.2, 4.2)
    """
    _, place, counts = np.unique(families, return_inverse=True, return_counts=True)
    n, total = len(counts), len(differences)
    nan = float("nan")
    if n < 2:
        mean = float(differences.mean()) if total else nan
        return LimitsOfAgreement(mean, *(nan,) * 7, (nan, nan), (nan, nan), n, total)
    means = np.bincount(place, weights=differences) / counts
    mean, between = float(means.mean()), float(means.var(ddof=1))
    left = total - n
    within = float(((differences - means[place]) ** 2).sum() / left) if left else 0.0
    spare = within * (1 - float((1 / counts).mean()))
    variance = between + spare
    sd = float(np.sqrt(variance))

    tails = ((1 + level) / 2, (1 - level) / 2)
    error = float(np.sqrt(between / n))
    reach = float(stats.t.ppf(tails[0], n - 1)) * error
    less, more = (_moved(((between, n - 1), (spare, left)), tail) for tail in tails)
    low_sd, high_sd = np.sqrt(max(variance - less, 0.0)), np.sqrt(variance + more)

    z = float(stats.norm.ppf((1 + share) / 2))
    inner = float(np.hypot(reach, z * (sd - low_sd)))
    outer = float(np.hypot(reach, z * (high_sd - sd)))
    lower, upper = mean - z * sd, mean + z * sd
    return LimitsOfAgreement(
        mean=mean,
        std_error=error,
        df=float(n - 1),
        conf_low=mean - reach,
        conf_high=mean + reach,
        sd=sd,
        lower=lower,
        upper=upper,
        lower_interval=(lower - outer, lower + inner),
        upper_interval=(upper - inner, upper + outer),
        n_families=n,
        n_pairs=total,
    )


def _moved(parts: tuple[tuple[float, int], ...], tail: float) -> float:
    """How far an end of the interval of a sum of variances lies from the sum."""
    far = [size * (1 - df / stats.chi2.ppf(tail, df)) for size, df in parts if df > 0]
    return float(np.sqrt(np.square(far).sum()))
