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

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mpg_research.arrays import FloatArray
from mpg_research.mixed.likelihood.crossed_route import CrossedRoute, CrossedState
from mpg_research.mixed.likelihood.group_algebra import multiply, segments
from mpg_research.mixed.likelihood.layout import Level
from mpg_research.mixed.likelihood.nested_route import LevelState, NestedRoute, NestedState
from mpg_research.mixed.likelihood.separate_route import SeparateRoute, SeparateState
from mpg_research.mixed.likelihood.sparse_blocks import as_dense, blocks_times

__all__ = [
    "Carried",
    "Derivatives",
    "Directions",
    "crossed_derivatives",
    "nested_derivatives",
    "own_directions",
    "own_products",
    "term_places",
]

Directions = list[list[FloatArray]]

# Of many groups so many are taken at once that their arrays hold about so many numbers.
_NUMBERS_AT_ONCE = 4_000_000


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


def term_places(directions: Directions) -> list[list[int]]:
    """The numbers of each term's parameters."""
    found, start = [], 0
    for own in directions:
        found.append(list(range(start, start + len(own))))
        start += len(own)
    return found


@dataclass(frozen=True, slots=True)
class Carried:
    """P (k, d, d, n) of the parameters met so far and Q (m, d, d, n) of their pairs, per group."""

    places: list[int]
    pairs: list[tuple[int, int]]
    p: FloatArray
    q: FloatArray


def nested_derivatives(
    route: NestedRoute,
    state: NestedState,
    directions: Directions,
    first: Carried | None = None,
    traces: tuple[FloatArray, FloatArray] | None = None,
) -> Derivatives:
    """Derivatives for nested levels.

    ``directions`` lists per term its (q_t, q_t) matrices E_i. Under a residual structure the finest level is
    done: its own parameters and the structure's come in as ``first``, summed to its parents, with their
    ``traces``, (k,) and (k, k) over all parameters.
    """
    if traces is None:
        count = sum(len(own) for own in directions)
        traces = np.zeros(count), np.zeros((count, count))
    trace, trace_2 = traces
    if first is None:
        pieces: Iterable[list[tuple[Level, LevelState]]] = _subtrees(route, state, trace.size)
    else:
        pieces = [list(zip(route.levels, state.levels, strict=True))[1:]]
    parts = [_carried_up(piece, route, directions, first, trace, trace_2) for piece in pieces]
    carried = parts[0]
    p, q = (
        route.roots(np.moveaxis(sum(one[1:], one[0]), 0, 2))
        for one in ([part.p for part in parts], [part.q for part in parts])
    )
    e, count = p.shape[-1], trace.size
    p_all, q_all = np.zeros((count, e, e)), np.zeros((count, count, e, e))
    p_all[carried.places] = p
    for (i, j), own in zip(carried.pairs, q, strict=True):
        q_all[i, j] = own
        q_all[j, i] = own.T
    return Derivatives(p_all, q_all, trace, np.triu(trace_2) + np.triu(trace_2, 1).T)


def _carried_up(
    levels: list[tuple[Level, LevelState]],
    route: NestedRoute,
    directions: Directions,
    first: Carried | None,
    trace: FloatArray,
    trace_2: FloatArray,
) -> Carried:
    """P and Q of all parameters at the root, from these levels, with what came from below them."""
    carried, places = first, term_places(directions)
    for level, blocks in levels:
        own, matrices = own_directions(route, level, directions, places)
        found = own_products(level, blocks, own, matrices, trace, trace_2)
        if carried is not None and carried.places:
            found = _lifted(level, blocks, carried, found, matrices, trace, trace_2)
        # a level whose variances are all zero, with nothing below it either, leaves nothing behind
        carried = found
    assert carried is not None
    return carried


def _subtrees(route: NestedRoute, state: NestedState, count: int) -> Iterator[list[tuple[Level, LevelState]]]:
    """The levels by some groups of the coarsest at a time, so that what is carried of each stays small."""
    levels = list(zip(route.levels, state.levels, strict=True))
    if len(levels) == 1 or route.levels[-1].n_parents > 1:
        yield levels
        return
    carried = max(1, count * (count + 1) // 2 * route.levels[0].base.shape[0] ** 2)
    for spans in _pieces(route.levels, max(1, _NUMBERS_AT_ONCE // carried)):
        yield [
            (_level_within(level, here, above), _state_within(own, here))
            for (level, own), here, above in zip(levels, spans, [*spans[1:], slice(0, 1)], strict=True)
        ]


def _level_within(level: Level, here: slice, above: slice) -> Level:
    """Some groups of a level that have these parents, and no other groups have."""
    return replace(
        level,
        n=here.stop - here.start,
        position=level.position[here],
        parent=level.parent[here] - above.start,
        starts=np.maximum(level.starts[above] - here.start, 0),
    )


def _state_within(state: LevelState, here: slice) -> LevelState:
    return LevelState(*(getattr(state, name)[:, :, here] for name in LevelState.__slots__))


def _pieces(levels: list[Level], most: int) -> Iterator[list[slice]]:
    """Groups of each level, by coarsest groups with at most so many of the next level together."""
    top = levels[-1]
    below = np.append(levels[-2].starts, levels[-2].n)
    start = 0
    while start < top.n:
        stop = int(np.searchsorted(below, below[start] + most, side="right")) - 1
        stop = min(max(stop, start + 1), start + most, top.n)
        spans = [slice(start, stop)]
        for level in levels[-2::-1]:
            edges = np.append(level.starts, level.n)
            spans.insert(0, slice(int(edges[spans[0].start]), int(edges[spans[0].stop])))
        yield spans
        start = stop


def own_directions(
    route: NestedRoute, level: Level, directions: Directions, places: list[list[int]]
) -> tuple[list[int], FloatArray]:
    """Parameters of a level and their directions (k, q, q), embedded in the level's columns."""
    size = level.base.shape[1]
    own, matrices = [], []
    for t, part in route.split(level):
        for place, direction in zip(places[t], directions[t], strict=True):
            wide = np.zeros((size, size))
            wide[part, part] = direction
            own.append(place)
            matrices.append(wide)
    return own, np.array(matrices).reshape(len(own), size, size)


def _axes(matrices: FloatArray) -> FloatArray:
    """Orthonormal columns (q, r) that span the directions (k, q, q), apart where these are.

    Along a large variance N and H are small beside what they are across it: turned only after they were
    summed over groups they would drown in the rounding.
    """
    values, vectors = np.linalg.eigh(np.einsum("kab,kcb->ac", matrices, matrices))
    axes: FloatArray = vectors[:, values > 1e-28 * values[-1]]
    return axes


def _pairs(own: list[int]) -> list[tuple[int, int]]:
    return [(a, b) for a in range(len(own)) for b in range(a, len(own))]


def own_products(
    level: Level,
    blocks: LevelState,
    own: list[int],
    matrices: FloatArray,
    trace: FloatArray,
    trace_2: FloatArray,
) -> Carried:
    """P, Q and traces of a level's own parameters, summed over its groups to their parents."""
    size, d, n = blocks.nb.shape
    pairs = _pairs(own)
    if not own:
        return Carried([], [], np.zeros((0, d, d, level.n_parents)), np.zeros((0, d, d, level.n_parents)))
    axes = _axes(matrices)
    matrices, size = axes.T @ matrices @ axes, axes.shape[1]
    h = np.ascontiguousarray(np.einsum("ar,abn,bs->nrs", axes, blocks.h, axes, optimize=True))
    columns = np.ascontiguousarray(np.einsum("qr,qdn->nrd", axes, blocks.nb))
    wide_h = h.reshape(n, size * size)
    trace[own] += matrices.reshape(len(own), -1) @ wide_h.sum(axis=0)
    # tr(H E_i H E_j) = sum of H_us E_i[s, t] H_tv E_j[v, u]
    hh = (wide_h.T @ wide_h).reshape(size, size, size, size)
    squares = np.tensordot(np.tensordot(matrices, hh, axes=([1, 2], [1, 2])), matrices, ([1, 2], [2, 1]))
    for a, b in pairs:
        trace_2[min(own[a], own[b]), max(own[a], own[b])] += squares[a, b]
    first, second = (np.array(one) for one in zip(*pairs, strict=True))
    count = len(own) + len(pairs)
    sums = np.zeros((level.n_parents, d, count * d))
    edges = np.append(level.starts, n)
    at_once = max(1, _NUMBERS_AT_ONCE // (count * size * d))
    for start in range(0, n, at_once):
        stop = min(start + at_once, n)
        # E_i of each parameter, then E_i H E_j of each pair, times N: all at once
        between = np.empty((stop - start, size, count, size))
        between[:, :, : len(own)] = np.moveaxis(matrices, 0, 1)
        half = matrices[None] @ h[start:stop, None]
        between[:, :, len(own) :] = np.moveaxis(half[:, first] @ matrices[second], 1, 2)
        right = between.reshape(stop - start, size * count, size) @ columns[start:stop]
        wide = right.reshape((stop - start) * size, count * d)
        low, high = np.searchsorted(edges, [start, stop - 1], side="right") - 1
        for parent in range(int(low), int(high) + 1):
            one, last = max(int(edges[parent]), start), min(int(edges[parent + 1]), stop)
            left = columns[one:last].reshape((last - one) * size, d)
            sums[parent] += left.T @ wide[(one - start) * size : (last - start) * size]
    both = np.ascontiguousarray(np.moveaxis(sums.reshape(level.n_parents, d, count, d), (2, 0), (0, 3)))
    return Carried(own, [(own[a], own[b]) for a, b in pairs], both[: len(own)], both[len(own) :])


def _lifted(
    level: Level,
    blocks: LevelState,
    low: Carried,
    own: Carried,
    matrices: FloatArray,
    trace: FloatArray,
    trace_2: FloatArray,
) -> Carried:
    """Carry the lower parameters' P, Q and traces through a level, and join the level's own to them."""
    base, k, starts = level.base, blocks.k, level.starts
    p, q = low.p, low.q
    index = {place: i for i, place in enumerate(low.places)}
    first = [index[i] for i, _ in low.pairs]
    second = [index[j] for _, j in low.pairs]

    def lifted(one: FloatArray) -> FloatArray:
        """One times U, (..., d, d, n): less one T, times K B."""
        columns = np.einsum("...abn,bq->...aqn", one, base)
        return np.asarray(one - np.einsum("...aqn,qbn->...abn", columns, blocks.kb))

    u = np.eye(base.shape[0])[:, :, None] - np.tensordot(base, blocks.kb, axes=(1, 0))
    axes = _axes(matrices) if len(matrices) else np.eye(base.shape[1])
    matrices = axes.T @ matrices @ axes
    u_z = np.einsum("dan,aq->dqn", u, base @ axes)
    pz = np.einsum("kabn,bq->kaqn", p, base)
    kpz = np.einsum("qrn,krsn->kqsn", k, np.einsum("aq,karn->kqrn", base, pz))
    zqz = np.einsum("aq,marn->mqrn", base, np.einsum("mabn,br->marn", q, base))
    changes = np.einsum("mqrn,mrqn->m", kpz[first], kpz[second]) - 2.0 * np.einsum("qrn,mqrn->m", k, zqz)
    for (i, j), change in zip(low.pairs, changes, strict=True):
        trace_2[min(i, j), max(i, j)] += change
    trace[low.places] -= np.einsum("kqqn->k", kpz)
    pzk = np.einsum("qrn,kbrn->kqbn", k, pz)
    inner = q - np.einsum("maqn,mqbn->mabn", pz[first], pzk[second])
    new_q = np.swapaxes(lifted(np.swapaxes(lifted(inner), 1, 2)), 1, 2)
    back = np.swapaxes(lifted(np.swapaxes(p, 1, 2)), 1, 2)
    half = np.einsum("kcbn,bqn->kcqn", back, u_z)
    zpz = np.einsum("bqn,kbrn->kqr", u_z, np.einsum("kabn,brn->karn", p, u_z))
    shared = np.tensordot(zpz, matrices, axes=([1, 2], [1, 2]))
    right = np.tensordot(matrices, np.einsum("qr,qdn->rdn", axes, blocks.nb), axes=(2, 0))
    joint, pairs = [], []
    for a, i in enumerate(low.places):
        for b, j in enumerate(own.places):
            trace_2[min(i, j), max(i, j)] += shared[a, b]
            joint.append(segments(multiply(half[a], right[b]), starts))
            pairs.append((i, j))
    new_p = lifted(back)
    shared_q = np.array(joint).reshape(len(joint), *own.q.shape[1:])
    return Carried(
        low.places + own.places,
        low.pairs + pairs + own.pairs,
        np.concatenate([_summed(new_p, starts), own.p]),
        np.concatenate([_summed(new_q, starts), shared_q, own.q]),
    )


def _summed(blocks: FloatArray, starts: NDArray[np.intp]) -> FloatArray:
    """Sum over each parent's children along the last axis of (k, d, d, n)."""
    if starts.size == 1:
        total: FloatArray = blocks.sum(axis=3, keepdims=True)
        return total
    result: FloatArray = np.add.reduceat(blocks, starts, axis=3)
    return result


def crossed_derivatives(
    route: CrossedRoute | SeparateRoute, state: CrossedState | SeparateState, directions: Directions
) -> Derivatives:
    """Derivatives for crossed factors: blocks for the eliminated factor, dense matrices for the rest."""
    if isinstance(route, CrossedRoute):
        assert isinstance(state, CrossedState)
        return _derivatives_of_part(route, state, directions)
    assert isinstance(state, SeparateState)
    each = [
        _derivatives_of_part(part, own, directions)
        for part, own in zip(route.parts, state.parts, strict=True)
    ]
    return Derivatives(
        np.sum([own.p for own in each], axis=0),
        np.sum([own.q for own in each], axis=0),
        np.sum([own.trace for own in each], axis=0),
        np.sum([own.trace_2 for own in each], axis=0),
    )


def _derivatives_of_part(route: CrossedRoute, state: CrossedState, directions: Directions) -> Derivatives:
    places = term_places(directions)
    count, m, e = sum(len(own) for own in directions), route.m, route.e
    # each pair is computed in one of its two orders; the other is still NaN at the end
    trace, trace_2 = np.zeros(count), np.full((count, count), np.nan)
    q_all, p_all = np.zeros((count, count, e, e)), np.zeros((count, e, e))
    own = [(places[t][i], t, i) for t in route.first for i in range(len(directions[t]))]
    blocks = []
    for _, t, i in own:
        wide = np.zeros((route.q0, route.q0))
        part = route.first_slice(t)
        wide[part, part] = directions[t][i]
        blocks.append(wide)
    h0 = route.a0 - route.a0 @ state.k0 @ route.a0
    b0f = route.b0f.reshape(-1, e)
    wide_b: Any
    if isinstance(route.b0z, np.ndarray):
        wide_b = np.concatenate([route.b0z, b0f], axis=1)
    else:
        wide_b = sparse.hstack([route.b0z, sparse.csr_matrix(b0f)], format="csr")
    n0 = blocks_times(np.eye(route.q0) - route.a0 @ state.k0, wide_b)
    p0 = {}
    for (place, _, _), matrix in zip(own, blocks, strict=True):
        p0[place] = as_dense(n0.T @ blocks_times(np.broadcast_to(matrix, h0.shape), n0))
        trace[place] = float(np.sum(h0 * matrix))
    q0 = {}
    for a, b in _pairs([place for place, _, _ in own]):
        q0[own[a][0], own[b][0]] = as_dense(n0.T @ blocks_times(blocks[a] @ h0 @ blocks[b], n0))
        trace_2[own[a][0], own[b][0]] = float(np.einsum("gij,gji->", h0 @ blocks[a], h0 @ blocks[b]))
    k, d_zz, d_zf = state.kc, state.d_zz, state.d_zf
    transfer = np.concatenate([-(k @ d_zf), np.eye(e)], axis=0)
    f_c = d_zf - d_zz @ (k @ d_zf)
    inverses = route.rest_inverses(state)
    if inverses is None:
        shrink = np.eye(m) - k @ d_zz
        h_c = d_zz @ shrink
    else:
        # the same without products of dense blocks: I - K D = K G^-1 and H = Lambda'^-1 (I - inner) Lambda^-1
        shrink = np.ascontiguousarray(_over_variances(route, inverses, k).T)
        half = route.rest_times(inverses, np.eye(m) - state.inner, transpose=True)
        h_c = route.rest_times(inverses, np.ascontiguousarray(half.T), transpose=True)
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
        carried = p0[i][:m, :m] @ shrink if inverses is None else _over_variances(route, inverses, kp[i]).T
        for place, t, matrix in rest:
            trace_2[i, place] = route.rest_trace(t, matrix, shrink, carried)
            q_all[i, place] = half @ ef[place]
    eh = {place: route.rest_direction(t, matrix, h_c) for place, t, matrix in rest}
    for a, (i, _, _) in enumerate(rest):
        trace[i] = float(np.trace(eh[i]))
        p_all[i] = f_c.T @ ef[i]
        for j, _, _ in rest[a:]:
            trace_2[i, j] = float(np.sum(eh[i] * eh[j].T))
            q_all[i, j] = ef[i].T @ h_c @ ef[j]
    return _mirrored(p_all, q_all, trace, trace_2)


def _over_variances(route: CrossedRoute, inverses: list[FloatArray], matrix: FloatArray) -> FloatArray:
    """G^-1 matrix, with G = Lambda Lambda' of the dense block."""
    return route.rest_times(inverses, route.rest_times(inverses, matrix, transpose=False), transpose=True)


def _mirrored(p: FloatArray, q: FloatArray, trace: FloatArray, trace_2: FloatArray) -> Derivatives:
    """Fill in the transposed pairs, whose trace is still NaN."""
    for i, j in np.argwhere(np.isnan(trace_2)):
        q[i, j] = q[j, i].T
        trace_2[i, j] = trace_2[j, i]
    return Derivatives(p, q, trace, trace_2)
