"""A marginal structural model of an outcome on the amounts got in the months before it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mpg_research.arrays import BoolArray, FloatArray, IntArray
from mpg_research.statistics.cluster_sums import cluster_sums
from mpg_research.statistics.trials.amounts import bands_of, fit_amounts, independent_columns
from mpg_research.statistics.trials.regression import (
    Correction,
    WeightedFit,
    weighted_regression,
    with_errors,
)
from mpg_research.statistics.trials.residual_balance import (
    Residuals,
    balance_residuals,
    balanced_columns,
    largest_correlation,
    residuals_of,
)
from mpg_research.statistics.trials.weights import (
    effective_sample_size,
    fit_chances,
    ratio_of_chances,
    truncate_weights,
)

__all__ = ["MarginalStructural", "Windows", "fit_marginal_structural"]

#: Bands of the amounts. With 10 and more the bias that is left is small (benchmarks/dose_weights.md); ours.
BANDS = 10
#: Draws coefficients of who is seen on to zero a little: in some month everybody may be.
_RIDGE = 0.1
#: Up to so many clusters errors are corrected for their being few.
_FEW_CLUSTERS = 100


@dataclass(frozen=True, slots=True)
class Windows:
    """Stretches of k months, each with what was known before every month of it.

    Attributes
    ----------
    amounts : ndarray, shape (n, k)
        Got in each month; NaN from where it is not known.
    outcome : ndarray, shape (n,)
        At the end; NaN where it is not known.
    moved : ndarray, shape (n, k + 1, p)
        What the next amount may answer to and what earlier amounts may have moved, known before each month
        and at the end.
    past : ndarray, shape (n, k + 1, q)
        What else was known: earlier amounts, the month of help.
    """

    amounts: FloatArray
    outcome: FloatArray
    moved: FloatArray
    past: FloatArray

    @property
    def known(self) -> BoolArray:
        """Whether all amounts up to each month are known, shape (n, k)."""
        found: BoolArray = np.isfinite(self.amounts).cumprod(axis=1).astype(bool)
        return found

    @property
    def complete(self) -> BoolArray:
        """Windows with all amounts and an outcome, shape (n,)."""
        return self.known[:, -1] & np.isfinite(self.outcome)


@dataclass(frozen=True, slots=True)
class MarginalStructural:
    """What a marginal structural model found.

    Attributes
    ----------
    total : WeightedFit
        Coefficient 0: the outcome per unit more in every month of the window.
    parts : WeightedFit
        Coefficient 0: per unit more in the last month; coefficient 1: in every earlier one. Not converged in
        windows of one month.
    plain : WeightedFit
        As ``total``, without weights.
    used : ndarray of bool, shape (n,)
        Windows with all amounts and an outcome.
    weight : ndarray, shape (n,)
        Truncated; 0 where a window was not used.
    largest : float
        Weight before truncation, on average 1.
    n_truncated : int
    effective : float
        Effective size: windows that would tell as much if all counted the same.
    before, after : float
        Largest correlation between an amount and what it may answer to, beside the start of the window and
        earlier amounts; unweighted and weighted.
    free : float
        Share of the variance of amounts that does not follow from what was known before them.
    converged : bool
        Whether the models of the amounts, and of who was still seen, came to rest.
    """

    total: WeightedFit
    parts: WeightedFit
    plain: WeightedFit
    used: BoolArray
    weight: FloatArray
    largest: float
    n_truncated: int
    effective: float
    before: float
    after: float
    free: float
    converged: bool


def fit_marginal_structural(
    windows: Windows,
    *,
    clusters: ArrayLike,
    n_bands: int = BANDS,
    truncation: float = 0.99,
    balance: bool = True,
    level: float = 0.95,
) -> MarginalStructural:
    """Fit the outcome on the amounts, as if each had been given without regard to what it answers to.

    Parameters
    ----------
    windows : Windows
    clusters : array_like, shape (n,)
        Who belongs together.
    n_bands : int
        Of the amounts, in the model of their chances.
    truncation : float
        Weights beyond this quantile, and beyond its mirror image, are set to it.
    balance : bool
        Whether weights are then changed, as little as can be, until amounts hang no longer on what they may
        answer to.
    level : float

    Returns
    -------
    MarginalStructural

    Notes
    -----
    The weight of a window is the product over its months after the first of the chance of the band of the
    amount given the start of the window and earlier amounts, over that given what had changed since; times
    the same of being seen on. What was known at the start is in the outcome's model (Robins, Hernán &
    Brumback 2000, section 6; with a start in every month it is a history-restricted model, Neugebauer et
    al. 2007). It is the effect of the amounts only if nothing else moves amounts and outcome both. Errors are
    over clusters; that balance holds some means at zero makes
    them smaller. What bands and cut-off weights leave is taken away by balance
    (:func:`~mpg_research.statistics.trials.residual_balance.balance_residuals`).

    References
    ----------
    Robins, J. M., Hernán, M. A. & Brumback, B. (2000). *Epidemiology*, 11, 550-560.
    https://doi.org/10.1097/00001648-200009000-00011

    Neugebauer, R., van der Laan, M. J., Joffe, M. M. & Tager, I. B. (2007). Causal inference in longitudinal
    studies with history-restricted marginal structural models. *Electronic Journal of Statistics*, 1,
    119-154.
    https://doi.org/10.1214/07-EJS050
    """
    known, used = windows.known, windows.complete
    amounts, y, names = windows.amounts[used], windows.outcome[used], np.asarray(clusters)[used]
    start = np.concatenate([windows.moved[:, 0], windows.past[:, 0]], axis=1)
    logs, settled, free = _logs_of_amounts(windows, known, start, n_bands)
    seen_logs, seen_settled = _logs_of_seen(windows, known, used, start)
    raw = np.exp((logs + seen_logs)[used])
    weight, largest, changed = np.zeros(len(used)), float("nan"), 0
    before = after = float("nan")
    beside: list[Residuals] = []
    settled = settled and seen_settled and bool(np.isfinite(raw).all())
    if settled and used.any():
        raw = raw / raw.mean()
        cut = truncate_weights(raw, low=1 - truncation, high=truncation)
        beside = _beside_the_past(windows, used, start)
        tilted = balance_residuals(cut.weights, beside) if balance else cut.weights
        settled = tilted is not None
        weight[used] = cut.weights if tilted is None else tilted
        largest, changed = float(raw.max()), cut.n_changed
    one = np.ones(len(y))
    mine = weight[used] if settled else np.zeros(len(y))
    held = balanced_columns(beside) if balance and beside else np.zeros((len(y), 0))
    correction: Correction = "leverage" if len(np.unique(names)) <= _FEW_CLUSTERS else "clusters"
    others = np.column_stack([one, independent_columns(start[used])])

    def fit(columns: list[FloatArray], weights: FloatArray, held: FloatArray) -> WeightedFit:
        x = np.column_stack([*columns, others])
        found = weighted_regression(x, y, weight=weights, clusters=names, correction=correction, level=level)
        if not (found.converged and held.shape[1]):
            return found
        return with_errors(found, _gained(x, y, found, weights, held, names), level=level)

    mean = amounts.mean(axis=1)
    earlier = amounts[:, :-1].mean(axis=1) if amounts.shape[1] > 1 else 0 * mean
    if settled and used.any():
        before, after = (largest_correlation(each, beside) for each in (one, mine))
    return MarginalStructural(
        fit([mean], mine, held), fit([amounts[:, -1], earlier], mine, held), fit([mean], one, held[:, :0]),
        used, weight, largest, changed, effective_sample_size(mine), before, after, free, settled,
    )  # fmt: skip


def _rows(windows: Windows, chosen: BoolArray | IntArray, month: int) -> FloatArray:
    """What was known before a month of some windows beside their start and what moved: shape (rows, q)."""
    sofar = windows.amounts[chosen, :month]
    return np.column_stack([windows.past[chosen, month], sofar.mean(axis=1), sofar[:, 0], sofar[:, -1]])


def _pooled(
    windows: Windows, known: BoolArray, start: FloatArray, months: range
) -> tuple[FloatArray, FloatArray, np.ndarray, np.ndarray]:
    """Designs with little and with much known, window and month of each row."""
    little, much, row, which = [], [], [], []
    for month in months:
        chosen = np.flatnonzero(known[:, month - 1])
        marks = np.zeros((len(chosen), len(months)))
        marks[:, month - months.start] = 1.0
        base = np.column_stack([start[chosen], _rows(windows, chosen, month), marks])
        little.append(base)
        much.append(np.column_stack([base, windows.moved[chosen, month]]))
        row.append(chosen)
        which.append(np.full(len(chosen), month))
    return (np.concatenate(little), np.concatenate(much), np.concatenate(row), np.concatenate(which))


def _logs_of_amounts(
    windows: Windows, known: BoolArray, start: FloatArray, n_bands: int
) -> tuple[FloatArray, bool, float]:
    """Log weights for the amounts, whether all came to rest, and which share of the amounts is free."""
    n, k = windows.amounts.shape
    if k == 1 or not known[:, 1].any():
        own = windows.amounts[known[:, 0], 0]
        return np.zeros(n), bool(len(own)), _free(start[known[:, 0]], own)
    little, much, row, month = _pooled(windows, known, start, range(1, k))
    there = known[row, month]
    amount, row = windows.amounts[row[there], month[there]], row[there]
    band = bands_of(amount, n_bands)
    above, below = fit_amounts(little[there], band), fit_amounts(much[there], band)
    logs = np.bincount(row, above.log_chance - below.log_chance, n).astype(float)
    return logs, above.converged and below.converged, _free(much[there], amount)


def _logs_of_seen(
    windows: Windows, known: BoolArray, used: BoolArray, start: FloatArray
) -> tuple[FloatArray, bool]:
    """Log weights for being seen on, month by month and at the end."""
    n, k = windows.amounts.shape
    if not known[:, 0].any():
        return np.zeros(n), False
    little, much, row, month = _pooled(windows, known, start, range(1, k + 1))
    seen = np.where(month < k, known[row, np.minimum(month, k - 1)], used[row])
    if seen.all():
        return np.zeros(n), True
    one = np.ones((len(row), 1))
    designs = [np.column_stack([one, independent_columns(design)]) for design in (little, much)]
    models = [fit_chances(design, seen, ridge=_RIDGE) for design in designs]
    if not all(model.converged for model in models):
        return np.zeros(n), False
    above, below = (model.chances(design) for model, design in zip(models, designs, strict=True))
    factor = ratio_of_chances(seen, numerator=above, denominator=below)
    return np.bincount(row[seen], np.log(factor[seen]), n).astype(float), True


def _free(design: FloatArray, amount: FloatArray) -> float:
    """Share of the variance of the amounts beside a linear model of what was known before."""
    total = float(((amount - amount.mean()) ** 2).sum()) if len(amount) else 0.0
    if total <= 0:
        return 0.0
    left = residuals_of(design, amount, np.zeros((len(amount), 0))).amount
    return float(left @ left) / total


def _gained(
    x: FloatArray,
    y: FloatArray,
    found: WeightedFit,
    weight: FloatArray,
    held: FloatArray,
    clusters: np.ndarray,
) -> FloatArray:
    """By how much errors are smaller since balanced weights hold some means at zero, shape (p,).

    The influence of each row less what follows from the columns that are held at zero, as for calibrated
    weights in surveys (Deville & Särndal 1992, https://doi.org/10.1080/01621459.1992.10475217).
    """
    codes = np.unique(clusters, return_inverse=True)[1].astype(np.intp)
    pull = (x @ np.linalg.inv((x * weight[:, None]).T @ x)) * (y - x @ found.estimate)[:, None]
    slopes = np.linalg.lstsq(
        (held * weight[:, None]).T @ held, (held * weight[:, None]).T @ pull, rcond=None
    )[0]
    before, after = (
        (cluster_sums(part * weight[:, None], codes) ** 2).sum(axis=0)
        for part in (pull, pull - held @ slopes)
    )
    ratio: FloatArray = np.sqrt(np.divide(after, before, out=np.ones(x.shape[1]), where=before > 0))
    return np.minimum(ratio, 1.0)


def _beside_the_past(windows: Windows, used: BoolArray, start: FloatArray) -> list[Residuals]:
    """Amounts after the first, and what they may answer to, beside the start and the past."""
    return [
        residuals_of(
            np.column_stack([start[used], _rows(windows, used, month)]),
            windows.amounts[used, month],
            windows.moved[used, month],
        )
        for month in range(1, windows.amounts.shape[1])
    ]
