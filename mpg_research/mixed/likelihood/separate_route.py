"""Crossed factors that cross within parts of the data only: each part by itself, and their sums.

Workers and years cross within an organisation, and organisations share neither. V is then block-diagonal over
the connected parts (rows that share a group of any factor, directly or through other rows), and log|V|, S and
all derivatives are sums over them. The dense block of the crossed route is one small block per part: its cost
falls from the cube of all its columns to the sum of the cubes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from mpg_research.arrays import FloatArray
from mpg_research.mixed.likelihood.crossed_route import CrossedRoute, CrossedState
from mpg_research.mixed.likelihood.scaling import Scaled
from mpg_research.mixed.problem import MixedProblem, RandomTerm

__all__ = ["SeparateRoute", "SeparateState", "crossed_route"]

#: Columns of the dense block from which taking parts apart pays.
FEWEST_COLUMNS = 100


@dataclass(frozen=True, slots=True)
class SeparateState:
    """One evaluation: the states of the parts, and the sums that the objective needs.

    ``log_det`` is log|V| and ``s`` (p+1, p+1) is [X y]'V^-1[X y], both unscaled.
    """

    log_det: float
    s: FloatArray
    parts: tuple[CrossedState, ...]


class SeparateRoute:
    """The crossed route of each connected part; per-group results stand in the order of the whole."""

    def __init__(self, parts: Sequence[CrossedRoute], rows: Sequence[NDArray[np.intp]]) -> None:
        self.parts, self.rows = tuple(parts), tuple(rows)
        self.first = self.parts[0].first
        self.m = sum(part.m for part in self.parts)
        self.local = np.empty(sum(len(own) for own in rows), dtype=np.intp)
        for own in rows:
            self.local[own] = np.arange(len(own))
        self.levels: list[list[NDArray[np.intp]]] = []

    def weigh(self, omega: FloatArray, link: FloatArray, previous: NDArray[np.intp]) -> None:
        """Form the cross-products anew under R^-1 given by row weights."""
        for part, rows in zip(self.parts, self.rows, strict=True):
            part.weigh(omega[rows], link[rows], self.before(previous, rows))

    def before(self, previous: NDArray[np.intp], rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """The row before each row of a part, counted within it; -1 where there is none."""
        found = previous[rows]
        return np.where(found >= 0, self.local[np.maximum(found, 0)], -1)

    def evaluate(self, factors: list[FloatArray]) -> SeparateState:
        """log|V| and S at the internal Lambda of each term."""
        states = tuple(part.evaluate(factors) for part in self.parts)
        log_det = float(sum(state.log_det for state in states))
        return SeparateState(log_det, np.sum([state.s for state in states], axis=0), states)

    def slopes(self, state: SeparateState, inner: FloatArray) -> list[FloatArray]:
        """Gamma_t = sum over groups of H - F inner F' with F = Z'V^-1[X y], per term (q_t, q_t)."""
        each = [part.slopes(own, inner) for part, own in zip(self.parts, state.parts, strict=True)]
        return [np.sum(found, axis=0) for found in zip(*each, strict=True)]

    def modes(self, state: SeparateState, weights: FloatArray) -> list[FloatArray]:
        """Posterior modes of the internal random effects for [X y] weights, per term (n_t, q_t)."""
        return self._whole(
            [part.modes(own, weights) for part, own in zip(self.parts, state.parts, strict=True)]
        )

    def modes_of(self, state: SeparateState, weights: FloatArray, term: int) -> FloatArray:
        """Posterior modes of one term for several [X y] weights, (p + 1, m): (n_t, q_t, m)."""
        each = zip(self.parts, state.parts, strict=True)
        places = np.concatenate([levels[term] for levels in self.levels])
        joined = np.concatenate([part.modes_of(own, weights, term) for part, own in each])
        return joined[np.argsort(places)]

    def scores(self, state: SeparateState) -> list[FloatArray]:
        """F = Z_t'V^-1[X y], per term (n_t, q_t, p + 1)."""
        return self._whole([part.scores(own) for part, own in zip(self.parts, state.parts, strict=True)])

    def informations(self, state: SeparateState) -> list[FloatArray]:
        """H = Z_g'V^-1 Z_g of every group, per term (n_t, q_t, q_t)."""
        return self._whole(
            [part.informations(own) for part, own in zip(self.parts, state.parts, strict=True)]
        )

    def posterior_variances(self, state: SeparateState) -> list[FloatArray]:
        """Unscaled conditional covariances given beta, per term (n_t, q_t, q_t)."""
        return self._whole(
            [part.posterior_variances(own) for part, own in zip(self.parts, state.parts, strict=True)]
        )

    def _whole(self, each: list[list[FloatArray]]) -> list[FloatArray]:
        """Per term what the parts have of its groups, in the order of all its groups."""
        found = []
        for t, pieces in enumerate(zip(*each, strict=True)):
            places = np.concatenate([levels[t] for levels in self.levels])
            joined = np.concatenate(pieces)
            ordered = np.empty_like(joined)
            ordered[places] = joined
            found.append(ordered)
        return found


def crossed_route(problem: MixedProblem, scaled: Scaled) -> CrossedRoute | SeparateRoute:
    """The route for factors that are not nested: by connected parts where these make it much cheaper."""
    counts = [len(term.levels) for term in problem.random]
    widths = [count * scaled.z[t].shape[0] for t, count in enumerate(counts)]
    largest = int(np.argmax(widths))
    same = [
        t
        for t, term in enumerate(problem.random)
        if counts[t] == counts[largest] and np.array_equal(term.codes, problem.random[largest].codes)
    ]
    if sum(width for t, width in enumerate(widths) if t not in same) < FEWEST_COLUMNS:
        return CrossedRoute(problem, scaled)
    part_of = _parts(problem)
    if part_of.max() == 0:
        return CrossedRoute(problem, scaled)
    order = np.argsort(part_of, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(part_of))[:-1])
    built = [_part(problem, scaled, own, largest) for own in rows]
    route = SeparateRoute([part for part, _ in built], rows)
    route.levels = [levels for _, levels in built]
    return route


def _parts(problem: MixedProblem) -> NDArray[np.intp]:
    """The connected part of every row, counted from 0."""
    base = problem.random[0].codes
    n_base = len(problem.random[0].levels)
    offset, rows, columns = n_base, [], []
    for term in problem.random[1:]:
        pairs = np.unique(np.column_stack([base, term.codes]), axis=0)
        rows.append(pairs[:, 0])
        columns.append(pairs[:, 1] + offset)
        offset += len(term.levels)
    edges = (np.concatenate(rows), np.concatenate(columns))
    graph = sparse.csr_matrix((np.ones(len(edges[0])), edges), shape=(offset, offset))
    label = connected_components(graph, directed=False)[1]
    return np.unique(label[base], return_inverse=True)[1].astype(np.intp)


def _part(
    problem: MixedProblem, scaled: Scaled, rows: NDArray[np.intp], largest: int
) -> tuple[CrossedRoute, list[NDArray[np.intp]]]:
    """The crossed route of some rows, and which groups of each term they hold."""
    terms: list[RandomTerm] = []
    levels: list[NDArray[np.intp]] = []
    for term in problem.random:
        own, codes = np.unique(term.codes[rows], return_inverse=True)
        terms.append(
            replace(term, z=term.z[rows], codes=codes, levels=tuple(term.levels[level] for level in own))
        )
        levels.append(own)
    part = replace(
        problem, y=problem.y[rows], x=problem.x[rows], random=tuple(terms), weights=None, residual=None
    )
    inside = replace(scaled, fixed=scaled.fixed[:, rows], z=tuple(z[:, rows] for z in scaled.z))
    return CrossedRoute(part, inside, largest=largest), levels
