"""How two random effects of the families go together, with limits by the profile of the likelihood.

A correlation of slopes is known badly, and its standard error says little where a variance is near zero or
the correlation near one. The profile asks, of each correlation, how likely the data are at best with it: the
limits are where that falls too far. Where even a correlation of one (or minus one) does not, that is the
limit.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from mpg_research.arrays import FloatArray
from mpg_research.statistics.two_outcomes.fit import Fitted, search
from mpg_research.statistics.two_outcomes.likelihood import N_EFFECTS
from mpg_research.statistics.two_outcomes.vector_swings import derivative

__all__ = ["Correlation", "correlation_of"]

#: Fisher's z beyond which a correlation counts as one (.9993).
_ONE = 4.0
#: Differences of Fisher's z, and of the deviance, that are none.
_NEAR, _CLOSE = 0.005, 0.01
_MOST_STEPS = 12
#: Entries of the root of G in the two rows that say how two effects go together: they become one.
_OWN = 2


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation of two random effects of the families, with its limits; NaN where there is none."""

    estimate: float
    conf_low: float
    conf_high: float


def correlation_of(fit: Fitted, first: int, second: int, *, level: float) -> Correlation:
    """The correlation of two effects, with limits by the profiled restricted likelihood.

    Parameters
    ----------
    fit : Fitted
    first, second : int
        Which effects.
    level : float
        Of the limits.
    """
    found = fit.covariance
    one, other, across = found[first, first], found[second, second], found[first, second]
    if not fit.converged:
        return Correlation(*[float("nan")] * 3)
    known = min(one, other) > 1e-8 * np.diagonal(found).max()
    estimate = float(np.clip(across / np.sqrt(one * other), -1, 1)) if known else 0.0
    profile = _Profile(fit, (first, second))
    rise = float(chdtri(1, 1 - level))
    low, high = (profile.limit(estimate, sign, rise) for sign in (-1, 1))
    return Correlation(estimate if known else float("nan"), low, high)


class _Profile:
    """The deviance at its least with the correlation of two effects held.

    The two come first in the root of G, whose second row is then a length times (r, the root of 1 - r^2).
    """

    def __init__(self, fit: Fitted, pair: tuple[int, int]) -> None:
        self.fit, self.model = fit, fit.model
        rest = [each for each in range(N_EFFECTS) if each not in pair]
        self.order = np.array([*pair, *rest])
        self.back = np.argsort(self.order)
        self.n_root = N_EFFECTS * (N_EFFECTS + 1) // 2
        self.lower = np.tril_indices(N_EFFECTS)

    def _root(self, own: FloatArray, correlation: float) -> FloatArray:
        """The root of G in the own order; ``own`` (9 or more,) has the length of the second row as second."""
        root = np.zeros((N_EFFECTS, N_EFFECTS))
        turned = own[1] * np.array([correlation, np.sqrt(max(1 - correlation**2, 0.0))])
        root[self.lower] = np.concatenate([own[:1], turned, own[2 : self.n_root - 1]])
        return root

    def _whole(self, own: FloatArray, correlation: float) -> FloatArray:
        """The model's parameters, but for a root of G that is no triangle there: its G alone counts."""
        root = self._root(own, correlation)
        covariance = (root @ root.T)[np.ix_(self.back, self.back)]
        size = 1e-12 * max(float(np.trace(covariance)), 1e-6)
        triangle = np.linalg.cholesky(covariance + size * np.eye(N_EFFECTS))
        return np.concatenate([triangle[self.lower], own[self.n_root - 1 :]])

    def deviance(self, own: FloatArray, correlation: float) -> tuple[float, FloatArray]:
        """And its gradient."""
        try:
            vector = self._whole(own, correlation)
            value, slopes = self.model.evaluate(vector)
        except np.linalg.LinAlgError:
            return np.inf, np.zeros_like(own)
        moved = slopes.effects.sum(axis=0)[np.ix_(self.order, self.order)]
        total = type(slopes)(slopes.effects.sum(axis=0)[None], slopes.cells.sum(axis=0)[None])
        rest = self.model.gradients(vector, total)[0, self.n_root :]
        of_root = 2 * moved @ self._root(own, correlation)
        length = of_root[1, :2] @ np.array([correlation, np.sqrt(max(1 - correlation**2, 0.0))])
        entries = of_root[self.lower]
        return value, np.concatenate([entries[:1], [length], entries[1 + _OWN :], rest])

    def own(self) -> FloatArray:
        """The optimum in these parameters."""
        covariance = self.fit.covariance[np.ix_(self.order, self.order)]
        size = 1e-10 * max(float(np.trace(covariance)), 1e-6)
        root = np.linalg.cholesky(covariance + size * np.eye(N_EFFECTS))
        entries = root[self.lower]
        length = np.linalg.norm(root[1, :2])
        return np.concatenate([entries[:1], [length], entries[1 + _OWN :], self.fit.vector[self.n_root :]])

    def curvature(self, own: FloatArray, correlation: float) -> FloatArray | None:
        """An inverse curvature to go by, from that of the fit; None where there is none."""
        slopes = derivative(lambda at: self._whole(at, correlation), own)
        bent = slopes @ self.fit.hessian @ slopes.T
        if not np.isfinite(bent).all():
            return None
        values, vectors = np.linalg.eigh(bent)
        values = np.maximum(values, 1e-6 * values.max())
        found: FloatArray = (vectors / values) @ vectors.T
        return found

    def limit(self, estimate: float, sign: int, rise: float) -> float:
        """Where the deviance has risen that far, on the side of the sign."""
        centre = float(np.clip(np.arctanh(np.clip(estimate, -0.9995, 0.9995)), -_ONE, _ONE))
        own = self.own()
        inverse = self.curvature(own, float(np.tanh(centre)))
        end, inside, outside, above = sign * _ONE, centre, None, np.inf
        below = 0.0
        at = centre + sign * 0.5
        for _ in range(_MOST_STEPS):
            at = min(at, end) if sign > 0 else max(at, end)
            own, value = search(lambda each: self.deviance(each, float(np.tanh(at))), own, inverse)  # noqa: B023
            excess = value - self.fit.deviance
            if excess < rise:
                if at == end:
                    return float(sign)
                inside, below = at, max(excess, 0.0)
            else:
                outside, above = at, excess
            if abs(excess - rise) < _CLOSE or (outside is not None and abs(outside - inside) < _NEAR):
                return float(np.tanh(at))
            at = _next(centre, inside, below, outside, above, rise, sign)
        return float(np.tanh(at))


def _next(
    centre: float, inside: float, below: float, outside: float | None, above: float, rise: float, sign: int
) -> float:
    """Where to look next: by the root of the deviance, which is near a straight line."""
    if outside is None:
        reach = abs(inside - centre) * np.sqrt(rise / max(below, 0.1 * rise))
        return float(centre + sign * max(min(reach, 2.5 * abs(inside - centre)), abs(inside - centre) + 0.1))
    low, high = np.sqrt(below), np.sqrt(above)
    share = float(np.clip((np.sqrt(rise) - low) / (high - low), 0.05, 0.95))
    return inside + share * (outside - inside)
