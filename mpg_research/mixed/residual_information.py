"""What a residual structure's parameters carry into the derivatives of S and log|V|.

V = Z G Z' + R(delta) is not linear in delta, so that besides P and Q (see :mod:`derivatives`) the second
derivatives R_kl count, as directions of their own (Kenward & Roger 2009, 10.1016/j.csda.2008.12.013).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .derivatives import Carried, Derivatives, Directions, nested_derivatives
from .group_algebra import outer_sum
from .nested import NestedRoute
from .residual_rows import BoundSerial, BoundVariance

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
    structure, delta = engine.structure, engine.delta(internal)
    n_random, k = sum(len(own) for own in directions), delta.size
    pieces = (
        _variance_pieces(engine, structure, delta)
        if isinstance(structure, BoundVariance)
        else _serial_pieces(engine, structure, delta)
    )
    p, q, bend, traces, traces_2, bend_traces = pieces
    places = list(range(n_random, n_random + k))
    # each parameter has one second derivative that is not zero: its own
    extra = list(range(n_random + k, n_random + 2 * k))
    count = n_random + 2 * k
    trace, trace_2 = np.zeros(count), np.zeros((count, count))
    trace[places], trace[extra] = traces, bend_traces
    trace_2[places, places] = traces_2
    carried = Carried(places + extra, [(i, i) for i in places], np.concatenate([p, bend]), q)
    raw = nested_derivatives(engine.route, state, directions, carried, (trace, trace_2))
    keep = n_random + k
    e = state.s.shape[0]
    bends, bend_trace = np.zeros((keep, keep, e, e)), np.zeros((keep, keep))
    for place, other in zip(places, extra, strict=True):
        bends[place, place] = raw.p[other]
        bend_trace[place, place] = raw.trace[other]
    first = Derivatives(raw.p[:keep], raw.q[:keep, :keep], raw.trace[:keep], raw.trace_2[:keep, :keep])
    return StructuredDerivatives(first, bends, bend_trace)


def _group_products(engine: "Engine", omega: FloatArray, link: FloatArray) -> FloatArray:
    """D'(row weights)D per group of the finest level, (d, d, n); weights in the order of the problem."""
    assert isinstance(engine.route, NestedRoute)
    assert engine.structure is not None
    rows, previous = engine.route.rows, engine.structure.previous
    order = np.arange(omega.size) if rows.order is None else rows.order
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    before = np.where(previous >= 0, place[previous], 0)[order]
    own = outer_sum(rows.base, omega[order] * rows.base, rows.starts)
    across = outer_sum(rows.base, link[order] * rows.base[:, before], rows.starts)
    return own - across - np.swapaxes(across, 0, 1)


Pieces = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]


def _variance_pieces(engine: "Engine", structure: BoundVariance, delta: FloatArray) -> Pieces:
    """R is diagonal with exp(2 delta_s): dR_s = 2 R and d2R_ss = 4 R on the rows of stratum s."""
    found = structure.weights(delta)
    nothing = np.zeros_like(found.omega)
    p = np.array([_group_products(engine, -own, nothing) for own in found.d_omega])
    counts = 0.5 * found.d_log_det
    return p, 2.0 * p, 2.0 * p, 2.0 * counts, 4.0 * counts, 4.0 * counts


def _serial_pieces(engine: "Engine", structure: Any, delta: FloatArray) -> Pieces:
    """One correlation parameter: P, Q = E'R E with E = -d(R^-1) D, and the bend Q + Q' - d2(D'R^-1 D)."""
    assert isinstance(structure, BoundSerial)
    found = structure.weights(delta)
    a, d1, d2 = structure.correlations(delta)
    u = 1.0 / (1.0 - a * a)
    share = (2.0 * u**2 + 8.0 * a**2 * u**3) * d1**2 + 2.0 * a * u**2 * d2
    d2_link = (2.0 * a * u**2 + 4.0 * a * (1.0 + a**2) * u**3) * d1**2 + (1.0 + a**2) * u**2 * d2
    d2_omega = structure.spread(share)
    d2_log_det = float(np.sum((-2.0 * u - 4.0 * a**2 * u**2) * d1**2 - 2.0 * a * u * d2))
    p = -_group_products(engine, found.d_omega[0], found.d_link[0])
    q = _sandwich(engine, structure, found.d_omega[0], found.d_link[0], a, u)
    bend = 2.0 * q - _group_products(engine, d2_omega, d2_link)
    trace_2 = 2.0 * float(np.sum((1.0 + a**2) * u**2 * d1**2))
    return (
        p[None],
        q[None],
        bend[None],
        found.d_log_det,
        np.array([trace_2]),
        np.array([d2_log_det + trace_2]),
    )


def _sandwich(
    engine: "Engine",
    structure: BoundSerial,
    d_omega: FloatArray,
    d_link: FloatArray,
    a: FloatArray,
    u: FloatArray,
) -> FloatArray:
    """D'dR^-1 R dR^-1 D per group: R = (W'W)^-1, so squares of W'^-1 dR^-1 D, solved backwards in time."""
    assert isinstance(engine.route, NestedRoute)
    rows = engine.route.rows
    order = np.arange(a.size) if rows.order is None else rows.order
    base = np.empty_like(rows.base)
    base[:, order] = rows.base
    previous = structure.previous
    linked = np.flatnonzero(previous >= 0)
    e = d_omega * base
    e[:, linked] -= d_link[linked] * base[:, previous[linked]]
    np.subtract.at(e.T, previous[linked], (d_link[linked] * base[:, linked]).T)
    following = np.full(a.size, -1, dtype=np.intp)
    following[previous[linked]] = linked
    root = np.sqrt(u)
    x = np.zeros_like(e)
    now = np.flatnonzero(following < 0)
    while now.size:
        after = following[now]
        carried = np.where(after >= 0, a[after] * root[after], 0.0) * x[:, after]
        # rows without a predecessor have a = 0, so u = 1
        x[:, now] = (e[:, now] + carried) / root[now]
        now = previous[now]
        now = now[now >= 0]
    return outer_sum(x[:, order], x[:, order], rows.starts)
