"""What leaving out one group at a time would do to the fixed effects."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.errors import ModelError
from mpg_research.mixed.inference.fit_tables import find_group
from mpg_research.mixed.inference.row_equations import Equations, apply_inverse, form_equations
from mpg_research.mixed.likelihood.crossed_route import CrossedRoute
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.questions.group_deletion import changes_without_groups
from mpg_research.mixed.search.solution import MixedSolution, solve

__all__ = ["group_influence"]


#: Groups with more rows than this are left out by evaluating the model without them, which is then cheaper
#: than a matrix of the size of the group.
LARGE_GROUP = 200
#: Relative size of an eigenvalue below which the rest of the data cannot estimate the model.
SINGULAR = 1e-9


def group_influence(solution: MixedSolution, group: str) -> pd.DataFrame:
    """What leaving out each group would do to the fixed effects.

    Parameters
    ----------
    solution : MixedSolution
    group : str
        A grouping factor of the model.

    Returns
    -------
    DataFrame
        By level: ``n_observations``, ``cooks_distance``, and per coefficient the change in standard
        errors when the group is left out, ``change[<term>]``. NaN where the rest cannot estimate the model.

    Notes
    -----
    The variance parameters stay as estimated from all data. Nested groups: see :mod:`group_deletion`.
    Crossed ones: with U the rows of the group, r = V^-1 (y - X beta), T = V^-1 X and P = V^-1 - T Phi T',
    leaving out U changes beta by -Phi T_U' (P_UU)^-1 r_U exactly.

    References
    ----------
    Christensen, R., Pearson, L. M. & Johnson, W. (1992). Technometrics, 34, 38-45. doi:10.2307/1269550
    """
    problem = solution.problem
    index = find_group(problem, group)[0]
    term = problem.random[index]
    n_levels, p = len(term.levels), problem.x.shape[1]
    sizes = np.bincount(term.codes, minlength=n_levels)
    change = changes_without_groups(solution, index)
    if change is None:
        change = _by_rows(solution, term, sizes)
    distance = np.einsum("ij,jk,ik->i", change, np.linalg.inv(solution.covariance), change) / p
    std_error = np.sqrt(np.diagonal(solution.covariance))
    columns = {"n_observations": sizes, "cooks_distance": distance}
    columns |= {f"change[{name}]": change[:, j] / std_error[j] for j, name in enumerate(problem.x_names)}
    return pd.DataFrame(columns, index=pd.Index(list(term.levels), name=term.group))


def _by_rows(solution: MixedSolution, term: RandomTerm, sizes: IntArray) -> FloatArray:
    """Change of beta without each group, shape (n_levels, p), where the factors are crossed."""
    order = np.argsort(term.codes, kind="stable")
    bounds = np.append(0, np.cumsum(sizes))
    change = np.full((len(sizes), len(solution.beta)), np.nan)
    large = (sizes > LARGE_GROUP) & (solution.problem.residual is None)
    for level in np.flatnonzero(large):
        change[level] = _without(solution, term.codes != level) - solution.beta
    if not large.all():
        route = solution.engine.route
        crossed = isinstance(route, CrossedRoute) and solution.problem.residual is None
        parts: _Parts | _CrossedParts = _CrossedParts(solution, route) if crossed else _Parts(solution)
        for level in np.flatnonzero(~large):
            change[level] = parts.change(order[bounds[level] : bounds[level + 1]])
    return change


class _Parts:
    """What the change of every group needs, set up once; for any residual structure."""

    def __init__(self, solution: MixedSolution) -> None:
        problem = solution.problem
        self.phi = solution.phi
        self.equations: Equations = form_equations(solution)
        p = problem.x.shape[1]
        rest = problem.y - problem.x @ solution.beta
        both = apply_inverse(self.equations, np.column_stack([problem.x, rest]))
        self.t, self.r = both[:, :p], both[:, p]
        self.columns = self.equations.whiten.tocsc()

    def change(self, rows: IntArray) -> FloatArray:
        """Change of beta when these rows are left out, shape (p,)."""
        unit = self.columns[:, rows]
        spread = self.equations.factor.between(self.equations.c.T @ unit)
        inner = (unit.T @ unit).toarray() - spread
        return _change_of(inner, self.t[rows], self.r[rows], self.phi)


class _CrossedParts:
    """The same from what the elimination of crossed factors left behind, in the engine's coordinates.

    V^-1 = I - Z_0 K_0 Z_0' - F K_c F' with F = (I - Z_0 K_0 Z_0') Z_c.
    """

    def __init__(self, solution: MixedSolution, route: CrossedRoute) -> None:
        state, found = solution.engine.at(solution.internal)
        self.route, self.state, self.phi = route, state, found.phi
        self.back = solution.engine.scaled.y_scale * solution.engine.scaled.x_inverse
        self.z0 = route.z0.T
        carried = np.einsum("nq,nqr->nr", self.z0, state.k0[route.codes])
        wide = sparse.csr_matrix(
            (
                carried.ravel(),
                (route.codes[:, None] * route.q0 + np.arange(route.q0)).ravel(),
                np.arange(len(carried) + 1) * route.q0,
            ),
            shape=(len(carried), route.n0 * route.q0),
        )
        self.carried = carried
        self.f = sparse.csr_matrix(route.zc) - sparse.csr_matrix(wide @ route.b0z)
        inverse = route.fixed - wide @ route.b0f.reshape(-1, route.e) - self.f @ (state.kc @ state.d_zf)
        self.t, self.r = inverse[:, :-1], inverse @ np.append(-found.beta, 1.0)

    def change(self, rows: IntArray) -> FloatArray:
        """Change of beta when these rows are left out, shape (p,)."""
        codes = self.route.codes[rows]
        inner = np.eye(len(rows)) - (codes[:, None] == codes) * (self.carried[rows] @ self.z0[rows].T)
        own = self.f[rows]
        touched = np.unique(own.indices)
        dense = np.zeros((len(rows), len(touched)))
        at_row = np.repeat(np.arange(len(rows)), np.diff(own.indptr))
        dense[at_row, np.searchsorted(touched, own.indices)] = own.data
        inner -= dense @ self.state.kc[np.ix_(touched, touched)] @ dense.T
        return np.asarray(self.back @ _change_of(inner, self.t[rows], self.r[rows], self.phi))


def _change_of(inner: FloatArray, t: FloatArray, r: FloatArray, phi: FloatArray) -> FloatArray:
    """-Phi T_U' (P_UU)^-1 r_U with P_UU = inner - T_U Phi T_U'; NaN where the rest cannot do without U."""
    inner = inner - t @ phi @ t.T
    values, vectors = np.linalg.eigh(0.5 * (inner + inner.T))
    if values[0] <= SINGULAR * values[-1]:
        return np.full(len(phi), np.nan)
    return np.asarray(-phi @ (t.T @ (vectors @ ((vectors.T @ r) / values))))


def _without(solution: MixedSolution, keep: NDArray[np.bool_]) -> FloatArray:
    """The fixed effects from the kept rows at the same theta; NaN where they cannot be estimated."""
    problem = solution.problem
    rest = MixedProblem(
        y=problem.y[keep],
        x=problem.x[keep],
        x_names=problem.x_names,
        random=tuple(_kept_groups(term, keep) for term in problem.random),
        weights=None if problem.weights is None else problem.weights[keep],
    )
    try:
        return np.asarray(solve(rest, method=solution.method, theta=solution.theta).beta)
    except (ModelError, np.linalg.LinAlgError):
        return np.full(problem.x.shape[1], np.nan)


def _kept_groups(term: RandomTerm, keep: NDArray[np.bool_]) -> RandomTerm:
    present, codes = np.unique(term.codes[keep], return_inverse=True)
    levels = tuple(term.levels[code] for code in present)
    return replace(term, z=term.z[keep], codes=codes.astype(np.intp), levels=levels)
