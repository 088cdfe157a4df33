"""How large the error of measurement of a score is around a family's own course, from its items.

Reliability as published compares families. What is asked of a score that swings around the family's own
course is another thing: how much of that swing is error. The items of one moment tell: what they share is the
swing, what each has for itself is error.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpg_research.instruments.reliability import MINIMUM_FAMILIES, fit_one_factor

__all__ = ["ErrorWithin", "error_within"]

#: Groups of families left out in turn for the standard error.
_GROUPS = 20
#: Moments a family needs: a line through two leaves nothing.
_FEWEST = 3


@dataclass(frozen=True, slots=True)
class ErrorWithin:
    """Error of one score.

    Attributes
    ----------
    variance : float
        Error variance of the sum of the items; NaN where it is not known.
    std_error : float
        Of the variance.
    n_families, n_measurements : int
        Behind it.
    """

    variance: float
    std_error: float
    n_families: int
    n_measurements: int


def error_within(
    answers: NDArray[np.float64], families: NDArray[np.intp], months: NDArray[np.float64]
) -> ErrorWithin:
    """Error variance of the sum of items, around a line in time per family and item.

    Parameters
    ----------
    answers : ndarray of float, shape (n_measurements, n_items)
        Turned so that all items point the same way; missing answers are NaN.
    families : ndarray of int, shape (n_measurements,)
        Whose answers they are (or which series they belong to).
    months : ndarray of float, shape (n_measurements,)
        When they were given.

    Returns
    -------
    ErrorWithin
        Without a variance where fewer than 20 families have three moments with all items answered, with fewer
        than three items, or where an item never varies.

    Notes
    -----
    The covariances of the items within families (around a line per family and item) are taken apart by one
    factor, as for McDonald's omega: the error variance is the sum of what the factor leaves of each item. As
    in Cranford and others (2006), but items may hang on the swing unequally. What some items share beside
    the factor counts as error, and so does what lasts of one item alone. The standard error is a jackknife
    over twenty groups of families.

    References
    ----------
    Cranford, J. A., Shrout, P. E., Iida, M., Rafaeli, E., Yip, T. & Bolger, N. (2006). A procedure for
    evaluating sensitivity to within-person change: can mood measures in diary studies detect change reliably?
    *Personality and Social Psychology Bulletin*, 32, 917-929. https://doi.org/10.1177/0146167206287721
    Geldhof, G. J., Preacher, K. J. & Zyphur, M. J. (2014). Reliability estimation in a multilevel
    confirmatory factor analysis framework. *Psychological Methods*, 19, 72-91. https://doi.org/10.1037/a0032138

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> families, months = np.repeat(np.arange(200), 6), np.tile(np.arange(6.0), 200)
    >>> swings = rng.normal(size=(1200, 1))
    >>> found = error_within(swings + rng.normal(0, 2, (1200, 10)), families, months)
    >>> bool(abs(found.variance - 40) < 2)
    True
    """
    x = np.asarray(answers, dtype=float)
    complete = np.isfinite(x).all(axis=1) & np.isfinite(months)
    codes, counts = np.unique(families[complete], return_inverse=True, return_counts=True)[1:]
    enough = counts[codes] >= _FEWEST
    codes = np.unique(codes[enough], return_inverse=True)[1]
    x, t = x[complete][enough], np.asarray(months, dtype=float)[complete][enough]
    n, items = int(codes.max(initial=-1)) + 1, x.shape[1]
    unknown = ErrorWithin(float("nan"), float("nan"), n, len(x))
    if n < MINIMUM_FAMILIES or items < _FEWEST:
        return unknown
    rest, free = _around_lines(x, t, codes, n)
    products = np.zeros((_GROUPS, items, items))
    degrees = np.zeros(_GROUPS)
    for group in range(_GROUPS):
        mine = rest[codes % _GROUPS == group]
        products[group] = mine.T @ mine
        degrees[group] = free[group::_GROUPS].sum()
    whole = products.sum(axis=0)
    if (np.diagonal(whole - products, axis1=1, axis2=2) <= 1e-12 * max(float(whole.max()), 1e-300)).any():
        return unknown
    matrices = np.concatenate([whole[None] / degrees.sum(), _left_out(whole - products, degrees)])
    variances = fit_one_factor(matrices, max_steps=2000, tolerance=1e-8).uniquenesses.sum(axis=1)
    spread = variances[1:] - variances[1:].mean()
    error = float(np.sqrt((_GROUPS - 1) / _GROUPS * (spread @ spread)))
    return ErrorWithin(float(variances[0]), error, n, len(x))


def _left_out(products: NDArray[np.float64], degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariances without each group in turn."""
    left: NDArray[np.float64] = products / (degrees.sum() - degrees)[:, None, None]
    return left


def _around_lines(
    x: NDArray[np.float64], t: NDArray[np.float64], codes: NDArray[np.intp], n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What a line in time per family leaves of each item, and the degrees of freedom of each family."""
    counts = np.bincount(codes, minlength=n).astype(float)
    time = t - (np.bincount(codes, t, n) / counts)[codes]
    spread = np.bincount(codes, time**2, n)
    sloped = spread > 1e-9
    rest = np.empty_like(x)
    for item in range(x.shape[1]):
        own = x[:, item] - (np.bincount(codes, x[:, item], n) / counts)[codes]
        slope = np.divide(np.bincount(codes, own * time, n), spread, out=np.zeros(n), where=sloped)
        rest[:, item] = own - slope[codes] * time
    return rest, counts - 1 - sloped
