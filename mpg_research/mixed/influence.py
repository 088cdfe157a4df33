"""What leaving out one group at a time would do to the fixed effects."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mpg_research.errors import ModelError
from mpg_research.mixed.equations import Equations, apply_inverse, form_equations
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.solution import MixedSolution, solve
from mpg_research.mixed.tables import find_group

__all__ = ["group_influence"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

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
    The variance parameters stay as estimated from all data. With U the rows of the group, r = V^-1 (y - X
    beta), T = V^-1 X and P = V^-1 - T Phi T', leaving out U changes beta by -Phi T_U' (P_UU)^-1 r_U exactly.

    References
    ----------
    Christensen, R., Pearson, L. M. & Johnson, W. (1992). Technometrics, 34, 38-45. doi:10.2307/1269550
    """
    problem = solution.problem
    term = problem.random[find_group(problem, group)[0]]
    n_levels, p = len(term.levels), problem.x.shape[1]
    order = np.argsort(term.codes, kind="stable")
    bounds = np.searchsorted(term.codes[order], np.arange(n_levels + 1))
    sizes = np.diff(bounds)
    change = np.full((n_levels, p), np.nan)
    large = (sizes > LARGE_GROUP) & (problem.residual is None)
    for level in np.flatnonzero(large):
        change[level] = _without(solution, term.codes != level) - solution.beta
    if not large.all():
        parts = _Parts(solution)
        for level in np.flatnonzero(~large):
            change[level] = parts.change(order[bounds[level] : bounds[level + 1]])
    distance = np.einsum("ij,jk,ik->i", change, np.linalg.inv(solution.covariance), change) / p
    std_error = np.sqrt(np.diagonal(solution.covariance))
    columns = {"n_observations": sizes, "cooks_distance": distance}
    columns |= {f"change[{name}]": change[:, j] / std_error[j] for j, name in enumerate(problem.x_names)}
    return pd.DataFrame(columns, index=pd.Index(list(term.levels), name=term.group))


class _Parts:
    """What the change of every group needs, set up once."""

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
        t = self.t[rows]
        inner = (unit.T @ unit).toarray() - spread - t @ self.phi @ t.T
        values, vectors = np.linalg.eigh(0.5 * (inner + inner.T))
        if values[0] <= SINGULAR * values[-1]:
            return np.full(len(self.phi), np.nan)
        return np.asarray(-self.phi @ (t.T @ (vectors @ ((vectors.T @ self.r[rows]) / values))))


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
