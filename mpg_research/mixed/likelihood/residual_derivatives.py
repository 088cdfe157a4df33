"""What a residual structure's parameters carry into the derivatives of S and log|V|.

V = Z G Z' + R(delta) is not linear in delta, so that besides P and Q (see :mod:`derivatives`) the second
derivatives R_kl count, as directions of their own (Kenward & Roger 2009, 10.1016/j.csda.2008.12.013).

The finest level is done by rows. With M = R^-1 - R^-1 Z K Z'R^-1 the inverse at that level, U = R M D,
E_k the derivative of R^-1 and F_kl = R^-1 R_kl R^-1 = E_k R E_l + E_l R E_k - d2(R^-1)_kl:

* P_k = -U'E_k U and P_kl = U'F_kl U;
* Q_ab = (A U)'(R - Z K Z')(B U) for two of these, A and B being -E or F; with an entry i of the level's own
  covariance Q_ai = (A U)'Z (I - K A_z) E_i N, A_z = Z'R^-1 Z;
* tr(M R_a) = tr(R^-1 R_a) - tr(K Z'A Z), tr(M R_a M R_b) = tr(R^-1 R_a R^-1 R_b) - 2 tr(K Z'A R B Z)
  + tr(K Z'A Z K Z'B Z), and tr(M R_a M V_i) = tr(E_i (I - K A_z)'Z'A Z (I - K A_z)).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray
from mpg_research.mixed.covariance.protocol import BoundResidual
from mpg_research.mixed.likelihood.derivatives import (
    Carried,
    Derivatives,
    Directions,
    nested_derivatives,
    own_directions,
    own_products,
    term_places,
)
from mpg_research.mixed.likelihood.group_algebra import multiply, segments
from mpg_research.mixed.likelihood.nested_route import NestedRoute
from mpg_research.mixed.likelihood.residual_sweep import family_sums, parent_sums, taken_away

if TYPE_CHECKING:
    from mpg_research.mixed.likelihood.engine import Engine

__all__ = ["StructuredDerivatives", "direction_traces", "structured_derivatives"]


@dataclass(frozen=True, slots=True)
class StructuredDerivatives:
    """Derivatives in the random directions, then delta, then the second derivatives of R.

    Attributes
    ----------
    first : Derivatives
        Over all of them; pairs of two second derivatives are left zero.
    n_parameters : int
        Random directions and delta together.
    bends : list of (int, int)
        The two parameters of each second derivative that is not zero.
    pairs_known : bool
        Whether the traces of a second derivative with a parameter are at hand; they are left zero otherwise.
    """

    first: Derivatives
    n_parameters: int
    bends: list[tuple[int, int]]
    pairs_known: bool


def structured_derivatives(
    engine: "Engine", state: Any, directions: Directions, internal: FloatArray, *, with_bends: bool = True
) -> StructuredDerivatives:
    """Derivatives at a state of the nested route, the residual structure's parameters included.

    ``with_bends=False`` leaves the second derivatives of R out.
    """
    route = engine.route
    assert isinstance(route, NestedRoute)
    residual, delta = engine.residual, engine.delta(internal)
    start, k = sum(len(own) for own in directions), delta.size
    keep = start + k
    pairs = [(i, j) for i in range(k) for j in range(i, k) if with_bends and residual.bends(i, j)]
    count = keep + len(pairs)
    trace, trace_2 = np.zeros(count), np.zeros((count, count))
    rows, level, blocks = route.rows, route.levels[0], state.levels[0]
    u = taken_away(rows, rows.base, blocks.kb)
    by_u, half_u = residual.turned(delta, u, pairs)
    by_z, half_z = residual.turned(delta, rows.z, pairs)
    sums_u = [family_sums(rows, rows.z, one) for one in by_u]
    sums_z = [family_sums(rows, rows.z, one) for one in by_z]
    weighted_u = [multiply(blocks.k, one) for one in sums_u]
    weighted_z = [multiply(blocks.k, one) for one in sums_z]
    p = np.array([parent_sums(u, one, rows.parent_starts) for one in by_u])
    met = [(a, b) for a in range(k) for b in range(a, k + len(pairs))]
    q = np.array(
        [
            parent_sums(half_u[a], half_u[b], rows.parent_starts)
            - _between(sums_u[a], weighted_u[b], level.starts)
            for a, b in met
        ]
    )
    alone, both, known = direction_traces(residual, delta, pairs)
    for a in range(k + len(pairs)):
        trace[start + a] = alone[a] - np.einsum("iin->", weighted_z[a])
    for a, b in met:
        inside = family_sums(rows, half_z[a], half_z[b])
        trace_2[start + a, start + b] = (
            both[a, b]
            - 2.0 * np.sum(blocks.k * inside)
            + np.einsum("ijn,jin->", weighted_z[a], weighted_z[b])
        )
    own, matrices = own_directions(route, level, directions, term_places(directions))
    found = own_products(level, blocks, own, matrices, trace, trace_2)
    size = len(rows.z)
    shrink = np.eye(size)[:, :, None] - multiply(blocks.k, blocks.a)
    left = [multiply(np.swapaxes(shrink, 0, 1), one) for one in sums_u]
    right = np.tensordot(matrices, blocks.nb, axes=(2, 0))
    joint, joint_pairs = [], []
    for a in range(k + len(pairs)):
        middle = multiply(multiply(np.swapaxes(shrink, 0, 1), sums_z[a]), shrink).sum(axis=2)
        for b, place in enumerate(own):
            joint.append(_between(left[a], right[b], level.starts))
            joint_pairs.append((start + a, place))
            trace_2[place, start + a] = np.sum(matrices[b] * middle)
    carried = Carried(
        [*found.places, *range(start, count)],
        [*found.pairs, *joint_pairs, *((start + a, start + b) for a, b in met)],
        np.concatenate([found.p, p]),
        np.concatenate([found.q, *([np.array(joint)] if joint else []), q]),
    )
    raw = nested_derivatives(route, state, directions, carried, (trace, trace_2))
    return StructuredDerivatives(raw, keep, [(start + i, start + j) for i, j in pairs], known)


def direction_traces(
    residual: BoundResidual, delta: FloatArray, pairs: list[tuple[int, int]]
) -> tuple[FloatArray, FloatArray, bool]:
    """tr(R^-1 R_a), and tr(R^-1 R_a R^-1 R_b) where a is a parameter: whether at hand for a pair b too."""
    product, bent, third = residual.traces(delta, pairs)
    k = delta.size
    alone = np.append(residual.d_log_det(delta), bent)
    both = np.zeros((k, alone.size))
    both[:, :k] = product
    if third is not None:
        both[:, k:] = third
    return alone, both, third is not None


def _between(left: FloatArray, right: FloatArray, starts: NDArray[np.intp]) -> FloatArray:
    """Sum over q and each parent's children of left_qa right_qb: -> (d, d, n_parents)."""
    if starts.size == 1:
        flat: FloatArray = np.tensordot(left, right, axes=([0, 2], [0, 2]))
        return flat[:, :, None]
    return segments(multiply(np.swapaxes(left, 0, 1), right), starts)
