"""How likely the amount was that somebody got: a density in bands, of any shape."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.statistics.trials.weights import fit_chances

__all__ = ["AmountChances", "bands_of", "fit_amounts", "independent_columns"]

#: A column of which so little is left beside the others says nothing of its own.
_NOTHING_LEFT = 1e-7


@dataclass(frozen=True, slots=True)
class AmountChances:
    """Chances of the bands in which amounts were seen.

    Attributes
    ----------
    log_chance : ndarray, shape (n,)
        Logarithm of the chance of the band that was seen.
    n_bands : int
    converged : bool
    """

    log_chance: FloatArray
    n_bands: int
    converged: bool


def bands_of(amount: ArrayLike, n_bands: int) -> IntArray:
    """The band of each amount, from 0: as many amounts in each as ties allow.

    Parameters
    ----------
    amount : array_like, shape (n,)
    n_bands : int

    Returns
    -------
    ndarray of int, shape (n,)

    Examples
    --------
    >>> bands_of([1.0, 2.0, 3.0, 4.0], 2).tolist()
    [0, 0, 1, 1]
    """
    values = np.asarray(amount, dtype=float)
    inner = np.arange(1, n_bands) / n_bands
    upper = np.unique(np.quantile(values, inner, method="inverted_cdf"))
    place = np.searchsorted(upper, values, side="left")
    return np.unique(place, return_inverse=True)[1].astype(np.intp)


def independent_columns(design: ArrayLike, *, centre: bool = True) -> FloatArray:
    """Columns with mean 0 and spread 1; those that follow from columns before them are left out.

    Parameters
    ----------
    design : array_like, shape (n, p)
    centre : bool
        Whether means are taken away.

    Returns
    -------
    ndarray, shape (n, q)
    """
    x: FloatArray = np.asarray(design, dtype=float)
    if not len(x):
        return x[:, :0]
    if centre:
        x = x - x.mean(axis=0)
    spread = np.sqrt((x**2).mean(axis=0))
    x = x[:, spread > _NOTHING_LEFT] / spread[spread > _NOTHING_LEFT]
    if not x.shape[1]:
        return x
    own = np.abs(np.diagonal(np.linalg.qr(x, mode="r"))) / np.sqrt(len(x))
    kept: FloatArray = x[:, : len(own)][:, own > _NOTHING_LEFT]
    return kept


def fit_amounts(design: ArrayLike, band: ArrayLike) -> AmountChances:
    """Fit the chance of each band: of staying below the next one, for those who reach it.

    Parameters
    ----------
    design : array_like, shape (n, p)
        What the amount may hang on; no column for the constant.
    band : array_like of int, shape (n,)
        From :func:`bands_of`.

    Returns
    -------
    AmountChances

    Notes
    -----
    Continuation-ratio logits: one pooled logistic regression over the bands that each row reached, with a
    constant per band and slopes that all bands share. The constants take any shape (skewed, with many
    zeros); what moves the amount is taken to move it by the same odds everywhere. Within a band amounts
    count as alike: the more bands, the less is left of what they hang on.

    References
    ----------
    Díaz Muñoz, I. & van der Laan, M. J. (2011). Super learner based conditional density estimation. *The
    International Journal of Biostatistics*, 7, 38. https://doi.org/10.2202/1557-4679.1356

    Naimi, A. I., Moodie, E. E. M., Auger, N. & Kaufman, J. S. (2014). Constructing inverse probability
    weights for continuous exposures. *Epidemiology*, 25, 292-299.
    https://doi.org/10.1097/EDE.0000000000000053

    Examples
    --------
    >>> fit_amounts(np.zeros((4, 1)), [0, 0, 1, 1]).log_chance.round(3).tolist()
    [-0.693, -0.693, -0.693, -0.693]
    """
    x, seen = independent_columns(design), np.asarray(band, dtype=np.intp)
    last = int(seen.max(initial=0))
    if last == 0:
        return AmountChances(np.zeros(len(seen)), 1, True)
    reached = [np.flatnonzero(seen >= step) for step in range(last)]
    row = np.concatenate(reached)
    step = np.repeat(np.arange(last), [len(rows) for rows in reached])
    stays = seen[row] == step
    own = (step[:, None] == np.arange(1, last)).astype(float)
    design_of_steps = np.column_stack([np.ones(len(row)), own, x[row]])
    model = fit_chances(design_of_steps, stays)
    if not model.converged:
        return AmountChances(np.full(len(seen), np.nan), last + 1, False)
    chance = model.chances(design_of_steps)
    logs = np.log(np.maximum(np.where(stays, chance, 1 - chance), np.finfo(float).tiny))
    return AmountChances(np.bincount(row, logs, len(seen)).astype(float), last + 1, True)
