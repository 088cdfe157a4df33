"""MixedFit: a fitted linear mixed model and the questions it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed import show_fit as display
from mpg_research.mixed.fit_numbers import FitNumbers
from mpg_research.mixed.inference import fit_tables as tables
from mpg_research.mixed.inference.combinations import read_combinations
from mpg_research.mixed.inference.estimates import Estimates
from mpg_research.mixed.inference.robust import RobustKind, cluster_robust
from mpg_research.mixed.inference.tests import (
    JointTest,
    check_level,
    estimate_rows,
    estimate_table,
    joint_test,
)
from mpg_research.mixed.inference.type_three_terms import term_matrix, term_names
from mpg_research.mixed.questions import bootstrap as resample
from mpg_research.mixed.questions import diagnostics
from mpg_research.mixed.questions.influence import group_influence
from mpg_research.mixed.questions.marginal_means import (
    Weights,
    estimate_means,
    estimate_slopes,
    mean_combinations,
)
from mpg_research.mixed.questions.predict import Interval, predict_rows
from mpg_research.mixed.search.solution import objective as deviance_at

__all__ = ["MixedFit"]


@dataclass(frozen=True, slots=True)
class MixedFit(FitNumbers):
    """A fitted linear mixed model; see :class:`FitNumbers` for the attributes.

    Made by :func:`fit_mixed`; nothing in it changes afterwards.
    """

    def objective(self, theta: ArrayLike) -> float:
        """Profiled (restricted) deviance at lme4's theta, shape (n_theta,).

        Parameters
        ----------
        theta : array_like, shape (n_theta,)
            Relative standard deviations and covariances of the random effects, as lme4 orders them.

        Returns
        -------
        float
            Minus twice the (restricted) log-likelihood.
        """
        return deviance_at(self.problem, theta, self.solution.method)

    def random_effects(self, group: str) -> tables.RandomEffects:
        """Conditional modes of a grouping factor with their standard errors and covariances.

        Parameters
        ----------
        group : str
            A grouping factor of the formula, e.g. "family" or "organisation:worker".

        Returns
        -------
        RandomEffects
        """
        return tables.random_effects(self.solution, group, self.level)

    def test(self, hypothesis: str | ArrayLike | pd.DataFrame) -> JointTest:
        """Joint F test.

        Parameters
        ----------
        hypothesis : str, array of shape (q, p), or DataFrame
            A term of the formula (type III: averaged over the levels of the other categorical
            variables, whatever their coding), a coefficient's name, or a matrix L for L beta = 0, as in
            :meth:`estimate`.

        Returns
        -------
        JointTest
        """
        if isinstance(hypothesis, str):
            return joint_test(self.inference, term_matrix(self.design, self.problem, hypothesis), hypothesis)
        return joint_test(self.inference, self._combinations(hypothesis)[0], "L beta = 0")

    def estimate(self, combinations: ArrayLike | pd.DataFrame, *, level: float | None = None) -> pd.DataFrame:
        """Estimates of linear combinations of the fixed effects.

        Parameters
        ----------
        combinations : array, shape (m, p) or (p,), or DataFrame
            Weights of the coefficients in the order of ``fixed``. A frame has one column per coefficient that
            counts, named as in ``fixed`` (the others weigh zero); its index names the rows of the result. It
            may also name columns that were left out because others determine them: the weights then are of
            all columns of the formula, and a row that the data cannot estimate is empty. Weights that name
            none of those are of the model without them.
        level : float, optional
            Of the limits; the fit's level when left out.

        Returns
        -------
        DataFrame
            estimate, std_error, df, statistic, p_value, conf_low, conf_high; a row per combination, empty
            (NaN) where its weights are, or where the data cannot estimate it.

        Raises
        ------
        ModelError
            If the weights are not one per coefficient, or name a coefficient the model does not have.
        """
        rows, index = self._combinations(combinations)
        limit = self.level if level is None else check_level(level)
        return estimate_rows(self.inference, rows, limit).set_axis(index)

    def _combinations(self, given: Any) -> tuple[FloatArray, pd.Index]:
        """Weights of the coefficients, (m, p), and the names of the rows."""
        design = self.design
        return read_combinations(given, self.problem.x_names, design.aliased, design.estimability)

    def cluster_robust(
        self,
        group: str | None = None,
        *,
        kind: RobustKind = "CR2",
        combinations: ArrayLike | pd.DataFrame | None = None,
        level: float | None = None,
    ) -> pd.DataFrame:
        """Fixed effects with cluster-robust standard errors: right even if the random part is wrong.

        Parameters
        ----------
        group : str, optional
            The clusters, a grouping factor within whose groups all others lie; the coarsest when left out.
        kind : {"CR0", "CR2"}
            CR2 is corrected for few clusters; see
            :func:`~mpg_research.mixed.inference.robust.cluster_robust`.
        combinations : array or DataFrame, optional
            Combinations of the coefficients instead of the coefficients, as in :meth:`estimate`.
        level : float, optional
            Of the limits; the fit's level when left out.

        Returns
        -------
        DataFrame
            estimate, std_error, df (Satterthwaite's), statistic, p_value, conf_low, conf_high. With few
            clusters the df can be far below their number: then there is little to go by.
        """
        names = pd.Index(self.problem.x_names, name="term")
        rows, index = np.eye(len(names)), names
        if combinations is not None:
            rows, index = self._combinations(combinations)
        limit = self.level if level is None else check_level(level)
        found = cluster_robust(self.solution, group, kind=kind)
        variance = np.einsum("ij,jk,ik->i", rows, found.covariance, rows)
        table = estimate_table(rows @ self.solution.beta, variance, found.degrees(rows), limit)
        return table.set_axis(index)

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
            Where to look; without it numeric variables stand at their mean, or at both values if they
            have only two (an indicator of 0 and 1), as in emmeans.
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

    def mean_combinations(
        self, variables: str | Sequence[str], *, at: Mapping[str, Any] | None = None
    ) -> FloatArray:
        """The combinations of the fixed effects that :meth:`means` estimates, without estimating them.

        Parameters
        ----------
        variables, at
            As in :meth:`means`.

        Returns
        -------
        ndarray, shape (means, p)
        """
        return mean_combinations(self.design, variables, at, "equal")

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
            A numeric column of the formula.
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
            estimate, std_error, df, conf_low, conf_high; the index of the data. Empty (NaN) where the data
            of the fit cannot estimate the mean, as in a combination of levels that did not occur.
        """
        return predict_rows(
            self.solution,
            self.design,
            self.inference,
            new_data,
            random_effects=random_effects,
            unseen=unseen,
            interval=interval,
            level=self.level if level is None else check_level(level),
        )

    def tests(self) -> pd.DataFrame:
        """Type III F tests of all fixed terms: statistic, df, df_denominator, p_value by term.

        Empty (NaN) where the hypothesis is not defined; :meth:`test` says why.
        """
        columns = ["statistic", "df", "df_denominator", "p_value"]
        rows: dict[str, list[float]] = {}
        for name in term_names(self.design):
            try:
                rows[name] = self.test(name).frame.iloc[0].tolist()
            except ModelError:
                rows[name] = [np.nan] * len(columns)
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns, dtype=float).rename_axis("term")

    def r_squared(self) -> diagnostics.RSquared:
        """Variance explained by the fixed effects alone, and with the random effects."""
        return diagnostics.r_squared(self.solution)

    def icc(self) -> pd.DataFrame:
        """Share of the unexplained variance by grouping factor: ``variance`` and ``icc``."""
        return diagnostics.intraclass_table(self.solution)

    def residuals(self, kind: diagnostics.ResidualKind = "conditional") -> pd.Series:
        """Residuals by row.

        ``"conditional"`` (also ``"response"``, R's name), ``"marginal"``, ``"pearson"`` (divided by their
        residual standard deviation, as in nlme) or ``"normalised"``.

        Parameters
        ----------
        kind : {"conditional", "response", "marginal", "pearson", "normalised"}
            Around the line of the group or (marginal) of the fixed effects; which of the above.

        Returns
        -------
        Series
            One value per row of the model, in points, or in standard deviations.
        """
        return diagnostics.residual_series(self.solution, self.design, kind)

    def influence(self, group: str) -> pd.DataFrame:
        """Cook's distance and change of each coefficient when a group is left out, by level.

        The variances stay as estimated from all data; changes are in standard errors.

        Parameters
        ----------
        group : str
            A grouping factor of the formula.

        Returns
        -------
        DataFrame
            One row per level.
        """
        return group_influence(self.solution, group)

    def simulate(self, n: int = 1, rng: resample.Randomness = 0) -> FloatArray:
        """Outcomes drawn from the fitted model, shape (n, n_observations); ``rng`` a generator or seed.

        Parameters
        ----------
        n : int
            Data sets.
        rng : Generator or int
            Randomness, or a seed.

        Returns
        -------
        ndarray, shape (n, n_observations)
            In points.
        """
        return resample.simulate(self.solution, n, rng)

    def bootstrap(self, n: int = 1000, rng: resample.Randomness = 0) -> resample.Bootstrap:
        """Parametric bootstrap: ``n`` refits to simulated outcomes; ``rng`` a generator or seed.

        Parameters
        ----------
        n : int
            Refits.
        rng : Generator or int
            Randomness, or a seed.

        Returns
        -------
        Bootstrap
        """
        return resample.bootstrap(self.solution, n, rng, self.level)

    def profile(self) -> pd.DataFrame:
        """Profile-likelihood intervals of all parameters: estimate, conf_low, conf_high.

        By maximum likelihood, as in lme4; a REML fit is refitted for it.
        """
        from mpg_research.mixed.questions.profile_intervals import profile_intervals  # loads scipy.optimize

        return profile_intervals(self.solution, self.level)

    def summary(self) -> str:
        """The fit as plain text."""
        return display.text(self)

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return display.html(self)
