"""Differences between treated and controls by weighting, by a model of the outcome, and by both at once."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray

__all__ = ["Augmented", "augmented_difference", "augmented_means", "weighted_difference"]

#: The difference for everybody, or for those who were treated.
Target = Literal["all", "treated"]


@dataclass(frozen=True, slots=True)
class Augmented:
    """A difference by three estimators.

    Attributes
    ----------
    augmented : float
        Doubly robust: right if either the chances of treatment or the models of the outcome are.
    influence : ndarray, shape (n,)
        What each person adds to it: its mean is the estimate, its spread over the root of n the error.
    std_error : float
        Of persons who have nothing to do with each other.
    by_outcome : float
        By the models of the outcome alone.
    by_weights : float
        By weights alone (each group's weights sum to one).
    """

    augmented: float
    influence: FloatArray
    std_error: float
    by_outcome: float
    by_weights: float


def augmented_difference(
    outcome: ArrayLike, treated: ArrayLike, *, chance: ArrayLike, design: ArrayLike, target: Target = "all"
) -> Augmented:
    """Estimate what treatment does, with linear models of the outcome in each group.

    Parameters
    ----------
    outcome : array_like, shape (n,)
    treated : array_like of bool, shape (n,)
    chance : array_like, shape (n,)
        Of being treated.
    design : array_like, shape (n, p)
        Of the models of the outcome.
    target : {"all", "treated"}

    Returns
    -------
    Augmented

    References
    ----------
    Robins, J. M., Rotnitzky, A. & Zhao, L. P. (1994). Journal of the American Statistical Association, 89,
    846-866. https://doi.org/10.1080/01621459.1994.10476818
    """
    y, x = np.asarray(outcome, dtype=float), np.asarray(design, dtype=float)
    arm, p = np.asarray(treated, dtype=bool), np.asarray(chance, dtype=float)
    with_it, without = (x @ np.linalg.lstsq(x[g], y[g], rcond=None)[0] for g in (arm, ~arm))
    if target == "all":
        weight = np.where(arm, 1 / p, 1 / (1 - p))
        influence = with_it - without + np.where(arm, y - with_it, without - y) * weight
        return Augmented(
            float(influence.mean()),
            influence,
            float(influence.std(ddof=1) / np.sqrt(len(y))),
            float((with_it - without).mean()),
            weighted_difference(y, arm, weight=weight),
        )
    weight = np.where(arm, 1.0, p / (1 - p))
    each = np.where(arm, y - without, -weight * (y - without)) * len(y) / arm.sum()
    estimate = float(each.mean())
    influence = each - estimate * (arm * len(y) / arm.sum() - 1)
    error = float(influence.std(ddof=1) / np.sqrt(len(y)))
    by_outcome = float((y - without)[arm].mean())
    return Augmented(estimate, influence, error, by_outcome, weighted_difference(y, arm, weight=weight))


def weighted_difference(outcome: ArrayLike, treated: ArrayLike, *, weight: ArrayLike) -> float:
    """Weighted mean of the treated minus that of the controls.

    Parameters
    ----------
    outcome : array_like, shape (n,)
    treated : array_like of bool, shape (n,)
    weight : array_like, shape (n,)

    Returns
    -------
    float
    """
    y, arm = np.asarray(outcome, dtype=float), np.asarray(treated, dtype=bool)
    w = np.asarray(weight, dtype=float)
    return float(np.average(y[arm], weights=w[arm]) - np.average(y[~arm], weights=w[~arm]))


def augmented_means(
    outcome: ArrayLike, seen: ArrayLike, *, weight: ArrayLike, design: ArrayLike
) -> FloatArray:
    """What each person adds to the mean outcome had everybody followed one strategy, shape (n,).

    Parameters
    ----------
    outcome : array_like, shape (n,)
        Anything where it was not seen.
    seen : array_like of bool, shape (n,)
        Who followed the strategy to the end and has an outcome.
    weight : array_like, shape (n,)
        Inverse chances of that, given all that was known on the way; not stabilised.
    design : array_like, shape (n, p)
        What was known at the start, for the model of the outcome; the first column is ones.

    Returns
    -------
    ndarray, shape (n,)
        The mean of it is the estimate. The weights of those seen are brought to a mean of one over all first
        (Hajek), and the model of the outcome is fitted with them.
    """
    x, followed = np.asarray(design, dtype=float), np.asarray(seen, dtype=bool)
    w = np.where(followed, np.asarray(weight, dtype=float), 0.0)
    w = w * (len(w) / w.sum())
    y = np.where(followed, np.asarray(outcome, dtype=float), 0.0)
    root = np.sqrt(w[followed])
    fitted = x @ np.linalg.lstsq(x[followed] * root[:, None], y[followed] * root, rcond=None)[0]
    return np.asarray(fitted + w * np.where(followed, y - fitted, 0.0), dtype=np.float64)
