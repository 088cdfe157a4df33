"""Proportional hazards (Cox): ties by Efron or Breslow, strata, delayed entry, errors over clusters.

``statsmodels.PHReg`` fits the same model; it loops over moments, and its robust errors do not follow Efron's
ties. The tests lay both beside R.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg as linalg
import scipy.special as special
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import FloatArray
from mpg_research.statistics.cluster_sums import cluster_sums
from mpg_research.statistics.survival.counts import read_spells
from mpg_research.statistics.survival.group_tests import GroupTest
from mpg_research.statistics.survival.partial_likelihood import (
    Layer,
    Ties,
    expected_events,
    layers_of,
    parts_of,
)

__all__ = ["CoxFit", "fit_cox", "proportionality"]

_STEPS = 40
_SMALL = 1e-11
#: A coefficient times the spread of its column beyond which no estimate exists (a group without events).
_NOWHERE = 15.0
#: Information, as a part of that at no effect, below which the likelihood rises without end.
_FLAT = 1e-4


@dataclass(frozen=True, slots=True)
class CoxFit:
    """Estimated log hazard ratios.

    Attributes
    ----------
    coefficients : ndarray, shape (p,)
    covariance : ndarray, shape (p, p)
        From the information.
    robust : ndarray, shape (p, p)
        Over clusters (over persons where there are none), as R's ``coxph`` computes it.
    n_clusters : int
    log_likelihood, log_likelihood_null : float
    n_events : int
    converged : bool
        False too where a coefficient has no finite estimate.
    scores : ndarray, shape (n, p)
        Score residuals; their sums over clusters make the robust errors.
    """

    coefficients: FloatArray
    covariance: FloatArray
    robust: FloatArray
    n_clusters: int
    log_likelihood: float
    log_likelihood_null: float
    n_events: int
    converged: bool
    scores: FloatArray


def fit_cox(
    time: ArrayLike,
    event: ArrayLike,
    design: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    ties: Ties = "efron",
) -> CoxFit:
    """Fit proportional hazards by maximum partial likelihood.

    Parameters
    ----------
    time : array_like, shape (n,)
        The event, or the last moment seen.
    event : array_like of bool, shape (n,)
    design : array_like, shape (n, p)
        No column for an intercept. A time-varying covariate: several spells of one person, cut by `entry`.
    entry : array_like, shape (n,), optional
        From when on each spell is watched.
    strata : array_like, shape (n,), optional
        Each has a baseline of its own.
    cluster : array_like, shape (n,), optional
        Whose times may hang together.
    ties : {"efron", "breslow"}

    Returns
    -------
    CoxFit

    Raises
    ------
    ValueError
        If something is missing, nobody has an event, or a column follows from the others.

    References
    ----------
    Efron, B. (1977). The efficiency of Cox's likelihood function for censored data. *Journal of the American
    Statistical Association*, 72, 557-565. https://doi.org/10.1080/01621459.1977.10480613

    Lin, D. Y. & Wei, L. J. (1989). The robust inference for the Cox proportional hazards model. *Journal of
    the American Statistical Association*, 84, 1074-1078. https://doi.org/10.1080/01621459.1989.10478874

    Examples
    --------
    >>> fit = fit_cox([1, 2, 3, 4], [1, 1, 1, 0], [[1.0], [0.0], [1.0], [0.0]])
    >>> fit.coefficients.round(3).tolist()
    [0.941]
    """
    x, layers, died = prepare(time, event, design, entry, strata, ties)
    centred, spread = scaled(x)
    fitted = _newton(layers, centred)
    beta, value, null, information, settled = fitted
    inverse = np.linalg.inv(information) if settled else linalg.pinvh(information)
    scores = score_residuals(layers, centred, centred @ beta)
    groups = np.arange(len(x)) if cluster is None else np.unique(np.asarray(cluster), return_inverse=True)[1]
    sums = cluster_sums(scores @ inverse, groups)
    scale = np.outer(1 / spread, 1 / spread)
    return CoxFit(
        coefficients=beta / spread,
        covariance=inverse * scale,
        robust=(sums.T @ sums) * scale,
        n_clusters=int(groups.max()) + 1,
        log_likelihood=value,
        log_likelihood_null=null,
        n_events=int(died.sum()),
        converged=settled,
        scores=scores * spread,
    )


def prepare(
    time: ArrayLike,
    event: ArrayLike,
    design: ArrayLike,
    entry: ArrayLike | None,
    strata: ArrayLike | None,
    ties: Ties,
) -> tuple[FloatArray, list[Layer], NDArray[np.bool_]]:
    """Check the data of a fit; the design, the strata with events, and who had one.

    Parameters
    ----------
    time, event, design, entry, strata, ties
        As in :func:`fit_cox`.
    """
    spells = read_spells(time, np.asarray(event, dtype=bool), entry)
    x = np.asarray(design, dtype=float)
    if x.ndim != 2 or x.shape[0] != spells.time.size or not x.shape[1]:
        raise ValueError("the design must have a row per spell and a column or more")
    if not np.isfinite(x).all():
        raise ValueError("every value of the design must be known; leave out rows without one")
    if ties not in ("efron", "breslow"):
        raise ValueError(f"ties = {ties!r}; expected 'efron' or 'breslow'")
    died = spells.cause > 0
    if not died.any():
        raise ValueError("nobody has an event, so no hazard can be compared")
    number = np.zeros(died.size, dtype=np.intp)
    if strata is not None:
        number = np.unique(np.asarray(strata), return_inverse=True)[1].astype(np.intp)
    return x, layers_of(spells.time, died, spells.entry, number, ties), died


def score_residuals(layers: list[Layer], design: FloatArray, linear: FloatArray) -> FloatArray:
    """Each spell's part in the gradient, shape (n, p).

    Parameters
    ----------
    layers : list of Layer
    design : ndarray, shape (n, p)
    linear : ndarray, shape (n,)
        The linear predictor.
    """
    result = np.zeros_like(design)
    for layer in layers:
        x = design[layer.rows]
        risk = np.exp(linear[layer.rows] - linear[layer.rows].max())
        total = layer.at_risk(risk)[layer.moment] - layer.fraction * layer.of_events(risk)[layer.moment]
        weighted = risk[:, None] * x
        sums = layer.at_risk(weighted)[layer.moment]
        mean = (sums - layer.fraction[:, None] * layer.of_events(weighted)[layer.moment]) / total[:, None]
        m, counts = layer.times.size, np.bincount(layer.moment)
        own = x * 0
        average = np.stack([np.bincount(layer.moment, c, m) for c in mean.T], axis=1) / counts[:, None]
        own[layer.died] = x[layer.died] - average[layer.moment]
        load = expected_events(layer, risk, 1 / total)
        rate = mean / total[:, None]
        steps = np.stack([np.bincount(layer.moment, c, m).astype(float) for c in rate.T], axis=1)
        less = np.stack([np.bincount(layer.moment, c * layer.fraction, m) for c in rate.T], axis=1)
        pulled = layer.over_watch(steps)
        pulled[layer.died] -= less[layer.moment]
        result[layer.rows] = own - load[:, None] * x + risk[:, None] * pulled
    return result


def proportionality(
    time: ArrayLike,
    event: ArrayLike,
    design: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    ties: Ties = "efron",
    terms: list[list[int]] | None = None,
) -> list[GroupTest]:
    """Whether hazard ratios stay the same over time: a score test per term, and one of all together (last).

    Parameters
    ----------
    time, event, design, entry, strata, ties
        As in :func:`fit_cox`.
    terms : list of list of int, optional
        Columns that belong together; by default each is a term.

    Returns
    -------
    list of GroupTest

    Notes
    -----
    The score test of columns times one minus the Kaplan-Meier share just before each event, as R's
    ``cox.zph`` with ``transform = "km"`` (survival 3).

    References
    ----------
    Grambsch, P. M. & Therneau, T. M. (1994). Proportional hazards tests and diagnostics based on weighted
    residuals. *Biometrika*, 81, 515-526. https://doi.org/10.1093/biomet/81.3.515
    """
    x, layers, died = prepare(time, event, design, entry, strata, ties)
    centred, _ = scaled(x)
    beta = _newton(layers, centred)[0]
    spells = read_spells(time, died, entry)
    one = layers_of(spells.time, died, spells.entry, np.zeros(died.size, dtype=np.intp), "breslow")[0]
    counts = np.bincount(one.moment)
    left = np.concatenate([[1.0], np.cumprod(1 - counts / one.at_risk(np.ones(one.rows.size)))])[:-1]
    scale = [1 - left[np.searchsorted(one.times, layer.times[layer.moment])] for layer in layers]
    middle = float(np.concatenate(scale).mean())
    scale = [part - middle for part in scale]
    plain, once, twice = (
        parts_of(layers, centred, centred @ beta, weights=[part**power for part in scale])
        for power in (0, 1, 2)
    )
    p = x.shape[1]
    information = np.block([[plain.information, once.information], [once.information, twice.information]])
    score = once.gradient
    chosen = [[column] for column in range(p)] if terms is None else terms
    found = []
    for columns in [*chosen, list(range(p))]:
        keep = [*range(p), *(p + column for column in columns)]
        part = np.concatenate([np.zeros(p), score[columns]])
        statistic = float(part @ np.linalg.solve(information[np.ix_(keep, keep)], part))
        found.append(GroupTest(statistic, len(columns), float(special.chdtrc(len(columns), statistic))))
    return found


def scaled(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The design with mean 0 and spread 1 per column, and the spreads."""
    spread = x.std(axis=0)
    if (spread <= 1e-10 * np.maximum(np.abs(x).max(axis=0), 1)).any():
        column = int(np.argmin(spread))
        raise ValueError(f"column {column} of the design is the same for everybody; leave it out")
    return (x - x.mean(axis=0)) / spread, spread


def _newton(layers: list[Layer], x: FloatArray) -> tuple[FloatArray, float, float, FloatArray, bool]:
    """Coefficients, log-likelihood there and at zero, information, and whether the search came to rest."""
    beta = np.zeros(x.shape[1])
    parts = parts_of(layers, x, x @ beta)
    null = parts.value
    size = np.linalg.eigvalsh(parts.information)
    if size[0] <= 1e-9 * max(size[-1], 1e-300):
        raise ValueError("a column of the design follows from the others, or does not vary where events are")
    for _ in range(_STEPS):
        step = linalg.pinvh(parts.information) @ parts.gradient
        gain = float(parts.gradient @ step)
        if gain < _SMALL * (1 + abs(parts.value)):
            beta = beta + step
            parts = parts_of(layers, x, x @ beta)
            flat = np.linalg.eigvalsh(parts.information)[0] < _FLAT * size[0]
            settled = not flat and bool(np.abs(beta).max() < _NOWHERE)
            return beta, parts.value, null, parts.information, settled
        halved, trial = 1.0, parts
        for _ in range(30):
            trial = parts_of(layers, x, x @ (beta + halved * step))
            if np.isfinite(trial.value) and trial.value >= parts.value:
                break
            halved /= 2
        else:
            break
        beta, parts = beta + halved * step, trial
        if np.abs(beta).max() > _NOWHERE:
            break
    return beta, parts.value, null, parts.information, False
