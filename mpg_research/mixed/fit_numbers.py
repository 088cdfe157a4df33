"""What a fit is: its numbers, as a frozen record."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError, Note
from mpg_research.mixed.design.build import Design
from mpg_research.mixed.inference import fit_tables as tables
from mpg_research.mixed.inference.design_degrees import design_degrees
from mpg_research.mixed.inference.tests import DfRule, Inference, estimate_rows, make_inference
from mpg_research.mixed.problem import MixedProblem
from mpg_research.mixed.search.solution import MixedSolution

__all__ = ["FitNumbers"]


@dataclass(frozen=True, slots=True)
class FitNumbers:
    """The estimates of a linear mixed model.

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
    def degrees_of_freedom(self) -> pd.DataFrame:
        """Where each coefficient's degrees of freedom come from.

        By term: ``df`` (in force), ``estimated_df`` (the rule's own), ``design_df`` (groups at the
        level where the effect lives less the effects there; NaN within groups), ``level`` and
        ``on_boundary`` (the variance it needs is estimated as zero, so the smaller df is in force).
        """
        eye = np.eye(len(self.solution.beta))
        design = design_degrees(self.solution)
        columns = {
            "df": self.inference.single_df(eye),
            "estimated_df": self.inference.estimated_df(eye),
            "design_df": design.df,
            "level": list(design.group),
            "on_boundary": design.singular,
        }
        return pd.DataFrame(columns, index=pd.Index(self.problem.x_names, name="term"))

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
        """Relative covariance factors in lme4's order, shape (n_theta,).

        Terms by decreasing number of groups; per term the lower triangle of Lambda by columns. The
        parameters of a residual structure, if there is one, stand behind them.
        """
        return np.concatenate([self.solution.theta, self.solution.residual_parameters])

    @property
    def residual_parameters(self) -> dict[str, float]:
        """Parameters of the residual structure by name: correlations, or ratios of standard deviations."""
        values = self.solution.residual_parameters.tolist()
        return dict(zip(self.solution.residual_names, values, strict=True))

    @property
    def residual_covariance(self) -> pd.DataFrame:
        """Covariances of the residuals of one series by wave, in squared units of the outcome.

        Raises
        ------
        ModelError
            If the residual structure is not one of waves (:class:`Unstructured`).
        """
        structure = self.problem.residual
        found = None if structure is None else structure.covariance(self.solution.residual_parameters)
        if found is None:
            raise ModelError(
                "residual_covariance needs residual=Unstructured(wave, within=series) and no VarianceBy "
                "beside it; this model has no matrix over waves. Its parameters are in residual_parameters."
            )
        names, relative = found
        index = pd.Index(names, name=structure.variance_columns[0])
        return pd.DataFrame(self.solution.sigma2 * relative, index=index, columns=list(names))

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
        return len(self.solution.beta) + len(self.theta) + 1

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
