"""Where a share lies by chance alone, around what was expected of it."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import betainc, ndtr, ndtri

__all__ = ["p_of_chance", "range_of_chance"]

#: Fewer events (or clients without) expected than this: the range is exact, not a bell curve.
_RARE = 5.0


def range_of_chance(
    expected: float, n: float, *, variance: float, carried: float = 0.0, level: float = 0.95
) -> tuple[float, float]:
    """How far below and above an expected share the observed one lies if nothing but chance is at work.

    Parameters
    ----------
    expected : float
        The share expected, 0 to 1.
    n : float
        Clients, or as many as leave the share as uncertain as it is; not necessarily whole.
    variance : float
        Of the observed share if it is as expected.
    carried : float, default 0
        Variance of the error of the expected share.
    level : float, default 0.95

    Returns
    -------
    tuple of float
        Lowest and highest difference of observed minus expected: the first zero or less, the second zero or
        more, neither beyond what a share can be.

    Notes
    -----
    A bell curve; where fewer than five events, or clients without, are expected, the counts that an exact
    binomial test of the expected share does not reject, with the error of what is expected added in squares.
    So for whole ``n`` and no such error a share lies in the range exactly if its Clopper-Pearson interval
    holds the expected share.

    References
    ----------
    Clopper, C. J. & Pearson, E. S. (1934). The use of confidence or fiducial limits illustrated in the case
    of the binomial. *Biometrika*, 26, 404-413. https://doi.org/10.1093/biomet/26.4.404

    Examples
    --------
    >>> low, high = range_of_chance(0.5, 100, variance=0.0025)
    >>> round(low, 3), round(high, 3)
    (-0.098, 0.098)
    """
    z = float(ndtri(0.5 + level / 2))
    if min(expected, 1 - expected) * n < _RARE:
        fewest, most = _counts_not_rejected(expected, n, float(ndtr(-z)))
        extra = z**2 * carried
        below = float(np.sqrt((expected - fewest / n) ** 2 + extra))
        above = float(np.sqrt((most / n - expected) ** 2 + extra))
    else:
        below = above = z * float(np.sqrt(variance + carried))
    return max(-below, -expected), min(above, 1 - expected)


def p_of_chance(gap: float, expected: float, n: float, *, variance: float, carried: float = 0.0) -> float:
    """The p-value of a difference: at one less that level its :func:`range_of_chance` just holds it.

    Parameters
    ----------
    gap : float
        Observed minus expected share.
    expected, n, variance, carried
        As in :func:`range_of_chance`.

    Returns
    -------
    float
        Two-sided, 0 to 1.

    Examples
    --------
    >>> round(p_of_chance(-0.098, 0.5, 100, variance=0.0025), 3)
    0.05
    """
    if gap == 0:
        return 1.0
    if min(expected, 1 - expected) * n >= _RARE:
        error = float(np.sqrt(variance + carried))
        return 2 * float(ndtr(-abs(gap) / error)) if error > 0 else 0.0

    def is_within(p: float) -> bool:
        low, high = range_of_chance(expected, n, variance=variance, carried=carried, level=1 - p)
        return low <= gap <= high

    low, high = -30.0, 0.0  # of the logarithm of p
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if is_within(float(np.exp(middle))) else (low, middle)
    return float(np.exp(high))


def _counts_not_rejected(p: float, n: float, tail: float) -> tuple[float, float]:
    """The smallest and the largest count for which neither tail of the binomial is below ``tail``."""

    def at_least(x: float) -> float:
        return float(betainc(x, n - x + 1, p)) - tail

    def at_most(x: float) -> float:
        return float(betainc(n - x, x + 1, 1 - p)) - tail

    if not 0 < p < 1:
        return p * n, p * n
    nearly = 1e-9 * n
    fewest = 0.0 if (1 - p) ** n >= tail else float(brentq(at_most, 0.0, n - nearly))
    most = float(n) if p**n >= tail else float(brentq(at_least, nearly, n))
    return min(fewest, p * n), max(most, p * n)
