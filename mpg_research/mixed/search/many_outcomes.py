"""Many outcomes of one nested design fitted at once: draws are an outermost level of their own.

All groups of all draws lie side by side in the group index, each draw with its own Lambda; the sweeps are
those of :mod:`nested`. Draws that are done leave the batch; those that are not after a few joint steps are
left to the caller.
"""

from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from mpg_research.arrays import BoolArray, FloatArray
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.likelihood.group_algebra import by_parent, multiply, symmetric_sum
from mpg_research.mixed.likelihood.inner_inverse import inner_inverse
from mpg_research.mixed.likelihood.layout import Level
from mpg_research.mixed.likelihood.nested_route import LevelState, NestedRoute, NestedState, gathered

__all__ = ["Batch", "BatchFit", "fit_batch"]


@dataclass(frozen=True, slots=True)
class BatchFit:
    """Where the joint steps ended.

    Attributes
    ----------
    x : array, shape (draws, n_theta)
    beta : array, shape (draws, p)
        In the base's coordinates.
    s2 : array, shape (draws,)
    value : array, shape (draws,)
        The deviance there; NaN where the start leaves no residuals.
    done : array of bool, shape (draws,)
        True where the Newton decrement is below the tolerance.
    """

    x: FloatArray
    beta: FloatArray
    s2: FloatArray
    value: FloatArray
    done: BoolArray


class Batch:
    """Cross-products of all draws, and the deviance and gradient of each."""

    def __init__(self, engine: Engine, outcomes: FloatArray) -> None:
        self._begin(engine, outcomes.shape[0])
        route, draws = self.given, self.draws
        rows, at = route.rows, route.xy[-1]
        sorted_outcomes = outcomes if rows.order is None else outcomes[:, rows.order]
        self.a = np.tile(route.blocks.a, (1, 1, draws))
        self.b = np.tile(route.blocks.b, (1, 1, draws))
        self.c = np.tile(route.blocks.c, (1, 1, draws))
        for i in range(rows.z.shape[0]):
            self.b[i, at] = np.add.reduceat(rows.z[i] * sorted_outcomes, rows.starts, axis=1).ravel()
        for a in range(route.d):
            row = sorted_outcomes if a == at else rows.base[a]
            sums = np.add.reduceat(row * sorted_outcomes, rows.parent_starts, axis=1).ravel()
            self.c[a, at] = self.c[at, a] = sums

    @classmethod
    def repeated(cls, engine: Engine, draws: int) -> "Batch":
        """The outcome of the engine itself, for many starts; without a residual structure."""
        batch = cls.__new__(cls)
        batch._begin(engine, draws)
        blocks = batch.given.blocks
        batch.a, batch.b, batch.c = (np.tile(one, (1, 1, draws)) for one in (blocks.a, blocks.b, blocks.c))
        return batch

    def _begin(self, engine: Engine, draws: int) -> None:
        assert isinstance(engine.route, NestedRoute)
        self.engine, self.given, self.draws = engine, engine.route, draws
        self._lay_out()

    def move_to(self, x: FloatArray) -> FloatArray:
        """Make the blocks those of each draw's residual parameters; log|R| (draws,)."""
        return np.zeros(len(x))

    def residual_slopes(self, state: NestedState, moment: FloatArray) -> FloatArray:
        """Derivative of the deviance in the residual parameters, (draws, 0) without any."""
        return np.empty((self.draws, 0))

    def _lay_out(self) -> None:
        self.route = copy(self.given)
        self.route.levels = [self._repeated(level) for level in self.given.levels]

    def _repeated(self, level: Level) -> Level:
        draw = np.arange(self.draws)[:, None]
        return replace(
            level,
            parent=(level.parent + draw * level.n_parents).ravel(),
            starts=(level.starts + draw * level.n).ravel(),
        )

    def only(self, keep: BoolArray) -> "Batch":
        """The same for some of the draws, ``keep`` (draws,)."""
        fewer = copy(self)
        fewer.draws = int(keep.sum())
        for name in ("a", "b", "c"):
            array = getattr(self, name)
            split = array.reshape(*array.shape[:2], self.draws, array.shape[2] // self.draws)
            kept = split[:, :, keep]
            setattr(fewer, name, kept.reshape(*array.shape[:2], kept.shape[2] * kept.shape[3]))
        fewer._lay_out()
        return fewer

    def per_draw(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """Sum over the groups of each draw of left_i right_j: (i, n), (j, n) -> (draws, i, j)."""
        own = left.shape[1] // self.draws
        sides = [np.swapaxes(side.reshape(len(side), self.draws, own), 0, 1) for side in (left, right)]
        product: FloatArray = sides[0] @ np.swapaxes(sides[1], 1, 2)
        return product

    def evaluate(self, factors: list[FloatArray]) -> tuple[FloatArray, NestedState, FloatArray]:
        """log|V| (draws,), the levels' blocks, and S (draws, p + 1, p + 1)."""
        route, draws = self.route, self.draws
        log_det, states = np.zeros(draws), []
        a, b, c = self.a, self.b, self.c
        for index, level in enumerate(route.levels):
            if index:
                a, b, c = gathered(level, c)
            size = level.base.shape[1]
            joined = np.zeros((size, size, draws, 1))
            for t, part in route.split(level):
                joined[part, part, :, 0] = np.moveaxis(factors[t], 0, 2)
            with np.errstate(all="ignore"):
                k, log_dets = inner_inverse(a.reshape(size, size, draws, a.shape[2] // draws), joined)
            log_det += log_dets.sum(axis=1)
            k = k.reshape(a.shape)
            kb = multiply(k, b)
            nb = b - multiply(a, kb)
            if index + 1 < len(route.levels) or level.n_parents > draws:
                c = c - symmetric_sum(b, kb, level.starts)
            else:
                taken = sum(self.per_draw(b[i], kb[i]) for i in range(size))
                c = np.moveaxis(np.moveaxis(c, 2, 0) - taken, 0, 2)
            # Where the random columns lead the base, A is the first part of B and H that of N.
            leads = np.array_equal(level.base, np.eye(*level.base.shape))
            h = nb[:, :size] if leads else a - multiply(multiply(a, k), a)
            states.append(LevelState(a, k, h, b, kb, nb))
        s = route.roots(c.reshape(route.d, route.d, draws, -1))
        s = 0.5 * (s + np.swapaxes(s, 1, 2))
        return log_det, NestedState(0.0, s[0], tuple(states)), s

    def value_and_gradient(self, x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Deviance (draws,), gradient (draws, k), base beta (draws, p) and s2 (draws,)."""
        engine, route, draws = self.engine, self.route, self.draws
        factors = engine.scaled.factors(x[:, : engine.n_theta])
        log_det_r = self.move_to(x)
        log_det, state, s = self.evaluate(factors)
        log_det = log_det + log_det_r
        p, divisor = s.shape[1] - 1, engine.divisor
        root = _roots(s)
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
        omega = route.tops(inner).reshape(route.d, route.d, -1)
        received = route.descend(state, omega, np.zeros((route.d, 0, omega.shape[2])))
        slopes: list[FloatArray] = [x] * len(factors)
        for index, level in enumerate(route.levels):
            gamma = self._slopes(state.levels[index], level, received[index][0])
            for t, part in route.split(level):
                structure = engine.scaled.terms[t].structure
                slopes[t] = structure.pack(2.0 * gamma[:, part, part] @ factors[t])
        slopes.append(self.residual_slopes(state, received[0][0]))
        return value, np.concatenate(slopes, axis=1), beta, s2

    def _slopes(self, blocks: LevelState, level: Level, moment: FloatArray) -> FloatArray:
        """Sum over each draw's groups of H - N moment N', (draws, q, q)."""
        q, d, n = blocks.nb.shape
        gamma = np.moveaxis(blocks.h.reshape(q, q, self.draws, n // self.draws).sum(axis=3), 2, 0)
        if level.n_parents == self.draws:
            rows = blocks.nb.reshape(q * d, n)
            products = self.per_draw(rows, rows).reshape(self.draws, q, d, q, d)
            return np.asarray(gamma - np.einsum("riajb,abr->rij", products, moment))
        carried, own = by_parent(moment, blocks.nb, level.starts), n // self.draws
        left, right = (
            np.moveaxis(side.reshape(q, d, self.draws, own), 2, 0).reshape(self.draws, q, d * own)
            for side in (blocks.nb, carried)
        )
        return np.asarray(gamma - left @ np.swapaxes(right, 1, 2))


def _roots(s: FloatArray) -> FloatArray:
    """Cholesky factors of (draws, p + 1, p + 1); NaN for a draw of which rounding leaves no residuals."""
    try:
        return np.asarray(np.linalg.cholesky(s))
    except np.linalg.LinAlgError:
        found = np.full_like(s, np.nan)
        for r, one in enumerate(s):
            with suppress(np.linalg.LinAlgError):
                found[r] = np.linalg.cholesky(one)
        return found


def fit_batch(
    batch: Batch,
    start: FloatArray,
    inverse_hessian: FloatArray,
    *,
    tolerance: float,
    max_steps: int,
) -> BatchFit:
    """Joint quasi-Newton steps for every draw of a batch, from one start or one each.

    A step that leaves a draw no residuals is not taken.

    Raises
    ------
    numpy.linalg.LinAlgError
        If Lambda runs out of numbers.
    """
    draws = batch.draws
    at, length = np.arange(draws), np.ones(draws)
    x = np.array(np.broadcast_to(start, (draws, start.shape[-1])))
    inverse = np.tile(inverse_hessian, (draws, 1, 1))
    value, gradient, beta, s2 = batch.value_and_gradient(x)
    found = BatchFit(x.copy(), beta.copy(), s2.copy(), value.copy(), np.zeros(draws, dtype=bool))
    for step in range(max_steps + 1):
        direction = -np.einsum("rij,rj->ri", inverse, gradient)
        slope = np.einsum("ri,ri->r", gradient, direction)
        done = (slope <= 0) & (-0.5 * slope <= tolerance)
        found.x[at], found.beta[at], found.s2[at] = x, beta, s2
        found.value[at], found.done[at] = value, done
        if step == max_steps or np.all(done):
            break
        if np.any(done):
            left = ~done
            batch, at, length, slope = batch.only(left), at[left], length[left], slope[left]
            x, inverse, direction = x[left], inverse[left], direction[left]
            value, gradient, beta, s2 = value[left], gradient[left], beta[left], s2[left]
        # no step much longer than what there is: Lambda would run out of numbers
        limit = 2.0 * (1.0 + np.max(np.abs(x), axis=1))
        share = limit / np.maximum(np.max(np.abs(direction), axis=1), limit)
        direction, slope = share[:, None] * direction, share * slope
        move = length[:, None] * direction
        new_value, new_gradient, new_beta, new_s2 = batch.value_and_gradient(x + move)
        better = new_value <= value + 1e-4 * length * slope
        inverse = _updated(inverse, move, new_gradient - gradient, better)
        one = better[:, None]
        x, gradient = np.where(one, x + move, x), np.where(one, new_gradient, gradient)
        value, beta = np.where(better, new_value, value), np.where(one, new_beta, beta)
        s2, length = np.where(better, new_s2, s2), np.where(better, 1.0, 0.3 * length)
    return found


def _updated(inverse: FloatArray, move: FloatArray, change: FloatArray, better: BoolArray) -> FloatArray:
    """The inverse Hessians (draws, k, k) after a step ``move`` that changed the gradients by ``change``."""
    curvature = np.einsum("ri,ri->r", move, change)
    usable = better & (curvature > 1e-12)
    safe = np.where(usable, curvature, 1.0)
    hc = np.einsum("rij,rj->ri", inverse, change)
    weight = (1.0 + np.einsum("ri,ri->r", change, hc) / safe) / safe
    cross = move[:, :, None] * hc[:, None, :] / safe[:, None, None]
    update = weight[:, None, None] * move[:, :, None] * move[:, None, :] - cross - np.swapaxes(cross, 1, 2)
    result: FloatArray = inverse + np.where(usable[:, None, None], update, 0.0)
    return result
