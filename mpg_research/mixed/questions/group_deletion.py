"""The fixed effects without one group, for all groups of a nested level at once, by subtracting blocks.

With C the cross-products of a group's columns D under its own covariance (finer levels included), D Omega D'
the error variance of what the fixed effects and the coarser levels predict for it, and D r what they leave
over, leaving the group out moves the coefficients of that prediction by -Omega (I - C Omega)^-1 C r, exactly.
"""

from dataclasses import replace

import numpy as np

from mpg_research.arrays import FloatArray
from mpg_research.mixed.likelihood.engine import Engine
from mpg_research.mixed.likelihood.group_algebra import segments, symmetric_sum
from mpg_research.mixed.likelihood.nested_route import NestedRoute, NestedState
from mpg_research.mixed.likelihood.residual_sweep import structured_blocks
from mpg_research.mixed.search.solution import MixedSolution

__all__ = ["changes_without_groups"]


#: Share of a direction's information that must come from other groups for it to be estimable without one.
ALONE = 1e-9
#: Groups worked on together, which bounds the memory.
AT_ONCE = 20_000


def changes_without_groups(solution: MixedSolution, term_index: int) -> FloatArray | None:
    """Change of the fixed effects when each group of a random term is left out, variances kept.

    Parameters
    ----------
    solution : MixedSolution
    term_index : int

    Returns
    -------
    array, shape (n_groups, p), or None
        NaN where the other groups cannot estimate the model; None where the factors are not nested.
    """
    engine: Engine = solution.engine
    route = engine.route
    if not isinstance(route, NestedRoute):
        return None
    state, found = engine.at(solution.internal)
    at = next(i for i, level in enumerate(route.levels) if term_index in level.terms)
    level, p = route.levels[at], len(solution.beta)
    moment = np.zeros((route.d, route.d, 1))
    moment[route.xy[:p, None], route.xy[:p], 0] = found.phi
    columns = np.zeros((route.d, p + 1, 1))
    columns[route.xy, np.arange(p + 1), 0] = 1.0
    omega, psi = route.descend(state, moment, columns)[at]
    rest = np.einsum("dkn,k->nd", psi, np.append(-found.beta, 1.0))
    c = np.moveaxis(_own_cross_products(engine, route, state, at, solution.internal), 2, 0)
    predictors = np.delete(np.arange(route.d), route.xy[-1])
    square = np.ix_(predictors, predictors)
    roots = np.array([_root(part[square]) for part in np.moveaxis(omega, 2, 0)])
    towards = found.phi @ np.moveaxis(psi[predictors, :p], 2, 0).swapaxes(1, 2)
    change = np.empty((level.n, p))
    for start in range(0, level.n, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        parent = level.parent[part]
        own = np.ascontiguousarray(c[part][:, predictors])
        change[level.position[part]] = _moves(
            own[:, :, predictors], np.einsum("nab,nb->na", own, rest[parent]), roots[parent], towards[parent]
        )
    return np.asarray(engine.scaled.y_scale * change @ engine.scaled.x_inverse.T)


def _moves(c: FloatArray, score: FloatArray, root: FloatArray, towards: FloatArray) -> FloatArray:
    """-Phi Psi' (I - C Omega)^-1 C r for a lot of groups, with Omega = root root', shape (n, p)."""
    carried = c @ root
    inner = np.eye(root.shape[2]) - root.swapaxes(1, 2) @ carried
    values, vectors = np.linalg.eigh(0.5 * (inner + inner.swapaxes(1, 2)))
    alone = values[:, 0] < ALONE
    values[alone] = 1.0
    turned = np.einsum("nab,nca,nc->nb", vectors, root, score, optimize=True) / values
    whole = score + np.einsum("nab,nbc,nc->na", carried, vectors, turned, optimize=True)
    change: FloatArray = -np.einsum("npa,na->np", towards, whole)
    change[alone] = np.nan
    return change


def _own_cross_products(
    engine: Engine, route: NestedRoute, state: NestedState, at: int, internal: FloatArray
) -> FloatArray:
    """D'V^-1 D of every group of a level, V its covariance from that level and finer ones, (d, d, n)."""
    rows = replace(route.rows, parent_starts=route.rows.starts)
    if engine.structure is None:
        c = symmetric_sum(rows.base[None], rows.base[None], rows.starts)
    else:
        c = structured_blocks(rows, engine.residual, engine.delta(internal))[0].c
    for index in range(at + 1):
        level, blocks = route.levels[index], state.levels[index]
        if index:
            c = segments(c, route.levels[index - 1].starts)
        c = c - symmetric_sum(blocks.b, blocks.kb, np.arange(level.n))
    return c


def _root(moment: FloatArray) -> FloatArray:
    """A square root of a covariance that need not have full rank."""
    values, vectors = np.linalg.eigh(0.5 * (moment + moment.T))
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
