"""Weights under which amounts do not hang on what they may answer to: residual balancing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray
from mpg_research.statistics.trials.amounts import independent_columns

__all__ = ["Residuals", "balance_residuals", "balanced_columns", "largest_correlation", "residuals_of"]

#: Of the search: steps, means at which it is at rest, and what keeps its matrix from being singular.
_STEPS, _AT_REST, _RIDGE = 200, 1e-9, 1e-12
#: Variance (in units of the column before) below which nothing is left of a column.
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Residuals:
    """What is left of amounts, and of what they may answer to, beside what was known before.

    Attributes
    ----------
    amount : ndarray, shape (n,)
    moved : ndarray, shape (n, p)
        Columns of which nothing is left are left out.
    """

    amount: FloatArray
    moved: FloatArray


def residuals_of(known: ArrayLike, amount: ArrayLike, moved: ArrayLike) -> Residuals:
    """Take away, by least squares, what follows from what was known before.

    Parameters
    ----------
    known : array_like, shape (n, q)
    amount : array_like, shape (n,)
    moved : array_like, shape (n, p)

    Returns
    -------
    Residuals
    """
    columns = np.column_stack([np.asarray(amount, dtype=float), np.asarray(moved, dtype=float)])
    design = np.column_stack([np.ones(len(columns)), independent_columns(known)])
    left = columns - design @ np.linalg.lstsq(design, columns, rcond=None)[0]
    some = (left[:, 1:] ** 2).sum(axis=0) > _NOTHING * np.maximum((columns[:, 1:] ** 2).sum(axis=0), 1e-300)
    return Residuals(left[:, 0], left[:, 1:][:, some])


def largest_correlation(weight: ArrayLike, residuals: Sequence[Residuals]) -> float:
    """The largest weighted correlation of an amount with what it may answer to; NaN without any.

    Parameters
    ----------
    weight : array_like, shape (n,)
    residuals : sequence of Residuals
        One per month.
    """
    w, found = np.asarray(weight, dtype=float), []
    for each in residuals:
        spread = np.sqrt((w @ each.amount**2) * (w @ each.moved**2))
        fine = spread > 0
        found += list(np.abs((w * each.amount) @ each.moved)[fine] / spread[fine])
    return float(max(found)) if found else float("nan")


def balanced_columns(residuals: Sequence[Residuals]) -> FloatArray:
    """What has a weighted mean of zero under balanced weights, shape (n, q); linearly independent.

    Parameters
    ----------
    residuals : sequence of Residuals
        One per month.
    """
    parts = [np.column_stack([each.moved, each.moved * each.amount[:, None]]) for each in residuals]
    if not parts or not sum(part.shape[1] for part in parts):
        return np.zeros((len(residuals[0].amount) if residuals else 0, 0))
    return independent_columns(np.concatenate(parts, axis=1), centre=False)


def balance_residuals(weight: ArrayLike, residuals: Sequence[Residuals]) -> FloatArray | None:
    """The weights nearest to these under which amounts do not hang on what they may answer to.

    Parameters
    ----------
    weight : array_like, shape (n,)
        Positive.
    residuals : sequence of Residuals
        One per month.

    Returns
    -------
    ndarray, shape (n,), or None
        With mean 1; None where there are no such weights.

    Notes
    -----
    Nearest in relative entropy, with weighted means of zero of what is left of what was moved, and of its
    products with what is left of the amounts; by Newton's method in the dual.

    References
    ----------
    Zhou, X. & Wodtke, G. T. (2020). Residual balancing: A method of constructing weights for marginal
    structural models. *Political Analysis*, 28, 487-506. https://doi.org/10.1017/pan.2020.2
    """
    base = np.asarray(weight, dtype=float)
    columns = balanced_columns(residuals)
    if not columns.shape[1]:
        whole: FloatArray = base / base.mean()
        return whole
    tilt = np.zeros(columns.shape[1])
    for _ in range(_STEPS):
        logs = columns @ tilt
        now = base * np.exp(logs - logs.max())
        now = now / now.sum()
        slope = columns.T @ now
        if np.abs(slope).max() < _AT_REST:
            found: FloatArray = now * len(base)
            return found
        hessian = (columns * now[:, None]).T @ columns - np.outer(slope, slope)
        try:
            step = np.linalg.solve(hessian + _RIDGE * np.eye(len(tilt)), slope)
        except np.linalg.LinAlgError:
            return None
        # No step changes a weight by more than a factor e.
        tilt = tilt - step * min(1.0, 1.0 / max(float(np.abs(columns @ step).max()), 1e-12))
    return None
