"""Profile-likelihood intervals: how far a parameter can move before the likelihood says no."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq, minimize

from mpg_research.errors import ModelError
from mpg_research.mixed.resample import parameters
from mpg_research.mixed.solution import MixedSolution, solve

__all__ = ["profile_intervals"]

FloatArray = NDArray[np.float64]

#: Steps, in standard errors, within which a limit is looked for before it is called infinite.
FARTHEST = 60.0
#: Deviance of a point so extreme that it cannot be computed.
FAR_OFF = 1e12
#: A standard deviation below this share of the residual one counts as zero.
SMALL_SD = 1e-4
#: Precision of a limit, relative to its distance from the estimate.
LIMIT_PRECISION = 1e-4


def profile_intervals(solution: MixedSolution, level: float) -> pd.DataFrame:
    """Limits at which the profiled likelihood falls by half a chi-square quantile.

    Parameters
    ----------
    solution : MixedSolution
        A REML fit is refitted by maximum likelihood first, as lme4 does.
    level : float

    Returns
    -------
    DataFrame
        By parameter: ``estimate`` (by maximum likelihood), ``conf_low``, ``conf_high``. Fixed terms,
        ``sd[group, term]`` and ``sd[Residual]``; a limit of zero means that the data allow no variance.

    References
    ----------
    Bates, D. M. & Watts, D. G. (1988). Nonlinear Regression Analysis and Its Applications, chapter 6.
    """
    best = solution if solution.method == "ML" else solve(solution.problem, method="ML")
    if not best.converged:
        raise ModelError(
            f"The maximum-likelihood fit did not converge ({best.message}); there is no profile."
        )
    estimates = parameters(best)
    rise = float(stats.chi2.ppf(level, 1))
    rows: dict[str, tuple[float, float]] = {}
    for column, name in enumerate(best.problem.x_names):
        rows[name] = _fixed_limits(best, column, rise)
    surface = _Surface(best)
    for term_index, term in enumerate(best.problem.random):
        for row, name in enumerate(term.term_names):
            rows[f"sd[{term.group}, {name}]"] = surface.limits((term_index, row), rise)
    rows["sd[Residual]"] = surface.limits(None, rise)
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["conf_low", "conf_high"])
    frame.insert(0, "estimate", estimates)
    return frame.rename_axis("parameter")


def _fixed_limits(best: MixedSolution, column: int, rise: float) -> tuple[float, float]:
    problem = best.problem
    x = np.delete(problem.x, column, axis=1)
    names = tuple(name for index, name in enumerate(problem.x_names) if index != column)

    def excess(value: float) -> float:
        moved = replace(problem, y=problem.y - value * problem.x[:, column], x=x, x_names=names)
        return float(solve(moved, method="ML").deviance - best.deviance - rise)

    step = float(np.sqrt(best.covariance[column, column]))
    centre = float(best.beta[column])
    return _crossing(excess, centre, -step, rise), _crossing(excess, centre, step, rise)


def _crossing(excess: Callable[[float], float], centre: float, step: float, rise: float) -> float:
    """Where the excess turns positive, going from the estimate in the direction of the step."""
    inside, distance = centre, np.sqrt(rise) * step
    outside = centre + distance
    while excess(outside) < 0:
        inside, distance = outside, 1.5 * distance
        outside = centre + distance
        if abs(distance) > FARTHEST * abs(step):
            return float(np.sign(step) * np.inf)
    tolerance = LIMIT_PRECISION * abs(outside - centre)
    return float(brentq(excess, inside, outside, xtol=tolerance, rtol=1e-10))


class _Surface:
    """The ML deviance in absolute standard deviations, minimised over all but one of them.

    With L = sigma Lambda the deviance at (L, sigma) is the profiled deviance at theta = L / sigma plus
    N (log(sigma^2 / s^2) + s^2 / sigma^2 - 1), where s^2 is the profiled residual variance there.
    """

    def __init__(self, best: MixedSolution) -> None:
        self.best = best
        self.n = len(best.problem.y)
        self.sigma = float(np.sqrt(best.sigma2))
        self.factors = [self.sigma * best.relative_factor(i) for i in range(len(best.problem.random))]
        self.shape = [
            (f.shape[0], term.correlated) for f, term in zip(self.factors, best.problem.random, strict=True)
        ]
        self.delta = best.engine.delta(best.internal)
        self.start = self._pack(self.factors, self.sigma)

    def _entries(self, size: int, correlated: bool) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        pairs = [(i, j) for j in range(size) for i in range(j, size) if correlated or i == j]
        rows, columns = zip(*pairs, strict=True)
        return np.array(rows), np.array(columns)

    def _pack(self, factors: list[FloatArray], sigma: float) -> FloatArray:
        values = [f[self._entries(*shape)] for f, shape in zip(factors, self.shape, strict=True)]
        return np.concatenate([*values, self.delta, [np.log(sigma)]])

    def deviance(self, point: FloatArray, fixed: tuple[int, int] | None, value: float) -> float:
        """Deviance with one standard deviation held at ``value`` (None: the residual's)."""
        sigma = value if fixed is None else float(np.exp(np.clip(point[-1], -50.0, 50.0)))
        theta: list[FloatArray] = []
        start = 0
        for index, (size, correlated) in enumerate(self.shape):
            rows, columns = self._entries(size, correlated)
            own = point[start : start + len(rows)].copy()
            start += len(rows)
            if fixed is not None and fixed[0] == index:
                mine = rows == fixed[1]
                length = float(np.sqrt(own[mine] @ own[mine]))
                own[mine] = (
                    own[mine] * (value / length)
                    if length > 0
                    else np.where(columns[mine] == fixed[1], value, 0)
                )
            theta.append(own / sigma)
        engine = self.best.engine
        try:
            internal = engine.scaled.to_internal(np.concatenate(theta))
            _, found = engine.at(np.concatenate([internal, point[start:-1]]))
        except np.linalg.LinAlgError:
            return FAR_OFF
        profiled = found.deviance + engine.shift()
        ratio = found.s2 * engine.scaled.y_scale**2 / sigma**2
        return float(profiled + self.n * (ratio - 1.0 - np.log(ratio)))

    def limits(self, fixed: tuple[int, int] | None, rise: float) -> tuple[float, float]:
        """Lower and upper limit of one standard deviation."""
        value = self.sigma if fixed is None else float(np.linalg.norm(self.factors[fixed[0]][fixed[1]]))
        base = min(self.best.deviance, self.deviance(self.start, fixed, value))
        state = {"point": self.start}

        def excess(at: float) -> float:
            found = minimize(
                self.deviance, state["point"], args=(fixed, at), method="BFGS", options={"gtol": 1e-3}
            )
            state["point"] = found.x
            return float(found.fun) - base - rise

        def excess_of_log(at: float) -> float:
            return excess(float(np.exp(at)))

        step = 1.0 / np.sqrt(2.0 * self._n_groups(fixed))
        smallest = SMALL_SD * self.sigma
        if value <= smallest:
            state["point"] = self._opened(fixed)
            return 0.0, _crossing(excess, 0.0, step * self.sigma, rise)
        if fixed is not None and excess(smallest) < 0:
            low = 0.0
        else:
            state["point"] = self.start
            low = float(np.exp(_crossing(excess_of_log, np.log(value), -step, rise)))
        state["point"] = self.start
        return low, float(np.exp(_crossing(excess_of_log, np.log(value), step, rise)))

    def _opened(self, fixed: tuple[int, int] | None) -> FloatArray:
        """The estimate with a standard deviation at zero moved off it, to start a search from."""
        factors = [factor.copy() for factor in self.factors]
        if fixed is not None:
            factors[fixed[0]][fixed[1], fixed[1]] = 0.1 * self.sigma
        return self._pack(factors, self.sigma)

    def _n_groups(self, fixed: tuple[int, int] | None) -> int:
        return self.n if fixed is None else len(self.best.problem.random[fixed[0]].levels)
