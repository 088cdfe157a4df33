"""The fast route: nested levels, one sweep up for the deviance and one down for its gradient.

Level 0 is the finest grouping, the last one the coarsest. All Z, X and y are columns of one base
``D`` (``Z_l = D T_l``), so that a group is described by its cross-products with D alone. Arrays keep
the group index last and contiguous: every operation is a vector operation over all groups at once.

Eliminating a level with blocks C = D'V^-1 D per group, B = T'C, A = B T, G = Lambda Lambda':
``K = Lambda (I + Lambda'A Lambda)^-1 Lambda'``, ``N = (I - A K) B``, and C - B'K B = C - B'G N goes to the
parent. Lambda is never inverted, so the boundary is like any other point.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray
from mpg_research.mixed.likelihood.group_algebra import by_parent, multiply, segments, symmetric_sum
from mpg_research.mixed.likelihood.inner_inverse import inner_inverse
from mpg_research.mixed.likelihood.layout import (
    Blocks,
    Level,
    Rows,
    extended_base,
    order_levels,
    plain_blocks,
)
from mpg_research.mixed.likelihood.scaling import Scaled
from mpg_research.mixed.problem import MixedProblem

__all__ = ["LevelState", "NestedRoute", "NestedState", "gathered", "sorted_rows"]


@dataclass(frozen=True, slots=True)
class LevelState:
    """What one level leaves behind: all arrays with the group index last.

    ``a``, ``k`` and ``h`` = A - A K A have shape (q, q, n); ``b``, ``kb`` = K B and
    ``nb`` = (I - A K) B shape (q, d, n).
    """

    a: FloatArray
    k: FloatArray
    h: FloatArray
    b: FloatArray
    kb: FloatArray
    nb: FloatArray


@dataclass(frozen=True, slots=True)
class NestedState:
    """One up-sweep: log|V|, S = [X y]'V^-1[X y] (p+1, p+1), and the levels' blocks."""

    log_det: float
    s: FloatArray
    levels: tuple[LevelState, ...]


def gathered(level: Level, c: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A (q, q, n), B (q, d, n) of a level, and C summed per parent, from what its children sent up."""
    b = (level.base.T @ c.reshape(len(level.base), -1)).reshape(-1, *c.shape[1:])
    return np.einsum("qdn,dr->qrn", b, level.base), b, segments(c, level.starts)


def sorted_rows(
    problem: MixedProblem, chain: list[list[int]], level: Level, within: NDArray[np.intp] | None
) -> tuple[NDArray[np.intp], NDArray[np.intp] | None]:
    """Position of each row's group of the finest level, rising, and the order of the rows that makes it so.

    ``within`` (n,) orders the rows of a group. The order is None where the rows come in it.
    """
    rank = np.empty(level.n, dtype=np.intp)
    rank[level.position] = np.arange(level.n)
    position = rank[problem.random[chain[0][0]].codes]
    order = None
    if within is not None:
        order = np.lexsort((within, position))
        order = None if np.array_equal(order, np.arange(order.size)) else order
    elif np.any(position[1:] < position[:-1]):
        order = np.argsort(position, kind="stable")
    return position if order is None else position[order], order


class NestedRoute:
    """Cross-products of a nested problem, and the sweeps over them."""

    def __init__(
        self,
        problem: MixedProblem,
        scaled: Scaled,
        chain: list[list[int]],
        within: NDArray[np.intp] | None = None,
    ) -> None:
        """``within`` (n,) orders the rows of a group of the finest level; as they come where it is None."""
        self.scaled = scaled
        self.n_terms = len(problem.random)
        beyond = [scaled.z[t] for t in range(self.n_terms) if not scaled.in_base[t]]
        base, self.xy = extended_base(scaled.fixed, beyond)
        self.d = base.shape[0]
        self.identity = np.eye(self.d)[:, :, None]
        # y is orthogonal to X but not to what Z adds to it, so it takes no part in the projection.
        projector = base / scaled.n
        projector[self.xy[-1]] = 0.0
        bases = [
            np.eye(self.d)[:, : z.shape[0]] if same else projector @ z.T
            for z, same in zip(scaled.z, scaled.in_base, strict=True)
        ]
        self.levels = order_levels(
            problem, chain, [np.concatenate([bases[t] for t in terms], axis=1) for terms in chain]
        )
        level = self.levels[0]
        z0 = scaled.z[chain[0][0]]
        if len(chain[0]) > 1:
            z0 = np.concatenate([scaled.z[t] for t in chain[0]], axis=0)
        row_position, order = sorted_rows(problem, chain, level, within)
        if order is not None:
            base, z0 = base[:, order], z0[:, order]
        starts = np.searchsorted(row_position, np.arange(level.n))
        leads = len(chain[0]) == 1 and scaled.in_base[chain[0][0]]
        rows = Rows(base, z0, starts, starts[level.starts], order, leads)
        # under a residual structure the blocks differ by its parameters
        self.given = None if within is not None else plain_blocks(rows)
        self.rows = rows

    @property
    def blocks(self) -> Blocks:
        """Cross-products with independent residuals."""
        return plain_blocks(self.rows) if self.given is None else self.given

    def with_outcome(self, row: FloatArray) -> "NestedRoute":
        """The same design with another last column of [X y], given in the order of the problem."""
        other = copy(self)
        rows, at = self.rows, self.xy[-1]
        outcome = row if rows.order is None else row[rows.order]
        base = rows.base.copy()
        base[at] = outcome
        other.rows = replace(rows, base=base)
        if self.given is None:
            return other
        b, c = self.given.b.copy(), self.given.c.copy()
        b[:, at] = np.add.reduceat(rows.z * outcome, rows.starts, axis=1)
        if rows.parent_starts.size == 1:
            c[at, :, 0] = base @ outcome
        else:
            c[at] = np.add.reduceat(base * outcome, rows.parent_starts, axis=1)
        c[:, at] = c[at]
        other.given = Blocks(self.given.a, b, c)
        return other

    def roots(self, c: FloatArray) -> FloatArray:
        """What reaches the root, (d, d, m, 1), as cross-products of [X y], (m, p + 1, p + 1)."""
        return np.moveaxis(c[self.xy[:, None], self.xy, :, 0], 2, 0)

    def tops(self, inner: FloatArray) -> FloatArray:
        """Weights on the cross-products of [X y], (m, p + 1, p + 1), over D: (d, d, m, 1)."""
        omega = np.zeros((self.d, self.d, len(inner), 1))
        omega[self.xy[:, None], self.xy, :, 0] = np.moveaxis(inner, 0, 2)
        return omega

    def with_blocks(self, blocks: Blocks) -> "NestedRoute":
        """The same with these cross-products of the finest level."""
        other = copy(self)
        other.given = blocks
        return other

    def narrowed(self) -> "NestedRoute":
        """The same groups with only those columns of D that the random columns need, and y.

        The fixed effects beyond them stay at least squares (y is their residual): near enough to start from.
        """
        reach = [np.max(np.abs(level.base), axis=1, initial=0.0) for level in self.levels]
        needed = np.max(reach, axis=0) > 1e-8
        outcome = self.xy[-1]
        needed[outcome] = False
        keep = np.append(np.flatnonzero(needed), outcome)
        other = copy(self)
        other.d = keep.size
        other.identity = np.eye(other.d)[:, :, None]
        other.xy = np.append(np.flatnonzero(np.isin(keep[:-1], self.xy)), other.d - 1)
        other.levels = [replace(level, base=level.base[keep]) for level in self.levels]
        given, q = self.given, len(self.rows.z)
        leads = self.rows.z_leads and np.array_equal(keep[:q], np.arange(q))
        other.rows = replace(self.rows, base=self.rows.base[keep], z_leads=leads)
        if given is not None:
            other.given = Blocks(given.a, np.ascontiguousarray(given.b[:, keep]), given.c[keep][:, keep])
        return other

    def thinned(self) -> "NestedRoute":
        """The same rows and groups with only the random columns and y for D, the random columns for X.

        Where blocks are formed from rows at every step, the search's first steps are cheapest with this.
        """
        other, rows, outcome = copy(self), self.rows, self.rows.base[self.xy[-1]]
        z = [one if rows.order is None else one[:, rows.order] for one in self.scaled.z]
        found = extended_base(outcome[None], z)[0]
        random = found[1:]
        other.d = len(found)
        other.identity = np.eye(other.d)[:, :, None]
        other.xy = np.arange(other.d)
        other.rows = replace(rows, base=np.concatenate([random, outcome[None]]), z_leads=False)
        inside = [np.concatenate([random @ one.T / self.scaled.n, np.zeros((1, len(one)))]) for one in z]
        other.levels = [
            replace(level, base=np.concatenate([inside[t] for t in level.terms], axis=1))
            for level in self.levels
        ]
        other.given = None if self.given is None else plain_blocks(other.rows)
        return other

    def joined(self, factors: list[FloatArray], level: Level) -> FloatArray:
        """Lambda of all terms of a level, block-diagonal (q, q)."""
        if len(level.terms) == 1:
            return factors[level.terms[0]]
        size = sum(factors[t].shape[0] for t in level.terms)
        result, start = np.zeros((size, size)), 0
        for t in level.terms:
            stop = start + factors[t].shape[0]
            result[start:stop, start:stop] = factors[t]
            start = stop
        return result

    def split(self, level: Level) -> list[tuple[int, slice]]:
        """(term, its slice of the level's columns) for each term of a level."""
        found, start = [], 0
        for t in level.terms:
            stop = start + self.scaled.terms[t].root.shape[0]
            found.append((t, slice(start, stop)))
            start = stop
        return found

    def evaluate(self, factors: list[FloatArray], blocks: Blocks | None = None) -> NestedState:
        """Up-sweep: log|V| and S at the internal Lambda of each term."""
        log_det, states = 0.0, []
        given = self.blocks if blocks is None else blocks
        a, b, c = given.a, given.b, given.c
        for index, level in enumerate(self.levels):
            if index:
                a, b, c = gathered(level, c)
            factor = self.joined(factors, level)
            k, log_dets = inner_inverse(a, factor)
            log_det += float(np.sum(log_dets))
            ak = multiply(a, k)
            kb = multiply(k, b)
            nb = b - multiply(a, kb)
            h = a - multiply(ak, a)
            # B'(K B), not B'G N: where Lambda is large N is a small difference that G would magnify
            c = c - symmetric_sum(b, kb, level.starts)
            states.append(LevelState(a, k, h, b, kb, nb))
        return NestedState(log_det, self.roots(c[:, :, None])[0], tuple(states))

    def descend(
        self, state: NestedState, omega: FloatArray, psi: FloatArray
    ) -> list[tuple[FloatArray, FloatArray]]:
        """(omega, psi) that each level's groups receive from their parents, finest level first.

        ``omega`` (d, d, n_parents) is a second moment of what the ancestors took away, plus whatever the
        caller starts with at the root; ``psi`` (d, m, n_parents) is the root's columns less the ancestors'
        modes.
        """
        received: list[tuple[FloatArray, FloatArray]] = []
        for index in range(len(self.levels) - 1, -1, -1):
            level, blocks = self.levels[index], state.levels[index]
            received.append((omega, psi))
            if index == 0:
                break
            # U = I - T K B on both sides, as two changes of rank q
            kb = blocks.kb
            omega, psi = omega[:, :, level.parent], psi[:, :, level.parent]
            omega -= _embedded(level, multiply(kb, omega))
            along = multiply(omega, np.swapaxes(kb, 0, 1))
            omega -= np.swapaxes(_embedded(level, np.swapaxes(along, 0, 1)), 0, 1)
            spread = (level.base @ blocks.k.reshape(kb.shape[0], -1)).reshape(-1, *blocks.k.shape[1:])
            omega = omega + np.einsum("dqn,eq->den", spread, level.base)
            psi -= _embedded(level, multiply(kb, psi))
        return received[::-1]

    def _root(self, columns: FloatArray) -> FloatArray:
        """Columns given over [X y] as columns over D, with a group axis of 1."""
        wide = np.zeros((self.d, columns.shape[1], 1))
        wide[self.xy, :, 0] = columns
        return wide

    def moments(self, state: NestedState, inner: FloatArray) -> list[FloatArray]:
        """What each level receives of the weights ``inner`` on S: (d, d, n_parents), finest level first."""
        omega = self.tops(inner[None])[:, :, 0]
        none = np.zeros((self.d, 0, omega.shape[2]))
        return [moment for moment, _ in self.descend(state, omega, none)]

    def slopes(
        self, state: NestedState, inner: FloatArray, moments: list[FloatArray] | None = None
    ) -> list[FloatArray]:
        """Gamma_t = sum over groups of H - F inner F' with F = Z'V^-1[X y], per term (q_t, q_t).

        ``moments`` are those of :meth:`moments`, if at hand.
        """
        found: list[FloatArray] = [np.empty(0)] * self.n_terms
        received = self.moments(state, inner) if moments is None else moments
        for level, blocks, moment in zip(self.levels, state.levels, received, strict=True):
            gamma = blocks.h.sum(axis=2)
            gamma -= _quadratic(blocks.nb, moment, level)
            for t, part in self.split(level):
                found[t] = gamma[part, part]
        return found

    def _down(
        self, state: NestedState, columns: FloatArray
    ) -> Iterator[tuple[Level, LevelState, FloatArray]]:
        """Columns given over [X y] (p + 1, m) less the modes of what is above, coarsest level first.

        Of each level its blocks, and what is left for its groups, (d, m, n).
        """
        psi = self._root(columns)
        for level, blocks in zip(reversed(self.levels), reversed(state.levels), strict=True):
            psi = psi[:, :, level.parent]
            yield level, blocks, psi
            psi = psi - _embedded(level, multiply(blocks.kb, psi))

    def modes(self, state: NestedState, weights: FloatArray) -> list[FloatArray]:
        """Posterior modes of the internal random effects for [X y] weights, per term (n_t, q_t)."""
        found: list[FloatArray] = [np.empty(0)] * self.n_terms
        for level, blocks, psi in self._down(state, weights[:, None]):
            modes = _modes(level, blocks, psi)[:, :, 0]
            for t, part in self.split(level):
                found[t] = modes[:, part]
        return found

    def modes_of(self, state: NestedState, weights: FloatArray, term: int) -> FloatArray:
        """Posterior modes of one term for several [X y] weights, (p + 1, m): (n_t, q_t, m)."""
        level, blocks, psi = next(one for one in self._down(state, weights) if term in one[0].terms)
        return _modes(level, blocks, psi)[:, dict(self.split(level))[term]]

    def scores(self, state: NestedState) -> list[FloatArray]:
        """F = Z_t'V^-1[X y] of every group, per term (n_t, q_t, p + 1)."""
        found: list[FloatArray] = [np.empty(0)] * self.n_terms
        for level, blocks, psi in self._down(state, np.eye(len(self.xy))):
            scores = np.empty((level.n, blocks.nb.shape[0], len(self.xy)))
            scores[level.position] = np.moveaxis(multiply(blocks.nb, psi), 2, 0)
            for t, part in self.split(level):
                found[t] = scores[:, part]
        return found

    def posterior_variances(self, state: NestedState) -> list[FloatArray]:
        """Unscaled conditional covariances given beta, per term (n_t, q_t, q_t)."""
        found: list[FloatArray] = [np.empty(0)] * self.n_terms
        start = np.zeros((self.d, self.d, 1))
        received = self.descend(state, start, np.zeros((self.d, 0, 1)))
        for level, blocks, (moment, _) in zip(self.levels, state.levels, received, strict=True):
            kb = blocks.kb
            spread = multiply(multiply(kb, moment[:, :, level.parent]), np.swapaxes(kb, 0, 1))
            variances = np.empty((level.n, *blocks.k.shape[:2]))
            variances[level.position] = np.moveaxis(blocks.k + spread, 2, 0)
            for t, part in self.split(level):
                found[t] = variances[:, part, part]
        return found


def _modes(level: Level, blocks: LevelState, psi: FloatArray) -> FloatArray:
    """K B psi of every group of a level, in the order of its groups, (n, q, m)."""
    modes = np.empty((level.n, blocks.k.shape[0], psi.shape[1]))
    modes[level.position] = np.moveaxis(multiply(blocks.k, multiply(blocks.b, psi)), 2, 0)
    return modes


def _embedded(level: Level, rows: FloatArray) -> FloatArray:
    """T times rows over a level's random columns: (q, m, n) -> (d, m, n)."""
    q, m, n = rows.shape
    found: FloatArray = (level.base @ rows.reshape(q, m * n)).reshape(len(level.base), m, n)
    return found


def _quadratic(nb: FloatArray, moment: FloatArray, level: Level) -> FloatArray:
    """Sum over groups of N moment N', (q, q), the moment (d, d, n_parents) taken from the parent."""
    q, d, n = nb.shape
    if level.n_parents == 1:
        flat = nb.reshape(q * d, n)
        products = (flat @ flat.T).reshape(q, d, q, d)
        result: FloatArray = np.einsum("iajb,ab->ij", products, moment[:, :, 0])
        return result
    total = nb.reshape(q, d * n) @ by_parent(moment, nb, level.starts).reshape(q, d * n).T
    return np.asarray(0.5 * (total + total.T))
