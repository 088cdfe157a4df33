"""First and second derivatives of S = [X y]'V^-1[X y] and log|V|, through the same elimination.

V = I + sum of Z_t G_t Z_t' is linear in the entries of G_t, so with V_i = Z E_i Z' for a direction E_i and
M = V^-1: dS_i = -P_i, P_i = D'M V_i M D; d2S_ij = Q_ij + Q_ji, Q_ij = D'M V_i M V_j M D = Q_ji';
dlog|V|_i = tr(M V_i); d2log|V|_ij = -tr(M V_i M V_j).

One level adds Z G Z': with K and N as in the sweep, H = Z'M Z and the transfer U = I - T K B (so that
M D = V0^-1 D U), the quantities below it become

* P_i -> U'P_i U,  Q_ij -> U'(Q_ij - P_i Z K Z'P_j) U,
* Q_ij = U'P_i U_z E_j N for j of this level, Q_ij = N'E_i H E_j N for both of this level,

where "Z" picks the level's columns out of D. Traces follow the same way.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .crossed import CrossedRoute, CrossedState, block_diagonal
from .nested import Level, LevelState, NestedRoute, NestedState, multiply, outer_sum, segments

__all__ = ["Derivatives", "crossed_derivatives", "nested_derivatives"]

FloatArray = NDArray[np.float64]
Directions = list[list[FloatArray]]


@dataclass(frozen=True, slots=True)
class Derivatives:
    """Derivatives in the direction parameters, in the order of the terms.

    Attributes
    ----------
    p : array, shape (k, p+1, p+1)
        P_i = -dS_i.
    q : array, shape (k, k, p+1, p+1)
        Q_ij, with d2S_ij = Q_ij + Q_ji and Q_ji = Q_ij'.
    trace : array, shape (k,)
        tr(V^-1 V_i).
    trace_2 : array, shape (k, k)
        tr(V^-1 V_i V^-1 V_j).
    """

    p: FloatArray
    q: FloatArray
    trace: FloatArray
    trace_2: FloatArray


def _places(directions: Directions) -> list[list[int]]:
    found, start = [], 0
    for own in directions:
        found.append(list(range(start, start + len(own))))
        start += len(own)
    return found


def nested_derivatives(route: NestedRoute, state: NestedState, directions: Directions) -> Derivatives:
    """Derivatives for nested levels; ``directions`` lists per term its (q_t, q_t) matrices E_i."""
    places = _places(directions)
    count = sum(len(own) for own in directions)
    trace, trace_2 = np.zeros(count), np.zeros((count, count))
    low: list[int] = []
    p: dict[int, FloatArray] = {}
    q: dict[tuple[int, int], FloatArray] = {}
    for level, blocks in zip(route.levels, state.levels, strict=True):
        own, matrices = _own_directions(route, level, directions, places)
        if low:
            _lift(level, blocks, low, p, q, own, matrices, trace, trace_2)
            for key in p:
                p[key] = segments(p[key], level.starts)
            for pair in q:
                q[pair] = segments(q[pair], level.starts)
        _add_own(level, blocks, own, matrices, p, q, trace, trace_2)
        low = low + own
    e = len(route.xy)
    p_all, q_all = np.empty((count, e, e)), np.empty((count, count, e, e))
    pick = np.ix_(route.xy, route.xy)
    for key, value in p.items():
        p_all[key] = value[:, :, 0][pick]
    for (i, j), value in q.items():
        q_all[i, j] = value[:, :, 0][pick]
        q_all[j, i] = q_all[i, j].T
    return Derivatives(p_all, q_all, trace, trace_2 + np.triu(trace_2, 1).T)


def _own_directions(
    route: NestedRoute, level: Level, directions: Directions, places: list[list[int]]
) -> tuple[list[int], list[FloatArray]]:
    """Parameters of a level and their directions, embedded in the level's columns."""
    size = level.base.shape[1]
    own, matrices = [], []
    for t, part in route.split(level):
        for place, direction in zip(places[t], directions[t], strict=True):
            wide = np.zeros((size, size))
            wide[part, part] = direction
            own.append(place)
            matrices.append(wide)
    return own, matrices


def _pairs(own: list[int]) -> list[tuple[int, int]]:
    return [(a, b) for a in range(len(own)) for b in range(a, len(own))]


def _add_own(
    level: Level,
    blocks: LevelState,
    own: list[int],
    matrices: list[FloatArray],
    p: dict[int, FloatArray],
    q: dict[tuple[int, int], FloatArray],
    trace: FloatArray,
    trace_2: FloatArray,
) -> None:
    """P, Q and traces of a level's own parameters, summed over its groups to their parents."""
    if not own:
        return
    size, d, n = blocks.nb.shape
    nb = blocks.nb
    flat = nb.reshape(size * d, n)
    plain = outer_sum(flat, flat, level.starts).reshape(size, d, size, d, -1)
    h_sum = blocks.h.sum(axis=2)
    wide_h = blocks.h.reshape(size * size, n)
    hh = (wide_h @ wide_h.T).reshape(size, size, size, size)
    for place, matrix in zip(own, matrices, strict=True):
        p[place] = np.einsum("satbn,st->abn", plain, matrix, optimize=True)
        trace[place] = float(np.sum(h_sum * matrix))
    weighted = np.empty((size, size, size, d, size, d, level.n_parents))
    for u in range(size):
        for v in range(u + 1):
            sums = outer_sum(flat, blocks.h[u, v] * flat, level.starts).reshape(size, d, size, d, -1)
            weighted[u, v] = sums
            weighted[v, u] = sums
    for a, b in _pairs(own):
        # N'E_i H E_j N = sum over s, u, v, t of E_i[s, u] E_j[v, t] N_s H_uv N_t
        value = np.einsum("uvsatbn,su,vt->abn", weighted, matrices[a], matrices[b], optimize=True)
        _put(q, own[a], own[b], value)
        trace_2[min(own[a], own[b]), max(own[a], own[b])] = float(
            np.einsum("ustv,st,vu->", hh, matrices[a], matrices[b], optimize=True)
        )


def _put(q: dict[tuple[int, int], FloatArray], i: int, j: int, value: FloatArray) -> None:
    """Store Q_ij under the ordered pair."""
    if i <= j:
        q[i, j] = value
    else:
        q[j, i] = np.swapaxes(value, 0, 1)


def _get(q: dict[tuple[int, int], FloatArray], i: int, j: int) -> FloatArray:
    return q[i, j] if i <= j else np.swapaxes(q[j, i], 0, 1)


def _lift(
    level: Level,
    blocks: LevelState,
    low: list[int],
    p: dict[int, FloatArray],
    q: dict[tuple[int, int], FloatArray],
    own: list[int],
    matrices: list[FloatArray],
    trace: FloatArray,
    trace_2: FloatArray,
) -> None:
    """Carry the lower levels' P, Q and traces through a level's elimination (per group, before summing)."""
    base, k = level.base, blocks.k
    kb = multiply(k, blocks.b)
    transfer = np.eye(base.shape[0])[:, :, None] - np.tensordot(base, kb, axes=(1, 0))
    back = np.swapaxes(transfer, 0, 1)
    transfer_z = np.einsum("dan,aq->dqn", transfer, base)
    pz = {i: np.einsum("abn,bq->aqn", p[i], base) for i in low}
    kpz = {i: multiply(k, np.einsum("aq,arn->qrn", base, pz[i])) for i in low}
    for a, i in enumerate(low):
        for j in low[a:]:
            own_q = _get(q, i, j)
            zqz = np.einsum("aq,abn,br->qrn", base, own_q, base, optimize=True)
            trace_2[min(i, j), max(i, j)] += float(
                np.einsum("qrn,rqn->", kpz[i], kpz[j]) - 2.0 * np.einsum("qrn,qrn->", k, zqz)
            )
            inner = own_q - multiply(multiply(pz[i], k), np.swapaxes(pz[j], 0, 1))
            _put(q, i, j, multiply(multiply(back, inner), transfer))
    for i in low:
        trace[i] -= float(np.einsum("qqn->", kpz[i]))
        half = multiply(multiply(back, p[i]), transfer_z)
        zpz = np.einsum("dqn,drn->qrn", transfer_z, multiply(p[i], transfer_z)).sum(axis=2)
        for place, matrix in zip(own, matrices, strict=True):
            trace_2[min(i, place), max(i, place)] += float(np.sum(zpz * matrix))
            right = np.tensordot(matrix, blocks.nb, axes=(1, 0))
            _put(q, i, place, multiply(half, right))
        p[i] = multiply(multiply(back, p[i]), transfer)


def crossed_derivatives(route: CrossedRoute, state: CrossedState, directions: Directions) -> Derivatives:
    """Derivatives for crossed factors: blocks for the eliminated factor, dense matrices for the rest."""
    places = _places(directions)
    count, m, e = sum(len(own) for own in directions), route.m, route.e
    trace, trace_2 = np.zeros(count), np.zeros((count, count))
    q_all, p_all = np.zeros((count, count, e, e)), np.zeros((count, e, e))
    own = [(places[t][i], t, i) for t in route.first for i in range(len(directions[t]))]
    blocks = []
    for _, t, i in own:
        wide = np.zeros((route.q0, route.q0))
        part = route.first_slice(t)
        wide[part, part] = directions[t][i]
        blocks.append(wide)
    h0 = route.a0 - route.a0 @ state.k0 @ route.a0
    transfer_0 = block_diagonal(np.eye(route.q0) - route.a0 @ state.k0)
    wide_b = sparse.hstack([route.b0z, sparse.csr_matrix(route.b0f.reshape(-1, e))], format="csr")
    n0 = (transfer_0 @ wide_b).tocsr()
    p0 = {}
    for (place, _, _), matrix in zip(own, blocks, strict=True):
        repeated = block_diagonal(np.broadcast_to(matrix, h0.shape).copy())
        p0[place] = (n0.T @ (repeated @ n0)).toarray()
        trace[place] = float(np.sum(h0 * matrix))
    q0 = {}
    for a, b in _pairs([place for place, _, _ in own]):
        middle = block_diagonal(blocks[a] @ h0 @ blocks[b])
        q0[own[a][0], own[b][0]] = (n0.T @ (middle @ n0)).toarray()
        trace_2[own[a][0], own[b][0]] = float(np.einsum("gij,gji->", h0 @ blocks[a], h0 @ blocks[b]))
    k, d_zz, d_zf = state.kc, state.d_zz, state.d_zf
    transfer = np.concatenate([-(k @ d_zf), np.eye(e)], axis=0)
    f_c = d_zf - d_zz @ (k @ d_zf)
    h_c = d_zz - d_zz @ k @ d_zz
    shrink = np.eye(m) - k @ d_zz
    kp = {i: k @ p0[i][:m, :m] for i in p0}
    pt = {i: p0[i] @ transfer for i in p0}
    for (i, j), value in q0.items():
        trace_2[i, j] += float(np.sum(kp[i] * kp[j].T) - 2.0 * np.sum(k * value[:m, :m]))
        q_all[i, j] = transfer.T @ value @ transfer - pt[i][:m].T @ k @ pt[j][:m]
    rest = [(places[t][i], t, directions[t][i]) for t in route.rest for i in range(len(directions[t]))]
    ef = {place: route.rest_direction(t, matrix, f_c) for place, t, matrix in rest}
    for i in p0:
        trace[i] -= float(np.trace(kp[i]))
        p_all[i] = transfer.T @ pt[i]
        half = pt[i][:m].T @ shrink
        zpz = shrink.T @ p0[i][:m, :m] @ shrink
        for place, t, matrix in rest:
            trace_2[i, place] = float(np.trace(route.rest_direction(t, matrix, zpz)))
            q_all[i, place] = half @ ef[place]
    eh = {place: route.rest_direction(t, matrix, h_c) for place, t, matrix in rest}
    for a, (i, _, _) in enumerate(rest):
        trace[i] = float(np.trace(eh[i]))
        p_all[i] = f_c.T @ ef[i]
        for j, _, _ in rest[a:]:
            trace_2[i, j] = float(np.sum(eh[i] * eh[j].T))
            q_all[i, j] = ef[i].T @ h_c @ ef[j]
    return _mirrored(p_all, q_all, trace, trace_2)


def _mirrored(p: FloatArray, q: FloatArray, trace: FloatArray, trace_2: FloatArray) -> Derivatives:
    """Fill in the transposed pairs; each pair was computed in one of its two orders."""
    count = trace.size
    for i in range(count):
        for j in range(count):
            if i != j and not np.any(q[i, j]) and np.any(q[j, i]):
                q[i, j] = q[j, i].T
                trace_2[i, j] = trace_2[j, i]
    return Derivatives(p, q, trace, trace_2)
