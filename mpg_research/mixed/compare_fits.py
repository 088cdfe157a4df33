"""Comparing two fits of the same data by their likelihoods."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mpg_research.errors import ModelError, Note
from mpg_research.mixed.distributions import chi2_tail
from mpg_research.mixed.html_table import format_p, html_table
from mpg_research.mixed.problem import MixedProblem, RandomTerm
from mpg_research.mixed.search.solution import MixedSolution, solve

if TYPE_CHECKING:
    from mpg_research.mixed.result import MixedFit

__all__ = ["FitComparison", "compare_fits"]

#: A column counts as part of a space when what is left of it is this small, relative to its length.
SAME_SPACE = 1e-6
#: Likelihoods of nested fits may contradict the nesting by this much (the optimiser's precision).
LIKELIHOOD_SLACK = 1e-4


@dataclass(frozen=True, slots=True)
class FitComparison:
    """A likelihood-ratio test of two nested models.

    Attributes
    ----------
    frame : DataFrame
        One row per model, the smaller first: ``formula``, ``n_parameters``, ``log_likelihood``,
        ``deviance``, ``aic``, ``bic``.
    statistic : float
        Twice the difference in log-likelihood.
    df : int
        Difference in the number of parameters.
    p_value : float
    method : {"REML", "ML"}
        Of the likelihoods compared.
    boundary : bool
        Whether the smaller model sets a variance to zero, so that the reference distribution is a mixture.
    notes : tuple of Note
    """

    frame: pd.DataFrame
    statistic: float
    df: int
    p_value: float
    method: str
    boundary: bool
    notes: tuple[Note, ...]

    def _repr_html_(self) -> str:
        p_value = format_p(self.p_value)
        sign = "" if p_value.startswith("<") else "= "
        text = f"Chi-square({self.df}) = {self.statistic:.3f}, p {sign}{p_value} ({self.method})"
        return html_table(self.frame.set_index("formula"), text)


def compare_fits(fit_a: "MixedFit", fit_b: "MixedFit") -> FitComparison:
    """Likelihood-ratio test of two nested fits of the same rows, in either order.

    Parameters
    ----------
    fit_a, fit_b : MixedFit

    Returns
    -------
    FitComparison

    Raises
    ------
    ModelError
        If the fits are not of the same rows and outcome, or neither is a special case of the other.

    Notes
    -----
    Restricted likelihoods are only comparable when the fixed parts are the same: otherwise both models
    are refitted by maximum likelihood. Where the smaller model sets variances to zero, the statistic
    is referred to an equal mixture of chi-squares with df - 1 and df degrees of freedom, which is right for
    one variance and conservative for several.

    References
    ----------
    Stram, D. O. & Lee, J. W. (1994). Biometrics, 50, 1171-1177. doi:10.2307/2533455
    """
    for fit in (fit_a, fit_b):
        if not hasattr(fit, "solution"):
            raise ModelError(f"compare_fits compares two results of fit_mixed; found {fit!r}.")
    small, large = sorted((fit_a, fit_b), key=lambda fit: fit.n_parameters)
    _check_same_data(small.problem, large.problem)
    same_fixed = _spans(small.problem.x, large.problem.x) and _spans(large.problem.x, small.problem.x)
    added = _added_variances(small.problem, large.problem)
    if added is None or not _spans(small.problem.x, large.problem.x):
        raise ModelError(
            "Neither model is a special case of the other, so a likelihood-ratio test does not apply; "
            "compare their AIC or BIC instead (both fitted with method='ML' if the fixed parts differ)."
        )
    _check_residuals(small, large)
    added += _freed_variances(small, large)
    notes: list[Note] = []
    solutions = [small.solution, large.solution]
    if not (small.method == large.method and (same_fixed or small.method == "ML")):
        solutions = [one if one.method == "ML" else solve(one.problem, method="ML") for one in solutions]
        text = "Both models were refitted by maximum likelihood, because their fixed parts or methods differ."
        notes.append(Note("refitted_by_ml", text))
    df = large.n_parameters - small.n_parameters
    if df == 0:
        raise ModelError("Both models have the same number of parameters; there is nothing to test.")
    statistic = solutions[0].deviance - solutions[1].deviance
    if statistic < -LIKELIHOOD_SLACK:
        text = "The larger model has the lower likelihood, so one of the two fits did not reach its optimum."
        notes.append(Note("likelihood_order", text, {"statistic": float(statistic)}, "stop"))
    statistic = max(float(statistic), 0.0)
    p_value = chi2_tail(statistic, df)
    if added:
        lower = chi2_tail(statistic, df - 1) if df > 1 else float(statistic <= 0)
        p_value = 0.5 * (p_value + lower)
        text = f"The smaller model sets {added} variance(s) to zero; the p-value allows for that boundary."
        notes.append(Note("boundary_test", text, {"variances": added}))
    rows = [_row(fit, solution) for fit, solution in zip((small, large), solutions, strict=True)]
    return FitComparison(
        pd.DataFrame(rows), statistic, df, p_value, solutions[0].method, bool(added), tuple(notes)
    )


def _row(fit: "MixedFit", solution: MixedSolution) -> dict[str, float | str | int]:
    count = fit.n_parameters
    return {
        "formula": fit.formula,
        "n_parameters": count,
        "log_likelihood": float(solution.log_likelihood),
        "deviance": float(solution.deviance),
        "aic": float(solution.deviance + 2 * count),
        "bic": float(solution.deviance + np.log(fit.n_observations) * count),
    }


def _check_same_data(small: MixedProblem, large: MixedProblem) -> None:
    if len(small.y) != len(large.y):
        raise ModelError(
            f"The models were fitted to different rows ({len(small.y)} and {len(large.y)}), so their "
            "likelihoods cannot be compared. Leave out the rows with missing values first, and fit both "
            "to the same data."
        )
    if not np.array_equal(small.y, large.y):
        raise ModelError(
            "The models have different outcomes (or rows in another order); they cannot be compared."
        )
    ones = np.ones(len(small.y))
    first, second = (ones if problem.weights is None else problem.weights for problem in (small, large))
    if not np.array_equal(first, second):
        raise ModelError("The models have different weights; they cannot be compared.")


def _check_residuals(small: "MixedFit", large: "MixedFit") -> None:
    first, second = small.design.residual, large.design.residual
    if not all(any(other.covers(part) for other in second) for part in first):
        small_words, large_words = (" with ".join(map(str, parts)) or "none" for parts in (first, second))
        raise ModelError(
            f"The models have different residual structures ({small_words} and {large_words}), so neither is "
            "a special case of the other; compare their AIC or BIC instead."
        )


def _freed_variances(small: "MixedFit", large: "MixedFit") -> int:
    """Variances (shares) of the larger model's residual structure that the smaller one sets to zero."""
    pairs = [(part, other) for part in small.design.residual for other in large.design.residual]
    return max((other.freed_variances(part) for part, other in pairs), default=0)


def _spans(inner: np.ndarray, outer: np.ndarray) -> bool:
    """Whether every column of ``inner`` lies in the space of ``outer``."""
    if not inner.shape[1]:
        return True
    rest = inner - outer @ np.linalg.lstsq(outer, inner, rcond=None)[0]
    return bool(np.all(np.linalg.norm(rest, axis=0) <= SAME_SPACE * np.linalg.norm(inner, axis=0)))


def _added_variances(small: MixedProblem, large: MixedProblem) -> int | None:
    """How many random columns the larger model has more; None if the smaller has others."""
    for term in small.random:
        homes = [other for other in large.random if _same_groups(term, other)]
        covering = [other for other in homes if _spans(term.z, other.z)]
        if not covering and not (homes and _spans(term.z, np.hstack([other.z for other in homes]))):
            return None
        if term.correlated and term.z.shape[1] > 1 and not any(other.correlated for other in covering):
            return None
    count = sum(term.z.shape[1] for term in large.random) - sum(term.z.shape[1] for term in small.random)
    return count if count >= 0 else None


def _same_groups(first: RandomTerm, second: RandomTerm) -> bool:
    if len(first.levels) != len(second.levels):
        return False
    pairs = first.codes.astype(np.int64) * len(second.levels) + second.codes
    return len(np.unique(pairs)) == len(first.levels)
