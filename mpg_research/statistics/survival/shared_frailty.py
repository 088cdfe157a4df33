"""Hazards that differ between groups for reasons not measured: a gamma frailty shared within groups."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.optimize as optimize
import scipy.special as special
from numpy.typing import ArrayLike, NDArray

from mpg_research.arrays import FloatArray
from mpg_research.statistics.survival.cox import fit_cox, prepare, scaled
from mpg_research.statistics.survival.partial_likelihood import (
    Layer,
    Ties,
    expected_events,
    parts_of,
)

__all__ = ["SharedFrailty", "fit_shared_frailty"]

_Step = Callable[[FloatArray], FloatArray]
_STEPS, _SMALL = 200, 1e-10
#: Variances looked at.
_LEAST, _MOST = 1e-4, 25.0
#: Up to so many groups the information is computed exactly; beyond, groups are taken to make up the same
#: share of those at risk at every moment.
_EXACT_GROUPS = 400


@dataclass(frozen=True, slots=True)
class SharedFrailty:
    """Proportional hazards with a gamma frailty of mean 1 per group.

    Attributes
    ----------
    coefficients, std_error : ndarray, shape (p,)
    variance : float
        Of the frailty; 0 where the likelihood is highest without one.
    low, high : float
        Limits of the variance by its profile likelihood.
    frailty : ndarray, shape (q,)
        Of each group, in the order of its name.
    log_likelihood : float
        Integrated over the frailty; that of the model without one where the variance is 0.
    p_value : float
        Of no variance: likelihood ratio, halved since 0 is the edge.
    converged : bool
    """

    coefficients: FloatArray
    std_error: FloatArray
    variance: float
    low: float
    high: float
    frailty: FloatArray
    log_likelihood: float
    p_value: float
    converged: bool


def fit_shared_frailty(
    time: ArrayLike,
    event: ArrayLike,
    design: ArrayLike,
    group: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    ties: Ties = "efron",
    level: float = 0.95,
) -> SharedFrailty:
    """Fit proportional hazards with a gamma frailty shared within groups.

    Parameters
    ----------
    time, event, design, entry, strata, ties
        As in :func:`~mpg_research.statistics.survival.cox.fit_cox`.
    group : array_like, shape (n,)
        Whose members share a frailty.
    level : float
        Of the limits of the variance.

    Returns
    -------
    SharedFrailty

    Raises
    ------
    ValueError
        As in ``fit_cox``, or with fewer than two groups.

    Notes
    -----
    For a given variance the penalised partial likelihood has its highest point where the EM algorithm comes
    to rest; the likelihood integrated over the frailties follows from it (Therneau, Grambsch & Pankratz 2003,
    section 3), and is maximised over the variance. With delayed entry frailties are taken as those of the
    groups at the start: which members came late must not hang on them.

    References
    ----------
    Therneau, T. M., Grambsch, P. M. & Pankratz, V. S. (2003). Penalized survival models and frailty. *Journal
    of Computational and Graphical Statistics*, 12, 156-175. https://doi.org/10.1198/1061860031365
    """
    x, layers, died = prepare(time, event, design, entry, strata, ties)
    centred, spread = scaled(x)
    names, number = np.unique(np.asarray(group), return_inverse=True)
    if names.size < 2:
        raise ValueError("a frailty needs two groups or more")
    task = _Task(layers, centred, number, np.bincount(number, died, names.size).astype(float))
    plain = fit_cox(time, event, design, entry=entry, strata=strata, ties=ties)
    start = np.concatenate([plain.coefficients * spread, np.zeros(names.size)])
    known: dict[float, tuple[float, FloatArray, bool]] = {}

    def profile(log_variance: float) -> float:
        at = float(log_variance)
        if at not in known:
            near = min(known, key=lambda other: abs(other - at), default=None)
            known[at] = task.solve(np.exp(-at), start if near is None else known[near][1])
        return known[at][0]

    grid = np.linspace(np.log(_LEAST), np.log(_MOST), 11)
    heights = [profile(at) for at in grid]
    best = int(np.argmax(heights))
    bounds = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    top = optimize.minimize_scalar(
        lambda at: -profile(at), bounds=bounds, method="bounded", options={"xatol": 1e-6}
    )
    highest = -float(top.fun)
    drop = float(special.chdtri(1, 1 - level)) / 2
    if highest <= plain.log_likelihood + 1e-8:
        high = _edge(profile, np.log(_LEAST), np.log(_MOST), plain.log_likelihood - drop)
        return SharedFrailty(
            plain.coefficients, np.sqrt(np.diag(plain.covariance)), 0.0, 0.0, high, np.ones(names.size),
            plain.log_likelihood, 1.0, plain.converged,
        )  # fmt: skip
    value, both, settled = known[float(top.x)] if float(top.x) in known else task.solve(np.exp(-top.x), start)
    low = 0.0
    if plain.log_likelihood < highest - drop:
        low = _edge(profile, float(top.x), np.log(_LEAST), highest - drop)
    high = _edge(profile, float(top.x), np.log(_MOST), highest - drop)
    p = x.shape[1]
    errors = task.errors(both, float(np.exp(-top.x)))
    ratio = 2 * (highest - plain.log_likelihood)
    return SharedFrailty(
        coefficients=both[:p] / spread,
        std_error=errors / spread,
        variance=float(np.exp(top.x)),
        low=low,
        high=high,
        frailty=np.exp(both[p:]),
        log_likelihood=value,
        p_value=float(special.chdtrc(1, ratio)) / 2,
        converged=bool(settled and plain.converged),
    )


def _edge(profile: Callable[[float], float], inside: float, outside: float, height: float) -> float:
    """Where the profile comes down to a height, as a variance; the last one looked at where it does not."""
    if profile(outside) >= height:
        return float(np.exp(outside))
    if profile(inside) <= height:
        return float(np.exp(inside))
    at = optimize.brentq(lambda at: profile(at) - height, inside, outside, xtol=1e-6)
    return float(np.exp(at))


@dataclass(frozen=True, slots=True)
class _Task:
    layers: list[Layer]
    x: FloatArray
    number: NDArray[np.intp]
    events: FloatArray

    def solve(self, inverse: float, start: FloatArray) -> tuple[float, FloatArray, bool]:
        """Integrated log-likelihood, coefficients with log frailties, and whether the search came to rest."""
        both = start.copy()
        value, gradient, step_of = self._look(both, inverse)
        settled = False
        for _ in range(_STEPS):
            step = step_of(gradient)
            gain = float(gradient @ step)
            if gain < _SMALL:
                settled = True
                break
            halved = 1.0
            while halved > 1e-8:
                trial = both + halved * step
                found = self._look(trial, inverse)
                if np.isfinite(found[0]) and found[0] >= value:
                    break
                halved /= 2
            else:
                break
            both = trial
            value, gradient, step_of = found
        shape = inverse + self.events
        integrated = np.sum(
            shape - shape * np.log(shape) + inverse * np.log(inverse)
            + special.gammaln(shape) - special.gammaln(inverse)
        )  # fmt: skip
        return value + float(integrated), both, settled

    def _look(
        self, both: FloatArray, inverse: float
    ) -> tuple[float, FloatArray, Callable[[FloatArray], FloatArray]]:
        """Penalised value and gradient, and what turns a gradient into a step."""
        p, q = self.x.shape[1], self.events.size
        b = both[p:]
        linear = self.x @ both[:p] + b[self.number]
        parts = parts_of(self.layers, self.x, linear)
        load = self._expected(linear)
        per = np.bincount(self.number, load, q).astype(float)
        lift = np.exp(b)
        value = parts.value + inverse * float(np.sum(b - lift))
        gradient = np.concatenate([parts.gradient, self.events - per - inverse * (lift - 1)])
        total = float(per.sum())
        sums = np.stack([np.bincount(self.number, load * c, q).astype(float) for c in self.x.T], axis=1)
        cross = sums - np.outer(per, sums.sum(axis=0) / total)
        diagonal = per + inverse * lift

        def step_of(slope: FloatArray) -> FloatArray:
            turned = per / diagonal
            rest = total - float(per @ turned)

            def inner(values: FloatArray) -> FloatArray:
                scaled_ = values / (diagonal if values.ndim == 1 else diagonal[:, None])
                lifted = turned @ values / rest
                return scaled_ + (turned * lifted if values.ndim == 1 else np.outer(turned, lifted))

            through = inner(cross)
            schur = parts.information - cross.T @ through
            first = np.linalg.solve(schur, slope[:p] - through.T @ slope[p:])
            return np.concatenate([first, inner(slope[p:] - cross @ first)])

        return value, gradient, step_of

    def _expected(self, linear: FloatArray) -> FloatArray:
        load = np.zeros(linear.size)
        for layer in self.layers:
            own = linear[layer.rows]
            risk = np.exp(own - own.max())
            total = layer.at_risk(risk)[layer.moment] - layer.fraction * layer.of_events(risk)[layer.moment]
            load[layer.rows] = expected_events(layer, risk, 1 / total)
        return load

    def errors(self, both: FloatArray, inverse: float) -> FloatArray:
        """Standard errors of the coefficients, from the whole penalised information."""
        p, q = self.x.shape[1], self.events.size
        linear = self.x @ both[:p] + both[p:][self.number]
        if q > _EXACT_GROUPS:
            _, _, step_of = self._look(both, inverse)
            unit = np.eye(p, p + q)
            return np.sqrt([float(step_of(row)[j]) for j, row in enumerate(unit)])
        wide = np.concatenate([self.x, np.eye(q)[self.number]], axis=1)
        information = parts_of(self.layers, wide, linear).information
        information[np.arange(p, p + q), np.arange(p, p + q)] += inverse * np.exp(both[p:])
        return np.sqrt(np.diag(np.linalg.inv(information))[:p])
