"""fit_mixed and its result: the public face of the mixed-model engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mpg_research.errors import ModelError, Note
from mpg_research.mixed import display, tables
from mpg_research.mixed.design import Design, design_problem
from mpg_research.mixed.estimates import Estimates
from mpg_research.mixed.inference import (
    DfRule,
    Inference,
    JointTest,
    check_rule,
    estimate_rows,
    joint_test,
    make_inference,
)
from mpg_research.mixed.means import Weights, estimate_means, estimate_slopes
from mpg_research.mixed.predict import Interval, predict_rows
from mpg_research.mixed.problem import MixedProblem
from mpg_research.mixed.solution import MixedSolution, solve
from mpg_research.mixed.solution import objective as deviance_at
from mpg_research.mixed.terms import term_matrix

__all__ = ["MixedFit", "fit_mixed"]

FloatArray = NDArray[np.float64]


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
) -> "MixedFit":
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
    residual : AR1, CAR1 or VarianceBy, optional
        Structure of the residuals; independent with one variance when left out.
    reference : mapping of column to level, optional
        Reference levels of categorical columns; the first in sort order (or of the categories) when left out.
    missing : {"drop", "error"}
        Rows with a missing value in a column of the model are dropped and counted, or refused.
    theta : array, optional
        Evaluate the model here instead of optimising: the relative covariance factors in lme4's order
        (terms by decreasing number of groups; per term the lower triangle by columns).

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
    if residual is not None:
        raise ModelError("Residual structures are not available yet; leave residual out.")
    problem, design = design_problem(formula, data, weights=weights, reference=reference, missing=missing)
    given = None if theta is None else np.asarray(theta, dtype=np.float64)
    solved = solve(problem, method=method, theta=given)
    return make_fit(solved, design, df=df, information=information, level=level, n_rows=len(data))


def make_fit(
    solved: MixedSolution,
    design: Design,
    *,
    df: DfRule,
    information: str | None,
    level: float,
    n_rows: int,
) -> "MixedFit":
    """Dress a solution as a result."""
    return MixedFit(
        formula=design.formula.text,
        method=solved.method,
        df_rule=df,
        information=information,
        level=level,
        n_observations=len(solved.problem.y),
        n_dropped=n_rows - len(solved.problem.y),
        notes=design.notes + tables.fit_notes(solved),
        design=design,
        solution=solved,
    )


@dataclass(frozen=True, slots=True)
class MixedFit:
    """A fitted linear mixed model.

    Attributes
    ----------
    formula : str
    method : {"REML", "ML"}
    df_rule : str
        The degrees of freedom asked for.
    information : str or None
    level : float
        Of all confidence limits.
    n_observations, n_dropped : int
        Rows used, and rows left out because a value was missing.
    notes : tuple of Note
        What a reader must know: rows and columns left out, a boundary fit, no convergence.
    design, solution
        How the formula became arrays, and the numbers behind the result; not part of the contract.
    """

    formula: str
    method: str
    df_rule: DfRule
    information: str | None
    level: float
    n_observations: int
    n_dropped: int
    notes: tuple[Note, ...]
    design: Design = field(repr=False)
    solution: MixedSolution = field(repr=False)
    _memory: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    # -- what was fitted

    @property
    def problem(self) -> MixedProblem:
        """The arrays behind the model."""
        return self.solution.problem

    @property
    def inference(self) -> Inference:
        """The covariance and degrees of freedom in force."""
        if "inference" not in self._memory:
            self._memory["inference"] = make_inference(self.solution, self.df_rule, self.information)
        found: Inference = self._memory["inference"]
        return found

    @property
    def fixed(self) -> pd.DataFrame:
        """Fixed effects by term: estimate, std_error, df, statistic, p_value, conf_low, conf_high."""
        if "fixed" not in self._memory:
            table = estimate_rows(self.inference, np.eye(len(self.solution.beta)), self.level)
            self._memory["fixed"] = table.set_axis(pd.Index(self.problem.x_names, name="term"))
        found: pd.DataFrame = self._memory["fixed"]
        return found.copy()

    @property
    def covariance(self) -> pd.DataFrame:
        """Covariance of the fixed effects (adjusted under Kenward-Roger), by term."""
        names = pd.Index(self.problem.x_names, name="term")
        return pd.DataFrame(self.inference.covariance, index=names, columns=list(names))

    @property
    def random(self) -> pd.DataFrame:
        """Variances and covariances: group, term_1, term_2, covariance, sd, correlation."""
        return tables.variance_table(self.solution)

    @property
    def residual_sd(self) -> float:
        """Residual standard deviation, in the unit of the outcome."""
        return float(np.sqrt(self.solution.sigma2))

    @property
    def theta(self) -> FloatArray:
        """Relative covariance factors in lme4's order, shape (n_theta,)."""
        return self.solution.theta.copy()

    @property
    def log_likelihood(self) -> float:
        """Log-likelihood, restricted under REML."""
        return float(self.solution.log_likelihood)

    @property
    def deviance(self) -> float:
        """Minus twice the (restricted) log-likelihood."""
        return float(self.solution.deviance)

    @property
    def n_parameters(self) -> int:
        """Fixed effects, variance parameters and the residual variance, as lme4 counts them."""
        return len(self.solution.beta) + len(self.solution.theta) + 1

    @property
    def aic(self) -> float:
        """Akaike's criterion, from the restricted likelihood under REML as in lme4."""
        return self.deviance + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        """Schwarz's criterion, with n the number of observations as in lme4."""
        return float(self.deviance + np.log(self.n_observations) * self.n_parameters)

    @property
    def n_groups(self) -> dict[str, int]:
        """Number of groups of each grouping factor."""
        return {term.group: len(term.levels) for term in self.problem.random}

    @property
    def convergence(self) -> tables.Convergence:
        """Whether the optimiser arrived, in words; true in a condition when it did."""
        gradient = self.solution.gradient
        largest = float(np.abs(gradient).max()) if len(gradient) else 0.0
        return tables.Convergence(
            self.solution.converged, self.solution.message, self.solution.n_evaluations, largest
        )

    @property
    def converged(self) -> bool:
        """Whether the optimiser arrived."""
        return self.solution.converged

    @property
    def is_singular(self) -> bool:
        """Whether a variance is zero or random effects are perfectly dependent."""
        return self.solution.is_singular

    # -- questions

    def objective(self, theta: ArrayLike) -> float:
        """Profiled (restricted) deviance at lme4's theta, shape (n_theta,)."""
        return deviance_at(self.problem, np.asarray(theta, dtype=np.float64), self.solution.method)

    def random_effects(self, group: str) -> tables.RandomEffects:
        """Conditional modes of a grouping factor with their standard errors and covariances."""
        return tables.random_effects(self.solution, group, self.level)

    def test(self, hypothesis: str | ArrayLike) -> JointTest:
        """Joint F test.

        Parameters
        ----------
        hypothesis : str or array, shape (q, p)
            A term of the formula (type III: averaged over the levels of the other categorical
            variables, whatever their coding), a coefficient's name, or a matrix L for L beta = 0.

        Returns
        -------
        JointTest
        """
        if isinstance(hypothesis, str):
            return joint_test(self.inference, term_matrix(self.design, self.problem, hypothesis), hypothesis)
        return joint_test(self.inference, np.asarray(hypothesis, dtype=np.float64), "L beta = 0")

    def means(
        self,
        variables: str | Sequence[str],
        *,
        at: Mapping[str, Any] | None = None,
        weights: Weights = "equal",
    ) -> Estimates:
        """Estimated marginal means.

        Parameters
        ----------
        variables : str or sequence of str
            Variables of the fixed part whose levels are shown and compared.
        at : mapping of variable to value or values, optional
            Where to look; without it numeric variables stand at their mean.
        weights : {"equal", "proportional"}
            How the other categorical variables are averaged over: every combination counts the same,
            or as often as it occurs in the data.

        Returns
        -------
        Estimates
            ``.frame`` with the key columns and the seven columns of estimates; ``.contrasts()``.

        References
        ----------
        Searle, S. R., Speed, F. M. & Milliken, G. A. (1980). The American Statistician, 34, 216-221.
        doi:10.1080/00031305.1980.10483031
        """
        return estimate_means(self.design, self.inference, self.level, variables, at, weights)

    def slopes(
        self,
        variable: str,
        *,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        weights: Weights = "equal",
    ) -> Estimates:
        """Change of the outcome per unit of a numeric variable.

        Parameters
        ----------
        variable : str
        by : str or sequence of str, optional
            Variables whose levels get a slope each, and are compared.
        at : mapping, optional
            Values of other variables, or of the variable itself where its effect is a curve.
        weights : {"equal", "proportional"}
            As in :meth:`means`.

        Returns
        -------
        Estimates
        """
        return estimate_slopes(self.design, self.inference, self.level, variable, by, at, weights)

    def predict(
        self,
        new_data: pd.DataFrame | None = None,
        *,
        random_effects: str | Sequence[str] = "none",
        unseen: Literal["error", "population"] = "error",
        interval: Interval = None,
        level: float | None = None,
    ) -> pd.DataFrame:
        """Predicted outcomes.

        Parameters
        ----------
        new_data : DataFrame, optional
            The rows of the fit when left out.
        random_effects : "none", "all" or a sequence of grouping factors
            Which random effects enter the prediction.
        unseen : {"error", "population"}
            What to do with groups that the fit has not seen.
        interval : None, "confidence" or "prediction"
            Limits for the mean, or for a new observation: the residual and the random effects that
            were not asked for are then part of the uncertainty.
        level : float, optional
            Of the limits; the fit's level when left out.

        Returns
        -------
        DataFrame
            estimate, std_error, df, conf_low, conf_high; the index of the data.
        """
        return predict_rows(
            self.solution,
            self.design,
            self.inference,
            new_data,
            random_effects=random_effects,
            unseen=unseen,
            interval=interval,
            level=self.level if level is None else level,
        )

    def summary(self) -> str:
        """The fit as plain text."""
        return display.text(self)

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return display.html(self)
