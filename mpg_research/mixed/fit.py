"""fit_mixed: from a formula and a frame to a fitted model."""

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd
from numpy.typing import ArrayLike

from mpg_research.errors import ModelError, Note
from mpg_research.mixed.design.build import Design, design_problem
from mpg_research.mixed.inference import fit_tables as tables
from mpg_research.mixed.inference.design_degrees import design_degrees
from mpg_research.mixed.inference.tests import DfRule, check_rule
from mpg_research.mixed.result import MixedFit
from mpg_research.mixed.search.solution import MixedSolution, solve

__all__ = ["fit_mixed"]


def fit_mixed(
    formula: str,
    data: pd.DataFrame,
    *,
    method: Literal["REML", "ML"] = "REML",
    df: DfRule = "satterthwaite",
    information: Literal["observed", "expected"] | None = None,
    level: float = 0.95,
    weights: str | None = None,
    residual: Any = None,
    reference: Mapping[str, Any] | None = None,
    missing: Literal["drop", "error"] = "drop",
    theta: ArrayLike | None = None,
    near: MixedFit | None = None,
) -> MixedFit:
    """Fit a linear mixed model.

    Parameters
    ----------
    formula : str
        In lme4's language: ``"score ~ months * organisation + (1 + months | family) + (1 | worker)"``.
        Functions: ``C, I, abs, bs, center, cos, cr, exp, log, log10, log1p, log2, poly, scale, sin, sqrt``;
        names with spaces in backticks. Text and categorical columns are categorical by themselves.
    data : DataFrame
        One row per observation; only the columns in the formula are used.
    method : {"REML", "ML"}
        Restricted or full maximum likelihood.
    df : {"satterthwaite", "kenward-roger", "residual", "normal"}
        Degrees of freedom of tests and limits; Kenward-Roger also adjusts the covariance.
    information : {"observed", "expected"}, optional
        Information of the variance parameters; by default observed for Satterthwaite and expected for
        Kenward-Roger, as in R.
    level : float
        Of the confidence limits, between 0 and 1.
    weights : str, optional
        Column of positive prior weights: the residual variance of a row is sigma^2 / weight.
    residual : ResidualStructure, or a tuple of one of the series and one VarianceBy, optional
        Structure of the residuals; independent with one variance when left out. AR1, CAR1, CompoundSymmetry
        and Unstructured (or a :class:`SeriesStructure` of one's own) tie those of a series together, and need
        no random term beside them; with VarianceBy their variance differs by stratum too:
        ``residual=(CAR1("months", within="family"), VarianceBy("sex"))``.
    reference : mapping of column to level, optional
        Reference levels of categorical columns; the first in sort order (or of the categories) when left out.
    missing : {"drop", "error"}
        Rows with a missing value in a column of the model are dropped and counted, or refused.
    theta : array, optional
        Evaluate the model here instead of optimising: the relative covariance factors in lme4's order
        (terms by decreasing number of groups; per term the lower triangle by columns), then the parameters
        of a residual structure (the correlation before the ratios).
    near : MixedFit, optional
        A fit to nearly the same: to some more or fewer rows, or with other fixed effects. The search begins
        at its variances, if the random terms and the residual structure are the same, and ends where a fit
        without it does.

    Returns
    -------
    MixedFit

    Raises
    ------
    FormulaError
        With the position of the token that is wrong, unknown or not allowed.
    ModelError
        If the data cannot carry the model or an argument is not as described.

    Notes
    -----
    y = X beta + Z b + e with b ~ N(0, sigma^2 Lambda Lambda'), e ~ N(0, sigma^2 R); beta and sigma are
    profiled out and theta, the free entries of Lambda, is optimised with its exact gradient.

    References
    ----------
    Bates, D., Maechler, M., Bolker, B. & Walker, S. (2015). Fitting linear mixed-effects models using
    lme4. Journal of Statistical Software, 67(1). doi:10.18637/jss.v067.i01

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> family = np.repeat(np.arange(40), 5)
    >>> months = np.tile(np.arange(5.0), 40)
    >>> score = 25 - 0.8 * months + rng.normal(0, 3, 40)[family] + rng.normal(0, 2, 200)
    >>> data = pd.DataFrame({"family": family, "months": months, "score": score})
    >>> fit = fit_mixed("score ~ months + (1 | family)", data)
    >>> list(fit.fixed.index)
    ['Intercept', 'months']
    """
    check_rule(df, information, level)
    if method not in ("REML", "ML"):
        raise ModelError(f"method must be 'REML' or 'ML'; found {method!r}.")
    if df == "kenward-roger" and method != "REML":
        raise ModelError("Kenward-Roger needs REML; use method='REML', or df='satterthwaite' with 'ML'.")
    problem, design = design_problem(
        formula, data, weights=weights, residual=residual, reference=reference, missing=missing
    )
    solved = solve(problem, method=method, theta=theta, near=None if near is None else near.solution)
    return make_fit(solved, design, df=df, information=information, level=level, n_rows=len(data))


def make_fit(
    solved: MixedSolution,
    design: Design,
    *,
    df: DfRule,
    information: str | None,
    level: float,
    n_rows: int,
) -> MixedFit:
    """Dress a solution as a result."""
    return MixedFit(
        formula=design.formula.text,
        method=solved.method,
        df_rule=df,
        information=information,
        level=level,
        n_observations=len(solved.problem.y),
        n_dropped=n_rows - len(solved.problem.y),
        notes=design.notes + tables.fit_notes(solved) + _conservative_note(solved, df),
        design=design,
        solution=solved,
    )


def _conservative_note(solved: MixedSolution, rule: DfRule) -> tuple[Note, ...]:
    """Which effects got the degrees of freedom of the design, because of a variance at zero."""
    if rule not in ("satterthwaite", "kenward-roger") or not solved.is_singular:
        return ()
    design = design_degrees(solved)
    names = [name for name, singular in zip(solved.problem.x_names, design.singular, strict=True) if singular]
    if not names:
        return ()
    text = (
        f"Because a variance at their level is estimated as zero, the tests of {', '.join(names)} use no "
        "more degrees of freedom than the design gives (the number of groups less the effects between them)."
    )
    return (Note("design_degrees_of_freedom", text, {"terms": ", ".join(names)}),)
