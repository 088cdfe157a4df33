"""The conservative degrees of freedom that the design gives, where a variance is estimated as zero."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpg_research.arrays import FloatArray
from mpg_research.mixed.inference.natural_parameters import term_faces
from mpg_research.mixed.problem import RandomTerm
from mpg_research.mixed.search.solution import MixedSolution

__all__ = ["DesignDegrees", "design_degrees"]


# Groups of z-multiples: a fixed column belongs to a level if it is constant there up to this, relative.
CONSTANT = 1e-9
# So many rows mostly show that it is not.
SOME_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class DesignDegrees:
    """Degrees of freedom that the design alone gives, per fixed-effect column.

    Attributes
    ----------
    df : array, shape (p,)
        Number of groups at the level at which the column varies, minus the number of fixed effects of that
        kind that vary at that level or above; NaN where the column varies within every group.
    group : tuple of str, length p
        That level; "" where there is none.
    singular : array of bool, shape (p,)
        True where the variance that the column's test needs is estimated as zero.
    """

    df: FloatArray
    group: tuple[str, ...]
    singular: NDArray[np.bool_]

    def of(self, contrasts: FloatArray) -> FloatArray:
        """The smallest df among the singular columns each contrast uses; infinite where there is none."""
        rows = np.atleast_2d(np.asarray(contrasts, dtype=float))
        limits = np.where(self.singular, self.df, np.inf)
        return np.array([np.min(limits[row != 0], initial=np.inf) for row in rows])


def design_degrees(solution: MixedSolution) -> DesignDegrees:
    """Conservative degrees of freedom of the design, as in a balanced analysis by group summaries.

    A fixed-effect column x varies *at* a level with random column z if x = z times something that is constant
    within each of its groups (organisation against ``(1 | organisation)``, months x organisation against
    ``(1 + months | organisation)``). Of all levels where that holds the coarsest counts. With n groups there
    and r such columns (those of coarser levels and the mean included) the df is n - r, at least 1.

    Returns
    -------
    DesignDegrees

    Notes
    -----
    Meant for variances of zero: there the reduced model spends no degrees of freedom on a level whose
    variance is small rather than absent. Where random effects depend on each other perfectly there is a
    variance, and its uncertainty and that of its direction count as elsewhere (:mod:`faces`); with that,
    limits need no ceiling to hold what they promise (benchmarks/mixed/singular_slopes.md).
    """
    if "design" not in solution.cache:
        solution.cache["design"] = _design_degrees(solution)
    found: DesignDegrees = solution.cache["design"]
    return found


def _design_degrees(solution: MixedSolution) -> DesignDegrees:
    problem = solution.problem
    p = problem.x.shape[1]
    df, group, singular = np.full(p, np.nan), [""] * p, np.zeros(p, dtype=bool)
    coarsest = np.full(p, np.inf)
    faces = term_faces(solution.engine, solution.internal)
    for term, face in zip(problem.random, faces, strict=True):
        n_groups = len(term.levels)
        for j in range(term.z.shape[1]):
            member = np.array([_is_multiple(problem.x[:, k], term.z[:, j], term) for k in range(p)])
            better = member & (n_groups < coarsest)
            df[better] = max(1, n_groups - int(member.sum()))
            singular[better] = j not in face.columns
            coarsest[better] = n_groups
            for k in np.flatnonzero(better):
                group[k] = term.group
    return DesignDegrees(df, tuple(group), singular)


def _is_multiple(x: FloatArray, z: FloatArray, term: RandomTerm) -> bool:
    """Whether x = z h(group) for every row."""
    codes, n_groups = term.codes, len(term.levels)
    limit = CONSTANT * max(float(np.max(np.abs(x))), 1e-300)
    few = slice(SOME_ROWS)
    if x.size > SOME_ROWS and _largest_error(x[few], z[few], codes[few], n_groups) > 1e3 * limit:
        return False
    if np.any((z == 0) & (x != 0)):
        return False
    return _largest_error(x, z, codes, n_groups) <= limit


def _largest_error(x: FloatArray, z: FloatArray, codes: NDArray[np.intp], n_groups: int) -> float:
    """How far x lies at most from the nearest z h(group)."""
    squares = np.bincount(codes, z * z, minlength=n_groups)
    slopes = np.bincount(codes, x * z, minlength=n_groups) / np.where(squares > 0, squares, 1.0)
    return float(np.max(np.abs(x - z * slopes[codes])))
