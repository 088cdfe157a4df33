"""The likelihood as a function of one variance parameter, minimised over all the others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize

from mpg_research.arrays import FloatArray
from mpg_research.mixed.search.solution import MixedSolution

__all__ = ["Held", "Surface", "crossing"]


#: Steps, in standard errors, within which a limit is looked for before it is called infinite.
FARTHEST = 60.0
#: Deviance of a point so extreme that it cannot be computed.
FAR_OFF = 1e12
#: A standard deviation below this share of the residual one counts as zero.
SMALL_SD = 1e-4
#: Precision of a limit, relative to its distance from the estimate.
LIMIT_PRECISION = 1e-4
#: A correlation beyond this on Fisher's z scale (.9993) counts as one.
LARGEST_Z = 4.0


@dataclass(frozen=True, slots=True)
class Held:
    """The parameter that is held at a value.

    Attributes
    ----------
    kind : {"residual", "sd", "correlation", "structure"}
        The residual sd; a random column's sd; its correlation with the first column of its term; a
        parameter of the residual structure.
    term, row : int
        Which random term and column; for a structure ``row`` counts its parameters.
    """

    kind: Literal["residual", "sd", "correlation", "structure"]
    term: int = -1
    row: int = -1


def crossing(excess: Callable[[float], float], centre: float, step: float, rise: float) -> float:
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


class Surface:
    """The ML deviance in absolute standard deviations, minimised over all but one parameter.

    With L = sigma Lambda the deviance at (L, sigma) is the profiled deviance at theta = L / sigma plus
    N (log(sigma^2 / s^2) + s^2 / sigma^2 - 1), where s^2 is the profiled residual variance there.
    """

    def __init__(self, best: MixedSolution) -> None:
        self.best = best
        self.n = len(best.problem.y)
        self.sigma = float(np.sqrt(best.sigma2))
        self.factors = [self.sigma * best.relative_factor(i) for i in range(len(best.problem.random))]
        self.structures = [term.structure for term in best.problem.random]
        self.delta = np.asarray(best.engine.delta(best.internal))
        self.start = self._pack(self.factors)

    def _pack(self, factors: list[FloatArray]) -> FloatArray:
        values = [own.pack(factor) for own, factor in zip(self.structures, factors, strict=True)]
        return np.concatenate([*values, self.delta, [np.log(self.sigma)]])

    def deviance(self, point: FloatArray, held: Held, value: float) -> float:
        """Deviance at a point, with the held parameter moved to its value."""
        sigma = value if held.kind == "residual" else float(np.exp(np.clip(point[-1], -50.0, 50.0)))
        theta: list[FloatArray] = []
        start = 0
        for index, own_structure in enumerate(self.structures):
            rows, columns = own_structure.free(len(self.factors[index]))
            own = point[start : start + len(rows)].copy()
            start += len(rows)
            if held.term == index:
                mine = rows == held.row
                sign = 1.0 if own[0] >= 0 else -1.0
                own[mine] = _moved(own[mine], columns[mine] == held.row, held, value, sign)
            theta.append(own / sigma)
        delta = point[start:-1].copy()
        if held.kind == "structure":
            delta[held.row] = value
        engine = self.best.engine
        try:
            _, found = engine.at(np.concatenate([engine.scaled.to_internal(np.concatenate(theta)), delta]))
        except np.linalg.LinAlgError:
            return FAR_OFF
        profiled = found.deviance + engine.shift()
        ratio = found.s2 * engine.scaled.y_scale**2 / sigma**2
        return float(profiled + self.n * (ratio - 1.0 - np.log(ratio)))

    def _excess(self, held: Held, value: float, rise: float, start: FloatArray) -> Callable[[float], float]:
        """How far the minimised deviance lies above the limit; each search starts where the last ended."""
        base = min(self.best.deviance, self.deviance(self.start, held, value))
        state = {"point": start}

        def excess(at: float) -> float:
            found = minimize(
                self.deviance, state["point"], args=(held, at), method="BFGS", options={"gtol": 1e-3}
            )
            state["point"] = found.x
            return float(found.fun) - base - rise

        return excess

    def sd_limits(self, held: Held, rise: float) -> tuple[float, float]:
        """Lower and upper limit of a standard deviation; the search is on the log scale."""
        random = held.kind == "sd"
        value = float(np.linalg.norm(self.factors[held.term][held.row])) if random else self.sigma
        n_groups = len(self.best.problem.random[held.term].levels) if random else self.n
        step = 1.0 / np.sqrt(2.0 * n_groups)
        smallest = SMALL_SD * self.sigma
        if value <= smallest:
            opened = [factor.copy() for factor in self.factors]
            opened[held.term][held.row, held.row] = 0.1 * self.sigma
            excess = self._excess(held, value, rise, self._pack(opened))
            return 0.0, crossing(excess, 0.0, step * self.sigma, rise)
        if random and self._excess(held, value, rise, self.start)(smallest) < 0:
            low = 0.0
        else:
            low = self._log_crossing(held, value, -step, rise)
        return low, self._log_crossing(held, value, step, rise)

    def _log_crossing(self, held: Held, value: float, step: float, rise: float) -> float:
        excess = self._excess(held, value, rise, self.start)
        return float(np.exp(crossing(lambda at: excess(float(np.exp(at))), float(np.log(value)), step, rise)))

    def correlation_limits(self, held: Held, rise: float) -> tuple[float, float, float]:
        """Estimate, lower and upper limit of a correlation; the search is on Fisher's z scale."""
        first, own = self.factors[held.term][0], self.factors[held.term][held.row]
        lengths = float(np.linalg.norm(first) * np.linalg.norm(own))
        if lengths == 0:
            return np.nan, -1.0, 1.0
        value = float(np.clip(first @ own / lengths, -1.0, 1.0))
        z = float(np.clip(np.arctanh(np.clip(value, -0.9999, 0.9999)), -LARGEST_Z, LARGEST_Z))
        step = 1.0 / np.sqrt(len(self.best.problem.random[held.term].levels))
        return value, self._z_limit(held, z, -step, rise), self._z_limit(held, z, step, rise)

    def _z_limit(self, held: Held, z: float, step: float, rise: float) -> float:
        end = float(np.copysign(LARGEST_Z, step))
        excess = self._excess(held, float(np.tanh(z)), rise, self.start)
        inside = z
        while True:
            outside = min(inside + step, end) if step > 0 else max(inside + step, end)
            if excess(float(np.tanh(outside))) > 0:
                break
            if outside == end:
                return float(np.sign(step))
            inside, step = outside, 1.5 * step
        found = brentq(lambda at: excess(float(np.tanh(at))), inside, outside, xtol=1e-3 * abs(step))
        return float(np.tanh(found))

    def structure_limits(self, held: Held, rise: float) -> tuple[float, float]:
        """Lower and upper limit of a parameter of the residual structure, in its own unit.

        NaN where its parameters hang together, as the correlations of an unstructured matrix do.
        """
        value = float(self.delta[held.row])
        structure = self.best.problem.residual
        if not structure.separable:
            return np.nan, np.nan
        limits = []
        for step in (-0.1, 0.1):
            end = crossing(self._excess(held, value, rise, self.start), value, step, rise)
            moved = self.delta.copy()
            moved[held.row] = np.clip(end, -30.0, 30.0)
            limits.append(float(structure.natural(moved)[held.row]))
        return min(limits), max(limits)


def _moved(own: FloatArray, diagonal: NDArray[np.bool_], held: Held, value: float, sign: float) -> FloatArray:
    """A row of L with its length, or its correlation with the first row, set to a value."""
    length = float(np.sqrt(own @ own))
    if held.kind == "sd":
        return own * (value / length) if length > 0 else np.where(diagonal, value, 0.0)
    rest = own[1:] if np.any(own[1:]) else diagonal[1:].astype(float)
    across = np.sqrt(max(1.0 - value**2, 0.0)) * length / np.sqrt(rest @ rest)
    return np.concatenate([[sign * value * length], rest * across])
