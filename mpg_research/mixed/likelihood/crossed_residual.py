"""How the deviance of a model with crossed factors changes with its residual structure.

With R^-1 moving by W, K the posterior covariance of all random effects and E what they leave over of [X y]:
dlog|V| = dlog|R| + tr(W Z K Z') and dS = E'W E. W touches a row and the one before it only, and both lie in
one group of the eliminated factor: z_t'K z_s = z0_t'K_0 z0_s + f_t'K_c f_s with F = Z_c - Z_0 K_0 B_0c.
"""

import numpy as np
from scipy import sparse

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.mixed.covariance.row_weights import RowWeights
from mpg_research.mixed.likelihood.crossed_route import CrossedRoute, CrossedState
from mpg_research.mixed.likelihood.separate_route import SeparateRoute, SeparateState

__all__ = ["structure_gradient"]


#: Numbers held at once for the dense block's share.
AT_ONCE = 4_000_000


def structure_gradient(
    route: CrossedRoute | SeparateRoute,
    state: CrossedState | SeparateState,
    inner: FloatArray,
    weights: RowWeights,
    previous: IntArray,
) -> FloatArray:
    """Gradient of the deviance in the parameters of the residual structure, shape (k,).

    Parameters
    ----------
    route, state
        Formed and evaluated under ``weights``.
    inner : array, shape (p + 1, p + 1)
        Derivative of the deviance in S.
    weights : RowWeights
    previous : array of int, shape (n,)
        The row before each row in its series, -1 where there is none.
    """
    if isinstance(route, CrossedRoute):
        assert isinstance(state, CrossedState)
        own, across = _of_rows(route, state, inner, previous)
    else:
        assert isinstance(state, SeparateState)
        own, across = np.empty(previous.size), np.empty(previous.size)
        for part, part_state, rows in zip(route.parts, state.parts, route.rows, strict=True):
            own[rows], across[rows] = _of_rows(part, part_state, inner, route.before(previous, rows))
    # the link of a row without one before it is zero, whatever its derivative is multiplied with
    gradient: FloatArray = weights.d_log_det + weights.d_omega @ own - 2.0 * weights.d_link @ across
    return gradient


def _of_rows(
    route: CrossedRoute, state: CrossedState, inner: FloatArray, previous: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Derivatives in the weight of every row, and in its link with the row before it, (n,) each."""
    before = np.maximum(previous, 0)
    rest = _left_over(route, state)
    turned = rest @ inner
    own, across = _spread(route, state, before)
    own = own + np.einsum("ne,ne->n", turned, rest)
    return own, across + np.einsum("ne,ne->n", turned, rest[before])


def _left_over(route: CrossedRoute, state: CrossedState) -> FloatArray:
    """[X y] less the posterior modes of its columns, (n, p + 1)."""
    modes = state.kc @ state.d_zf
    first = state.k0 @ (route.b0f - (route.b0z @ modes).reshape(route.b0f.shape))
    found: FloatArray = route.fixed - np.einsum("qn,nqe->ne", route.z0, first[route.codes]) - route.zc @ modes
    return found


def _spread(route: CrossedRoute, state: CrossedState, before: IntArray) -> tuple[FloatArray, FloatArray]:
    """z_t'K z_t of every row, and z_t'K z_s with the row before it, (n,) each."""
    z0, n = route.z0.T, route.codes.size
    carried = np.einsum("nq,nqr->nr", z0, state.k0[route.codes])
    own, across = np.einsum("nq,nq->n", carried, z0), np.einsum("nq,nq->n", carried, z0[before])
    if not route.m:
        return own, across
    if route.is_small:
        own_blocks = route.b0z.reshape(route.n0, route.q0, route.m)[route.codes]
        f = route.zc - np.einsum("nq,nqm->nm", carried, own_blocks)
        turned = f @ state.kc
        return own + np.einsum("nm,nm->n", f, turned), across + np.einsum("nm,nm->n", f[before], turned)
    places = route.codes[:, None] * route.q0 + np.arange(route.q0)
    wide = sparse.csr_matrix(
        (carried.ravel(), places.ravel(), np.arange(n + 1) * route.q0), shape=(n, route.n0 * route.q0)
    )
    f = route.zc - sparse.csr_matrix(wide @ route.b0z)
    step = max(1, AT_ONCE // route.m)
    for start in range(0, n, step):
        part = slice(start, start + step)
        turned = np.asarray(f[part] @ state.kc)
        own[part] += np.asarray(f[part].multiply(turned).sum(axis=1)).ravel()
        across[part] += np.asarray(f[before[part]].multiply(turned).sum(axis=1)).ravel()
    return own, across
