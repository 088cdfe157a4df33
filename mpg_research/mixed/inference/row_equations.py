"""The mixed-model equations at the estimate, row by row: for predictions, residuals and influence.

The engine itself never touches rows after one pass. What asks about single rows does it here, with
one sparse factorisation: V^-1 = K'(I - C A^-1 C')K / sigma^2 with C = K Z Lambda, A = I + C'C and K the
sparse whitening of the residuals (K'K = R^-1), which is valid where Lambda is singular.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.mixed.inference.block_inverse import BlockInverse
from mpg_research.mixed.search.solution import MixedSolution

__all__ = ["Equations", "form_equations", "spherical_design"]


@dataclass(frozen=True, slots=True)
class Equations:
    """The equations of one fit, factorised.

    Attributes
    ----------
    whiten : sparse, shape (n, n)
        K.
    c : sparse, shape (n, number of random effects)
    factor : BlockInverse
        Of A.
    towards_x : array, shape (number of random effects, p)
        C'KX.
    """

    whiten: Any
    c: Any
    factor: BlockInverse
    towards_x: FloatArray


def form_equations(solution: MixedSolution) -> Equations:
    """Set up and factorise the equations of a fit."""
    problem = solution.problem
    whiten = whitening(solution)
    z = tuple(term.z for term in problem.random)
    codes = tuple(term.codes for term in problem.random)
    c = (whiten @ spherical_design(solution, z, codes, range(len(z)))).tocsr()
    factor = BlockInverse(c.T @ c + sparse.identity(c.shape[1]))
    return Equations(whiten, c, factor, c.T @ (whiten @ problem.x))


def whitening(solution: MixedSolution) -> Any:
    """The sparse K with K'K = R^-1, R the relative covariance of the residuals, weights included."""
    problem = solution.problem
    root = np.ones(len(problem.y)) if problem.weights is None else np.sqrt(problem.weights)
    structure = problem.residual
    if structure is None:
        return sparse.diags(root).tocsr()
    within = structure.whitening(structure.from_natural(solution.residual_parameters))
    return (within @ sparse.diags(root)).tocsr()


def residual_ratios(solution: MixedSolution) -> FloatArray:
    """Residual standard deviation of each row relative to sigma, weights apart, shape (n,)."""
    structure = solution.problem.residual
    if structure is None:
        return np.ones(len(solution.problem.y))
    return np.asarray(structure.deviations(structure.from_natural(solution.residual_parameters)))


def spherical_design(
    solution: MixedSolution,
    z: Sequence[FloatArray],
    codes: Sequence[IntArray],
    included: Sequence[int] | range,
) -> Any:
    """Z Lambda for given rows, all terms side by side; zero for terms that are not included.

    Parameters
    ----------
    solution : MixedSolution
    z, codes : per random term, arrays of shape (rows, q) and (rows,)
        A code of -1 means a group the fit has not seen.
    included : sequence of int
        Indices of the terms that count.

    Returns
    -------
    sparse matrix, shape (rows, number of random effects)
    """
    blocks = []
    for index, term in enumerate(solution.problem.random):
        n, q = z[index].shape
        known = (codes[index] >= 0) & (index in included)
        values = np.where(known[:, None], z[index] @ solution.relative_factor(index), 0.0)
        columns = np.where(known, codes[index], 0)[:, None] * q + np.arange(q)
        shape = (n, len(term.levels) * q)
        blocks.append(sparse.csr_matrix((values.ravel(), columns.ravel(), np.arange(n + 1) * q), shape=shape))
    return sparse.hstack(blocks).tocsr()


def apply_inverse(equations: Equations, columns: FloatArray) -> FloatArray:
    """sigma^2 V^-1 times columns, shape (n, k)."""
    scaled = equations.whiten @ columns
    rest = scaled - equations.c @ equations.factor.solve(equations.c.T @ scaled)
    return np.asarray(equations.whiten.T @ rest)
