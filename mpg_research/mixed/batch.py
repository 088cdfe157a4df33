"""Many outcomes of one nested design fitted at once: draws are an outermost level of their own.

All groups of all draws lie side by side in the group index, each draw with its own Lambda; the sweeps are
those of :mod:`nested`. Draws that are not done after a few joint steps are left to the caller.
"""

from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .engine import Engine
from .group_algebra import multiply, segments, symmetric_sum
from .layout import Level
from .nested import LevelState, NestedRoute, NestedState, inner_inverse
from .scaling import lower_indices

__all__ = ["Batch", "BatchFit", "fit_batch"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BatchFit:
    """Where the joint steps ended.

    Attributes
    ----------
    x : array, shape (draws, n_theta)
    beta : array, shape (draws, p)
        In the base's coordinates.
    s2 : array, shape (draws,)
    done : array of bool, shape (draws,)
        True where the Newton decrement is below the tolerance.
    """

    x: FloatArray
    beta: FloatArray
    s2: FloatArray
    done: NDArray[np.bool_]


class Batch:
    """Cross-products of all draws, and the deviance and gradient of each."""

    def __init__(self, engine: Engine, outcomes: FloatArray) -> None:
        route = engine.route
        assert isinstance(route, NestedRoute)
        self.engine, self.draws = engine, outcomes.shape[0]
        self.route = copy(route)
        self.route.levels = [self._repeated(level) for level in route.levels]
        rows, at, draws = route.rows, route.xy[-1], self.draws
        sorted_outcomes = outcomes if rows.order is None else outcomes[:, rows.order]
        given = route.blocks
        self.a = np.tile(given.a, (1, 1, draws))
        self.b = np.tile(given.b, (1, 1, draws))
        self.c = np.tile(given.c, (1, 1, draws))
        for i in range(rows.z.shape[0]):
            self.b[i, at] = np.add.reduceat(rows.z[i] * sorted_outcomes, rows.starts, axis=1).ravel()
        for a in range(route.d):
            row = sorted_outcomes if a == at else rows.base[a]
            sums = np.add.reduceat(row * sorted_outcomes, rows.parent_starts, axis=1).ravel()
            self.c[a, at] = self.c[at, a] = sums

    def _repeated(self, level: Level) -> Level:
        draw = np.arange(self.draws)[:, None]
        return replace(
            level,
            parent=(level.parent + draw * level.n_parents).ravel(),
            starts=(level.starts + draw * level.n).ravel(),
        )

    def factors(self, x: FloatArray) -> list[FloatArray]:
        """Lambda of every term and draw, (draws, q, q)."""
        found, start = [], 0
        for term in self.engine.scaled.terms:
            size, stop = term.root.shape[0], start + term.n_parameters
            factor = np.zeros((x.shape[0], size, size))
            rows, columns = lower_indices(size) if term.correlated else (np.arange(size), np.arange(size))
            factor[:, rows, columns] = x[:, start:stop]
            found.append(factor)
            start = stop
        return found

    def evaluate(self, factors: list[FloatArray]) -> tuple[FloatArray, NestedState, FloatArray]:
        """log|V| (draws,), the levels' blocks, and S (draws, p + 1, p + 1)."""
        route, draws = self.route, self.draws
        log_det, states = np.zeros(draws), []
        a, b, c = self.a, self.b, self.c
        for index, level in enumerate(route.levels):
            if index:
                b = (level.base.T @ c.reshape(route.d, -1)).reshape(-1, *c.shape[1:])
                a = np.einsum("qdn,dr->qrn", b, level.base)
                c = segments(c, level.starts)
            size = level.base.shape[1]
            joined = np.zeros((size, size, draws))
            for t, part in route.split(level):
                joined[part, part] = np.moveaxis(factors[t], 0, 2)
            k, log_dets = inner_inverse(a, np.repeat(joined, level.n, axis=2))
            log_det += log_dets.reshape(draws, level.n).sum(axis=1)
            kb = multiply(k, b)
            ak = multiply(a, k)
            c = c - symmetric_sum(b, kb, level.starts)
            states.append(LevelState(a, k, a - multiply(ak, a), b, kb, b - multiply(a, kb)))
        s = np.moveaxis(c[route.xy[:, None], route.xy], 2, 0)
        return log_det, NestedState(0.0, s[0], tuple(states)), s

    def value_and_gradient(self, x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Deviance (draws,), gradient (draws, k), base beta (draws, p) and s2 (draws,)."""
        engine, route, draws = self.engine, self.route, self.draws
        factors = self.factors(x)
        log_det, state, s = self.evaluate(factors)
        p, divisor = s.shape[1] - 1, engine.divisor
        root = np.linalg.cholesky(s)
        r2 = root[:, p, p] ** 2
        inverse = np.linalg.inv(root[:, :p, :p])
        value = log_det + divisor * (1.0 + np.log(2.0 * np.pi * r2 / divisor))
        beta = np.einsum("rji,rj->ri", inverse, root[:, p, :p])
        contrast = np.concatenate([-beta, np.ones((draws, 1))], axis=1)
        s2 = r2 / divisor
        inner = contrast[:, :, None] * contrast[:, None, :] / s2[:, None, None]
        if engine.method == "REML":
            value += 2.0 * np.log(np.diagonal(root[:, :p, :p], axis1=1, axis2=2)).sum(axis=1)
            inner[:, :p, :p] += np.swapaxes(inverse, 1, 2) @ inverse
        omega = np.zeros((route.d, route.d, draws))
        omega[route.xy[:, None], route.xy] = np.moveaxis(inner, 0, 2)
        received = route.descend(state, omega, np.zeros((route.d, 0, draws)))
        gradient, places = np.empty_like(x), self._places()
        for level, blocks, (moment, _) in zip(route.levels, state.levels, received, strict=True):
            carried = np.einsum("abn,qbn->qan", moment[:, :, level.parent], blocks.nb)
            own = blocks.h - np.einsum("qan,ran->qrn", blocks.nb, carried)
            gamma = np.moveaxis(own.reshape(*own.shape[:2], draws, level.n).sum(axis=3), 2, 0)
            for t, part in route.split(level):
                slopes = 2.0 * gamma[:, part, part] @ factors[t]
                size = slopes.shape[1]
                correlated = engine.scaled.terms[t].correlated
                rows, columns = lower_indices(size) if correlated else (np.arange(size), np.arange(size))
                gradient[:, places[t]] = slopes[:, rows, columns]
        return value, gradient, beta, s2

    def _places(self) -> list[slice]:
        found, start = [], 0
        for term in self.engine.scaled.terms:
            found.append(slice(start, start + term.n_parameters))
            start += term.n_parameters
        return found


def fit_batch(
    engine: Engine,
    outcomes: FloatArray,
    start: FloatArray,
    inverse_hessian: FloatArray,
    *,
    tolerance: float,
    max_steps: int = 9,
) -> BatchFit:
    """Joint quasi-Newton steps for every row of ``outcomes`` (draws, n_rows), from one start.

    Raises
    ------
    numpy.linalg.LinAlgError
        If some draw leaves no residuals on the way.
    """
    batch = Batch(engine, outcomes)
    draws = outcomes.shape[0]
    x = np.tile(start, (draws, 1))
    inverse = np.tile(inverse_hessian, (draws, 1, 1))
    value, gradient, beta, s2 = batch.value_and_gradient(x)
    length = np.ones(draws)
    direction = -np.einsum("rij,rj->ri", inverse, gradient)
    for _ in range(max_steps):
        slope = np.einsum("ri,ri->r", gradient, direction)
        done = (slope <= 0) & (-0.5 * slope <= tolerance)
        if np.all(done):
            break
        move = np.where(done[:, None], 0.0, length[:, None] * direction)
        new_value, new_gradient, new_beta, new_s2 = batch.value_and_gradient(x + move)
        better = ~done & (new_value <= value + 1e-4 * length * slope)
        change = new_gradient - gradient
        curvature = np.einsum("ri,ri->r", move, change)
        usable = better & (curvature > 1e-12)
        safe = np.where(usable, curvature, 1.0)
        hc = np.einsum("rij,rj->ri", inverse, change)
        weight = (1.0 + np.einsum("ri,ri->r", change, hc) / safe) / safe
        cross = move[:, :, None] * hc[:, None, :] / safe[:, None, None]
        update = (
            weight[:, None, None] * move[:, :, None] * move[:, None, :] - cross - np.swapaxes(cross, 1, 2)
        )
        inverse = inverse + np.where(usable[:, None, None], update, 0.0)
        x = np.where(better[:, None], x + move, x)
        value, s2 = np.where(better, new_value, value), np.where(better, new_s2, s2)
        gradient = np.where(better[:, None], new_gradient, gradient)
        beta = np.where(better[:, None], new_beta, beta)
        length = np.where(better | done, 1.0, 0.3 * length)
        direction = np.where(better[:, None], -np.einsum("rij,rj->ri", inverse, gradient), direction)
    slope = np.einsum("ri,rij,rj->r", gradient, inverse, gradient)
    return BatchFit(x, beta, s2, (slope >= 0) & (0.5 * slope <= tolerance))
