"""How well a fit describes the data: explained variance, shares of variance, residuals, influence."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from mpg_research.errors import ModelError
from mpg_research.mixed.design.build import Design
from mpg_research.mixed.inference.row_equations import residual_ratios, whitening
from mpg_research.mixed.search.solution import MixedSolution

__all__ = ["RSquared", "intraclass_table", "r_squared", "residual_series"]

ResidualKind = Literal["conditional", "response", "marginal", "pearson", "normalised"]
RESIDUAL_KINDS = ("conditional", "response", "marginal", "pearson", "normalised")


@dataclass(frozen=True, slots=True)
class RSquared:
    """Explained variance of a mixed model.

    Attributes
    ----------
    marginal : float
        Share explained by the fixed effects.
    conditional : float
        Share explained by the fixed and the random effects together.
    """

    marginal: float
    conditional: float


def _random_variances(solution: MixedSolution) -> list[float]:
    """Mean over the rows of z'Gz, per random term."""
    return [
        float(np.mean(np.einsum("ij,jk,ik->i", term.z, solution.random_covariance(index), term.z)))
        for index, term in enumerate(solution.problem.random)
    ]


def _residual_variance(solution: MixedSolution) -> float:
    weights = solution.problem.weights
    relative = residual_ratios(solution) ** 2 / (1.0 if weights is None else weights)
    return solution.sigma2 * float(np.mean(relative))


def r_squared(solution: MixedSolution) -> RSquared:
    """Marginal and conditional R squared.

    References
    ----------
    Nakagawa, S. & Schielzeth, H. (2013). doi:10.1111/j.2041-210x.2012.00261.x; random slopes after
    Johnson, P. C. D. (2014). doi:10.1111/2041-210X.12225
    """
    fixed = float(np.var(solution.problem.x @ solution.beta, ddof=1))
    random = sum(_random_variances(solution))
    total = fixed + random + _residual_variance(solution)
    return RSquared(fixed / total, (fixed + random) / total)


def intraclass_table(solution: MixedSolution) -> pd.DataFrame:
    """Share of the variance that is not explained by the fixed effects, by grouping factor.

    Returns
    -------
    DataFrame
        By group (and ``Residual``): ``variance`` (with random slopes: averaged over the rows) and ``icc``.
    """
    variances: dict[str, float] = {}
    for term, variance in zip(solution.problem.random, _random_variances(solution), strict=True):
        if not term.term_names:
            continue
        variances[term.group] = variances.get(term.group, 0.0) + variance
    variances["Residual"] = _residual_variance(solution)
    frame = pd.DataFrame({"variance": pd.Series(variances)})
    frame.index.name = "group"
    return frame.assign(icc=frame["variance"] / frame["variance"].sum())


def residual_series(solution: MixedSolution, design: Design, kind: ResidualKind) -> pd.Series:
    """Residuals of the rows of the fit.

    Parameters
    ----------
    kind : {"conditional", "response", "marginal", "pearson", "normalised"}
        Outcome less the fixed and random part (under both names); outcome less the fixed part; the
        conditional ones divided by their residual standard deviation; these freed from their serial
        correlation too.
    """
    problem = solution.problem
    if kind not in RESIDUAL_KINDS:
        raise ModelError(f"kind must be one of {', '.join(RESIDUAL_KINDS)}; found {kind!r}.")
    rest = problem.y - problem.x @ solution.beta
    if kind != "marginal":
        for index, term in enumerate(problem.random):
            rest = rest - np.einsum("ij,ij->i", term.z, solution.conditional_modes(index)[0][term.codes])
    if kind == "pearson":
        root = 1.0 if problem.weights is None else np.sqrt(problem.weights)
        rest = rest * root / (residual_ratios(solution) * np.sqrt(solution.sigma2))
    if kind == "normalised":
        rest = whitening(solution) @ rest / np.sqrt(solution.sigma2)
    return pd.Series(rest, index=design.index, name=f"{kind}_residual")
