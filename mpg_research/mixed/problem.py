"""The seam between formulas and numerics: a linear mixed model as plain arrays.

``design`` turns a formula and a frame into a :class:`MixedProblem`; the numerics
(``solve`` and what hangs from it) see nothing else.
"""

from dataclasses import dataclass
from typing import Any

from mpg_research.arrays import FloatArray, IntArray
from mpg_research.mixed.covariance.random_part import FULL, RandomStructure

__all__ = ["MixedProblem", "RandomTerm"]


@dataclass(frozen=True, slots=True)
class RandomTerm:
    """One random-effects term ``(terms | group)``.

    Attributes
    ----------
    group : str
        Name of the grouping factor as written, e.g. ``"family"`` or ``"organisation:worker"``.
    term_names : tuple of str, length q
        Names of the columns of ``z``, e.g. ``("(Intercept)", "months")``.
    z : array, shape (n, q)
        Row values of the random-effect columns.
    codes : array of int, shape (n,)
        Group of each row, 0 .. n_groups - 1.
    levels : tuple, length n_groups
        The group labels, in the order of the codes.
    structure : RandomStructure
        FULL (``|``): Lambda is a lower triangle, q(q+1)/2 thetas; DIAGONAL (``||``): q thetas.
    """

    group: str
    term_names: tuple[str, ...]
    z: FloatArray
    codes: IntArray
    levels: tuple[Any, ...]
    structure: RandomStructure = FULL

    @property
    def correlated(self) -> bool:
        """Whether effects of one group may be correlated."""
        return self.structure.correlated


@dataclass(frozen=True, slots=True)
class MixedProblem:
    """y = X beta + sum of Z b + e, ready for the numerics.

    Attributes
    ----------
    y : array, shape (n,)
    x : array, shape (n, p)
        Full column rank (aliased columns were dropped and named by the design step).
    x_names : tuple of str, length p
    random : tuple of RandomTerm
        In lme4's order (decreasing number of groups, ties as written); theta is the concatenation over
        the terms of the column-major lower triangle of Lambda, as in lme4.
    weights : array, shape (n,), or None
        Prior weights; Var(e_i) = sigma^2 / w_i.
    residual : object or None
        A residual structure bound to the rows, ``AR1("wave", within="family").bind(columns)`` with
        ``columns`` a mapping from each name in ``.columns`` to its values in the rows of ``y``; None for
        independence.
    """

    y: FloatArray
    x: FloatArray
    x_names: tuple[str, ...]
    random: tuple[RandomTerm, ...]
    weights: FloatArray | None = None
    residual: Any = None
