"""Whether an item runs against the others: exported as answered where it should have been turned round."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

__all__ = ["ItemRest", "item_rest_correlations"]

FEWEST_FAMILIES = 5


@dataclass(frozen=True, slots=True)
class ItemRest:
    """Correlation of each item with the sum of the other items.

    Attributes
    ----------
    correlation : ndarray of float, shape (n_items,)
        Pearson's correlation over the complete rows; NaN where the item or the rest never varies.
    upper : ndarray of float, shape (n_items,)
        One-sided upper confidence limit, allowing for the likeness of the rows of one family and for the
        number of items; NaN with fewer than five families.
    n_families, n_rows : int
        Families and complete rows behind them.
    """

    correlation: NDArray[np.float64]
    upper: NDArray[np.float64]
    n_families: int
    n_rows: int


def item_rest_correlations(
    answers: NDArray[np.float64], families: NDArray[np.object_], *, level: float = 0.95
) -> ItemRest:
    """Corrected item-total correlations with limits that hold for repeated measurements of few families.

    Parameters
    ----------
    answers : ndarray of float, shape (n_rows, n_items)
        Answers with reverse-keyed items turned round; NaN where not answered. Rows with a gap are left out.
    families : ndarray of object, shape (n_rows,)
        The family of each row.
    level : float
        Level of the one-sided limit, for all items together (Bonferroni).

    Returns
    -------
    ItemRest

    Notes
    -----
    With standardised item x and rest y the influence of a row on r is x y - r (x^2 + y^2) / 2 (Devlin,
    Gnanadesikan & Kettenring, 1975). Summed within families, the squares of the sums give a standard error of
    r that does not take the rows of a family for strangers (Liang & Zeger, 1986); the limit is Student's t
    with one degree of freedom less than families, on Fisher's scale.

    References
    ----------
    Devlin, S. J., Gnanadesikan, R., & Kettenring, J. R. (1975). Robust estimation and outlier detection with
    correlation coefficients. Biometrika, 62, 531-545. https://doi.org/10.1093/biomet/62.3.531
    Liang, K.-Y., & Zeger, S. L. (1986). Longitudinal data analysis using generalized linear models.
    Biometrika, 73, 13-22. https://doi.org/10.1093/biomet/73.1.13

    Examples
    --------
    >>> answers = np.array([[1, 2, 4], [2, 2, 3], [3, 4, 2], [4, 3, 1], [1, 1, 4], [4, 4, 1.0]])
    >>> found = item_rest_correlations(answers, np.array(list("abcdef"), dtype=object))
    >>> found.correlation.round(2).tolist()[2]
    -0.96
    """
    complete = np.isfinite(answers).all(axis=1)
    answers, families = answers[complete], families[complete]
    n_rows, n_items = answers.shape
    family, _ = pd.factorize(families, use_na_sentinel=False)
    n_families = int(family.max()) + 1 if n_rows else 0
    correlation, upper = np.full(n_items, np.nan), np.full(n_items, np.nan)
    total = answers.sum(axis=1)
    for item in range(n_items if n_families >= 2 else 0):
        x, y = _standardised(answers[:, item]), _standardised(total - answers[:, item])
        if x is None or y is None:
            continue
        r = float(np.clip(np.mean(x * y), -1.0, 1.0))
        correlation[item] = r
        if n_families < FEWEST_FAMILIES or abs(r) >= 1:
            upper[item] = r if n_families >= FEWEST_FAMILIES else np.nan
            continue
        influence = np.bincount(family, weights=x * y - r * (x**2 + y**2) / 2, minlength=n_families)
        variance = n_families / (n_families - 1) * float(influence @ influence) / n_rows**2
        # With few families the sandwich is too small: never below what as many independent rows would give.
        least = (1 - r**2) ** 2 / max(n_rows - 3, 1)
        margin = float(stdtrit(n_families - 1, 1 - (1 - level) / n_items))
        error = float(np.sqrt(max(variance, least))) / (1 - r**2)
        upper[item] = np.tanh(np.arctanh(r) + margin * error)
    return ItemRest(correlation, upper, n_families, n_rows)


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    spread = float(values.std())
    return None if spread < 1e-12 else (values - values.mean()) / spread
