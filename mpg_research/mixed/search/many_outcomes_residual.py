"""Many outcomes of one nested design with correlated residuals fitted at once.

What does not contain the outcome is a smooth function of the one parameter of R: its blocks are formed at
Chebyshev nodes around the fit and interpolated at each draw's own value, to rounding; so are each draw's
blocks with the outcome. The rest is :mod:`batch`.
"""

from copy import copy

import numpy as np
from numpy.polynomial import chebyshev

from mpg_research.arrays import BoolArray, FloatArray
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.likelihood.group_algebra import by_parent
from mpg_research.mixed.likelihood.nested_route import NestedRoute, NestedState
from mpg_research.mixed.likelihood.residual_sweep import structured_blocks
from mpg_research.mixed.search.many_outcomes import Batch

__all__ = ["CorrelatedBatch"]


# Nodes, and how far they reach from the start in standard errors, at least and at most in units of delta.
NODES = 24
REACH, NEAREST, FARTHEST = 5.0, 0.5, 2.0


class CorrelatedBatch(Batch):
    """Cross-products of all draws for a residual structure with one parameter."""

    def __init__(self, engine: Engine, outcomes: FloatArray, start: FloatArray, inverse: FloatArray) -> None:
        route, residual = engine.route, engine.residual
        assert isinstance(route, NestedRoute)
        rows, at = route.rows, route.xy[-1]
        self._begin(engine, outcomes.shape[0])
        # the deviance is twice the log-likelihood
        self.reach = float(np.clip(REACH * np.sqrt(2.0 * inverse[-1, -1]), NEAREST, FARTHEST))
        self.centre = float(start[-1])
        places = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
        self.to_coefficients = np.linalg.inv(chebyshev.chebvander(places, NODES - 1))
        ordered = outcomes if rows.order is None else outcomes[:, rows.order]
        blocks, log_dets, with_outcome = [], [], []
        for place in places:
            delta = np.array([self.centre + self.reach * place])
            found, log_det = structured_blocks(rows, residual, delta)
            blocks.append(np.concatenate([found.a.ravel(), found.b.ravel(), found.c.ravel()]))
            log_dets.append(log_det)
            carried = residual.solve(delta, ordered)
            sums = [np.add.reduceat(z * carried, rows.starts, axis=1) for z in rows.z]
            sums += [
                np.add.reduceat((ordered if a == at else base) * carried, rows.parent_starts, axis=1)
                for a, base in enumerate(rows.base)
            ]
            with_outcome.append(np.concatenate(sums, axis=1))
        self.blocks, self.log_dets = np.array(blocks), np.array(log_dets)
        # (draws, nodes, q groups + d parents)
        self.with_outcome = np.ascontiguousarray(np.swapaxes(np.array(with_outcome), 0, 1))
        self.outside = np.zeros(self.draws, dtype=bool)

    def only(self, keep: BoolArray) -> "CorrelatedBatch":
        """The same for some of the draws, ``keep`` (draws,)."""
        fewer = copy(self)
        fewer.draws = int(keep.sum())
        fewer.with_outcome = self.with_outcome[keep]
        fewer._lay_out()
        return fewer

    def move_to(self, x: FloatArray) -> FloatArray:
        """Blocks at each draw's delta, and log|R| (draws,); infinite beyond the nodes."""
        place = (x[:, -1] - self.centre) / self.reach
        self.outside = np.abs(place) > 1.0
        place = np.clip(place, -1.0, 1.0)
        weights = chebyshev.chebvander(place, NODES - 1) @ self.to_coefficients
        slopes = np.array([chebyshev.chebder(row) for row in np.eye(NODES)])
        derived = chebyshev.chebvander(place, NODES - 2) @ slopes.T @ self.to_coefficients
        self.moved_log_det = derived @ self.log_dets / self.reach
        self.a, self.b, self.c = self._at(weights)
        self.moved = self._at(derived / self.reach)
        found: FloatArray = weights @ self.log_dets
        return np.where(self.outside, np.inf, found)

    def _at(self, weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """A, B and C of all draws side by side, from weights of the nodes (draws, nodes)."""
        route, at, draws = self.given, self.given.xy[-1], self.draws
        q, d, n, parents = len(route.rows.z), route.d, route.rows.starts.size, route.rows.parent_starts.size
        parts = np.split(weights @ self.blocks, [q * q * n, q * (q + d) * n], axis=1)
        shapes = (q, q, n), (q, d, n), (d, d, parents)
        a, b, c = (
            np.moveaxis(part.reshape(draws, *shape), 0, 2) for part, shape in zip(parts, shapes, strict=True)
        )
        own = (weights[:, None, :] @ self.with_outcome)[:, 0]
        b[:, at] = np.swapaxes(own[:, : q * n].reshape(draws, q, n), 0, 1)
        c[at] = np.swapaxes(own[:, q * n :].reshape(draws, d, parents), 0, 1)
        c[:, at] = c[at]
        return a.reshape(q, q, draws * n), b.reshape(q, d, draws * n), c.reshape(d, d, draws * parents)

    def residual_slopes(self, state: NestedState, moment: FloatArray) -> FloatArray:
        """Derivative of the deviance in delta, (draws, 1), from what the finest level receives."""
        level, blocks, draws = self.route.levels[0], state.levels[0], self.draws
        a, b, c = self.moved
        q, d, n = blocks.kb.shape
        if level.n_parents == draws:
            by_draw = np.moveaxis(blocks.kb.reshape(q, d, draws, n // draws), (2, 0, 3, 1), (0, 1, 2, 3))
            carried = by_draw @ np.moveaxis(moment, 2, 0)[:, None]
            carried = np.moveaxis(carried, (0, 1, 2, 3), (2, 0, 3, 1)).reshape(blocks.kb.shape)
        else:
            carried = by_parent(moment, blocks.kb, level.starts)
        # d deviance = tr((K + K B Omega B'K) dA) - 2 tr(Omega B'K dB) + tr(Omega dC)
        turned = np.einsum("qdn,rdn->qrn", carried, blocks.kb)
        found = self.per_draw_sum((blocks.k + turned) * a) - 2.0 * self.per_draw_sum(carried * b)
        slopes: FloatArray = self.moved_log_det + found + self.per_draw_sum(moment * c)
        return slopes[:, None]

    def per_draw_sum(self, values: FloatArray) -> FloatArray:
        """Sum over everything of each draw: (i, j, draws n) -> (draws,)."""
        own = values.shape[2] // self.draws
        found: FloatArray = values.reshape(*values.shape[:2], self.draws, own).sum(axis=(0, 1, 3))
        return found
