"""What a residual structure's parameters carry into the derivatives of S and log|V|.

V = Z G Z' + R(delta) is not linear in delta, so that besides P and Q (see :mod:`derivatives`) the second
derivatives R_kl count, as directions of their own (Kenward & Roger 2009, 10.1016/j.csda.2008.12.013).
With E_k = d(R^-1)_k D: P_k = -D'E_k, Q_kl = E_k'R E_l, and the bend of a pair is
Q_kl + Q_lk - D'd2(R^-1)_kl D.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .derivatives import Carried, Derivatives, Directions, nested_derivatives
from .group_algebra import outer_sum
from .nested import NestedRoute
from .residual_rows import BoundResidual
from .residual_weights import Entries

if TYPE_CHECKING:
    from .engine import Engine

__all__ = ["StructuredDerivatives", "structured_derivatives"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class StructuredDerivatives:
    """Derivatives in the random directions, then delta.

    Attributes
    ----------
    first : Derivatives
        P, Q and traces over all k parameters.
    bend : array, shape (k, k, p+1, p+1)
        [X y]'V^-1 (d2V_ij) V^-1 [X y]; zero except among delta.
    bend_trace : array, shape (k, k)
        tr(V^-1 d2V_ij).
    """

    first: Derivatives
    bend: FloatArray
    bend_trace: FloatArray


def structured_derivatives(
    engine: "Engine", state: Any, directions: Directions, internal: FloatArray
) -> StructuredDerivatives:
    """Derivatives at a state of the nested route, the residual structure's parameters included."""
    assert isinstance(engine.route, NestedRoute)
    assert engine.structure is not None
    structure, delta = engine.structure, engine.delta(internal)
    start, k = sum(len(own) for own in directions), delta.size
    keep = start + k
    pairs = [(i, j) for i in range(k) for j in range(i, k)]
    p, q = _first_products(engine, structure, delta, pairs)
    # without serial correlation R is diagonal and two strata share no row
    bent = [m for m, (i, j) in enumerate(pairs) if i == j or structure.serial is not None]
    bend = _bends(engine, structure, delta, [pairs[m] for m in bent], q[bent])
    product, curvature = structure.traces(delta)
    count = keep + len(bent)
    trace, trace_2 = np.zeros(count), np.zeros((count, count))
    trace[start:keep] = structure.weights(delta).d_log_det
    trace_2[start:keep, start:keep] = np.triu(product)
    trace[keep:] = [(curvature + product)[pairs[m]] for m in bent]
    carried = Carried(
        list(range(start, count)), [(start + i, start + j) for i, j in pairs], np.concatenate([p, bend]), q
    )
    raw = nested_derivatives(engine.route, state, directions, carried, (trace, trace_2))
    e = state.s.shape[0]
    bends, bend_trace = np.zeros((keep, keep, e, e)), np.zeros((keep, keep))
    for place, m in enumerate(bent, start=keep):
        i, j = (start + one for one in pairs[m])
        bends[i, j] = bends[j, i] = raw.p[place]
        bend_trace[i, j] = bend_trace[j, i] = raw.trace[place]
    first = Derivatives(raw.p[:keep], raw.q[:keep, :keep], raw.trace[:keep], raw.trace_2[:keep, :keep])
    return StructuredDerivatives(first, bends, bend_trace)


def _times(previous: IntArray, entries: Entries, base: FloatArray) -> FloatArray:
    """A matrix given by row weights, times D; D (d, n) in the order of the problem."""
    omega, link = entries
    linked = np.flatnonzero(previous >= 0)
    before = previous[linked]
    product = omega * base
    product[:, linked] -= link[linked] * base[:, before]
    # no row comes before two others
    product[:, before] -= link[linked] * base[:, linked]
    return product


def _base(engine: "Engine") -> tuple[FloatArray, IntArray]:
    """D in the order of the problem, (d, n), and the order that sorts its rows."""
    assert isinstance(engine.route, NestedRoute)
    rows = engine.route.rows
    order = np.arange(rows.base.shape[1]) if rows.order is None else rows.order
    base = np.empty_like(rows.base)
    base[:, order] = rows.base
    return base, order


def _first_products(
    engine: "Engine", structure: BoundResidual, delta: FloatArray, pairs: list[tuple[int, int]]
) -> tuple[FloatArray, FloatArray]:
    """P (k, d, d, n) and, of each pair of parameters, Q (pairs, d, d, n), per group of the finest level."""
    assert isinstance(engine.route, NestedRoute)
    rows, found = engine.route.rows, structure.weights(delta)
    base, order = _base(engine)
    moved = [
        _times(structure.previous, (d_omega, d_link), base)
        for d_omega, d_link in zip(found.d_omega, found.d_link, strict=True)
    ]
    p = np.array([-outer_sum(rows.base, one[:, order], rows.starts) for one in moved])
    halves = [half[:, order] for half in _half_of_r(structure, delta, moved)]
    q = np.array([outer_sum(halves[i], halves[j], rows.starts) for i, j in pairs])
    return p, q


def _bends(
    engine: "Engine", structure: BoundResidual, delta: FloatArray, pairs: list[tuple[int, int]], q: FloatArray
) -> FloatArray:
    """Q + Q' less D'd2(R^-1)D, of each pair, (pairs, d, d, n)."""
    assert isinstance(engine.route, NestedRoute)
    rows = engine.route.rows
    base, order = _base(engine)
    second = [_times(structure.previous, structure.bend(delta, i, j), base)[:, order] for i, j in pairs]
    curved: FloatArray = np.array([outer_sum(rows.base, one, rows.starts) for one in second])
    bends: FloatArray = q + np.swapaxes(q, 1, 2) - curved
    return bends


def _half_of_r(structure: BoundResidual, delta: FloatArray, columns: list[FloatArray]) -> list[FloatArray]:
    """W'^-1 S E for each E (d, n): R = S (W'W)^-1 S, so that E'R E is their product.

    W' is solved backwards in time, all series at once.
    """
    scaled = [structure.deviations(delta) * e for e in columns]
    if structure.serial is None:
        return scaled
    links = structure.serial.links(delta)
    a, root, previous = links.a, np.sqrt(links.u), links.previous
    linked = np.flatnonzero(previous >= 0)
    following = np.full(a.size, -1, dtype=np.intp)
    following[previous[linked]] = linked
    e = np.concatenate(scaled)
    x = np.zeros_like(e)
    now = np.flatnonzero(following < 0)
    while now.size:
        after = following[now]
        carried = np.where(after >= 0, a[after] * root[after], 0.0) * x[:, after]
        # rows without a predecessor have a = 0, so u = 1
        x[:, now] = (e[:, now] + carried) / root[now]
        now = previous[now]
        now = now[now >= 0]
    return np.split(x, len(columns))
