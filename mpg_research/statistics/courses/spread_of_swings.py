"""How much persons differ in the size of their swings."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

__all__ = ["spread_of_swings"]


_DF = np.geomspace(2.2, 100.0, 40)
#: Twice the gain in log-likelihood from which persons are taken to differ: .05, at the edge of the range.
_LEAST_GAIN = 2.706
_STEPS = 60


def spread_of_swings(squares: ArrayLike, df: ArrayLike) -> float:
    """Degrees of freedom of the distribution of the persons' variances, from their residuals.

    Parameters
    ----------
    squares : array_like, shape (n,)
        Sum of squared residuals of each person.
    df : array_like, shape (n,)
        Its degrees of freedom, above 0.

    Returns
    -------
    float
        d of an inverse chi-square distribution of the variances: small where persons differ much, infinite
        where their residuals give no reason to think that they do.

    Notes
    -----
    squares / (d s^2) follows a beta prime distribution with df / 2 and d / 2; maximum likelihood over both.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> spread_of_swings(rng.chisquare(8, 300), np.full(300, 8.0))
    inf
    >>> own = np.exp(rng.normal(0, 0.4, 300)) ** 2
    >>> spread_of_swings(own * rng.chisquare(8, 300), np.full(300, 8.0)) < 10
    True
    """
    q, d = np.asarray(squares, dtype=float), np.asarray(df, dtype=float)
    n = len(q)
    variance = q.sum() / d.sum()
    alike = -0.5 * (d * np.log(2 * variance)).sum() - 0.5 * d.sum()
    prior = _DF[:, None]
    s2 = np.full((len(_DF), 1), variance)
    for _ in range(_STEPS):
        s2 = n / ((prior + d) / (prior * s2 + q)).sum(axis=1, keepdims=True)
    differ = (
        gammaln((d + prior) / 2) - gammaln(prior / 2) - d / 2 * np.log(prior * s2)
        - (d + prior) / 2 * np.log1p(q / (prior * s2))
    ).sum(axis=1)  # fmt: skip
    best = int(np.argmax(differ))
    return float(_DF[best]) if 2 * (differ[best] - alike) > _LEAST_GAIN else float("inf")
