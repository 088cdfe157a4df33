"""The mixed-model equations at the estimate, row by row: for predictions, residuals and influence.

The engine itself never touches rows after one pass. What asks about single rows does it here, with
one sparse factorisation: V^-1 = W^(1/2) (I - C A^-1 C') W^(1/2) / sigma^2 with C = W^(1/2) Z Lambda and
A = I + C'C, which is valid where Lambda is singular.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from mpg_research.mixed.solution import MixedSolution

__all__ = ["Equations", "form_equations", "spherical_design"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Equations:
    """The equations of one fit, factorised.

    Attributes
    ----------
    root : array, shape (n,)
        Square roots of the weights.
    c : sparse, shape (n, number of random effects)
    factor : factorisation of A
    towards_x : array, shape (number of random effects, p)
        C'W^(1/2)X.
    """

    root: FloatArray
    c: Any
    factor: Any
    towards_x: FloatArray


def form_equations(solution: MixedSolution) -> Equations:
    """Set up and factorise the equations of a fit."""
    problem = solution.problem
    root = np.ones(len(problem.y)) if problem.weights is None else np.sqrt(problem.weights)
    z = tuple(term.z for term in problem.random)
    codes = tuple(term.codes for term in problem.random)
    c = sparse.diags(root) @ spherical_design(solution, z, codes, range(len(z)))
    factor = splu((c.T @ c + sparse.identity(c.shape[1])).tocsc())
    return Equations(root, c.tocsr(), factor, c.T @ (root[:, None] * problem.x))


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
    scaled = equations.root[:, None] * columns
    return np.asarray(
        equations.root[:, None] * (scaled - equations.c @ equations.factor.solve(equations.c.T @ scaled))
    )
