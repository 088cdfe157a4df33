"""Degrees of freedom from the design alone: which grouping factor an effect lives at.

A column of the fixed part that is constant within families (or a random slope's column times
something constant within families) can only be learned from the differences between families: its
degrees of freedom are the number of families less the number of such columns. Where several
factors qualify, the one with the fewest decides. Columns that no factor contains get what the
rows leave. This is the containment rule; it needs no variances, so it also holds where an
estimated variance is zero.
"""

import numpy as np
from numpy.typing import NDArray

from mpg_research.mixed.problem import MixedProblem, RandomTerm

__all__ = ["containing_groups", "design_df"]

FloatArray = NDArray[np.float64]

#: Part of a column outside a random term's space, relative to its length, that still counts as none.
INSIDE_TOLERANCE = 1e-8


def _inside(x: FloatArray, z: FloatArray, term: RandomTerm) -> NDArray[np.bool_]:
    """Which columns of x (n, p) are z times something constant within the groups of the term."""
    n_groups = len(term.levels)
    square = np.bincount(term.codes, weights=z * z, minlength=n_groups)
    inside = np.zeros(x.shape[1], dtype=bool)
    for column in range(x.shape[1]):
        v = x[:, column]
        product = np.bincount(term.codes, weights=z * v, minlength=n_groups)
        share = np.divide(product, square, out=np.zeros(n_groups), where=square > 0)
        rest = v - share[term.codes] * z
        inside[column] = rest @ rest <= INSIDE_TOLERANCE**2 * max(float(v @ v), 1e-300)
    return inside


def design_df(problem: MixedProblem) -> FloatArray:
    """Degrees of freedom of each fixed column by the containment rule.

    Parameters
    ----------
    problem : MixedProblem

    Returns
    -------
    array, shape (p,)
        At least 1.

    References
    ----------
    Pinheiro, J. C. & Bates, D. M. (2000). Mixed-Effects Models in S and S-PLUS, section 2.4.2.
    """
    n, p = problem.x.shape
    best = np.full(p, np.inf)
    for term in problem.random:
        for k in range(term.z.shape[1]):
            inside = _inside(problem.x, term.z[:, k], term)
            best = np.where(inside, np.minimum(best, len(term.levels) - inside.sum()), best)
    free = np.isinf(best)
    spent = max(len(term.levels) * term.z.shape[1] for term in problem.random) if problem.random else 0
    best[free] = n - spent - free.sum()
    return np.asarray(np.maximum(best, 1.0))


def containing_groups(problem: MixedProblem) -> tuple[str, ...]:
    """The grouping factor that decides each fixed column's design df; ``"rows"`` where none does."""
    found: list[str] = []
    p = problem.x.shape[1]
    fewest = [(np.inf, "rows")] * p
    for term in problem.random:
        for k in range(term.z.shape[1]):
            inside = _inside(problem.x, term.z[:, k], term)
            for column in np.flatnonzero(inside):
                fewest[column] = min(fewest[column], (float(len(term.levels)), term.group))
    found = [group for _, group in fewest]
    return tuple(found)
