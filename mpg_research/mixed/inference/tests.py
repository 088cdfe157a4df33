"""Standard errors, degrees of freedom, tests and limits for anything linear in the fixed effects."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from mpg_research.arrays import FloatArray
from mpg_research.errors import ModelError
from mpg_research.mixed.distributions import f_tail, t_p_value, t_quantile
from mpg_research.mixed.inference.design_degrees import DesignDegrees, design_degrees
from mpg_research.mixed.inference.satterthwaite_kenward_roger import (
    KenwardRoger,
    kenward_roger,
    satterthwaite_degrees,
    satterthwaite_test,
)
from mpg_research.mixed.search.solution import MixedSolution

__all__ = ["COLUMNS", "DfRule", "Inference", "JointTest", "estimate_rows", "make_inference"]

DfRule = Literal["satterthwaite", "kenward-roger", "residual", "normal"]
DF_RULES = ("satterthwaite", "kenward-roger", "residual", "normal")
INFORMATION = ("observed", "expected")

#: The columns of every table of estimates, in this order.
COLUMNS = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high")


@dataclass(frozen=True, slots=True)
class JointTest:
    """An F test that several linear combinations of the fixed effects are all zero.

    Attributes
    ----------
    hypothesis : str
        What was tested, in the user's words.
    statistic : float
        F (under ``df="normal"``: chi-square divided by its degrees of freedom).
    df : float
        Numerator degrees of freedom: the number of independent restrictions.
    df_denominator : float
        Denominator degrees of freedom; infinite under ``df="normal"``.
    p_value : float
    method : str
        The rule behind the denominator degrees of freedom.
    """

    hypothesis: str
    statistic: float
    df: float
    df_denominator: float
    p_value: float
    method: str

    @property
    def frame(self) -> pd.DataFrame:
        """The test as one row."""
        row = {
            "statistic": self.statistic,
            "df": self.df,
            "df_denominator": self.df_denominator,
            "p_value": self.p_value,
        }
        return pd.DataFrame(row, index=pd.Index([self.hypothesis], name="hypothesis"))


@dataclass(frozen=True, slots=True)
class Inference:
    """A rule made ready for one fit.

    Attributes
    ----------
    rule : str
    beta : array, shape (p,)
    covariance : array, shape (p, p)
        Of the fixed effects; adjusted for small samples under Kenward-Roger.
    solution : MixedSolution
    kind : {"observed", "expected"}
        Information of the variance parameters.
    constant : float or None
        Degrees of freedom of everything under "residual" and "normal".
    kenward : KenwardRoger or None
    design : DesignDegrees or None
        The design's degrees of freedom, a ceiling for effects whose variance is estimated as zero.

    Notes
    -----
    Where a variance is estimated as zero, Satterthwaite and Kenward-Roger follow from the model
    without it, which is over-confident if the variance is small rather than absent. Effects that
    live at that level therefore get the degrees of freedom of the design if these are fewer;
    ``estimated_df`` keeps the others.
    """

    rule: str
    beta: FloatArray
    covariance: FloatArray
    solution: MixedSolution = field(repr=False)
    kind: Any = "observed"
    constant: float | None = None
    kenward: KenwardRoger | None = field(default=None, repr=False)
    design: DesignDegrees | None = field(default=None, repr=False)

    def estimated_df(self, rows: FloatArray) -> FloatArray:
        """Degrees of freedom of each row of L, shape (r,), without the ceiling of the design."""
        if self.constant is not None:
            return np.where(np.isfinite(rows).all(axis=1), self.constant, np.nan)
        return _over_distinct(self._degrees, rows)

    def single_df(self, rows: FloatArray) -> FloatArray:
        """Degrees of freedom of each row of L, shape (r,); NaN for rows that cannot be estimated."""
        found = self.estimated_df(rows)
        return found if self.design is None else np.minimum(found, _over_distinct(self.design.of, rows))

    def joint(self, rows: FloatArray) -> tuple[float, float]:
        """F and its denominator degrees of freedom for L of full row rank."""
        if self.constant is not None:
            estimate = rows @ self.beta
            wald = estimate @ np.linalg.solve(rows @ self.covariance @ rows.T, estimate)
            return float(wald / len(rows)), self.constant
        if self.kenward is not None:
            found = self.kenward.test(rows)
        else:
            found = satterthwaite_test(self.solution, rows, kind=self.kind)
        ceiling = np.inf if self.design is None else float(self.design.of(rows).min())
        return found.statistic, min(found.denominator_df, ceiling)

    def _degrees(self, rows: FloatArray) -> FloatArray:
        if self.kenward is not None:
            return self.kenward.degrees(rows)
        return satterthwaite_degrees(self.solution, rows, kind=self.kind)


def make_inference(solution: MixedSolution, rule: DfRule, information: str | None) -> Inference:
    """Make an inference rule ready.

    Parameters
    ----------
    solution : MixedSolution
    rule : {"satterthwaite", "kenward-roger", "residual", "normal"}
    information : {"observed", "expected"} or None
        Of the variance parameters; None: observed for Satterthwaite, expected for Kenward-Roger.

    Returns
    -------
    Inference
    """
    n, p = solution.problem.x.shape
    if rule in ("normal", "residual"):
        constant = np.inf if rule == "normal" else float(n - p)
        return Inference(rule, solution.beta, solution.covariance, solution, constant=constant)
    design = design_degrees(solution) if solution.is_singular else None
    kind: Any = information or ("observed" if rule == "satterthwaite" else "expected")
    if rule == "satterthwaite":
        return Inference(rule, solution.beta, solution.covariance, solution, kind, design=design)
    found = kenward_roger(solution, kind=kind)
    return Inference(rule, solution.beta, found.covariance, solution, kind, kenward=found, design=design)


def _over_distinct(function: Callable[[FloatArray], FloatArray], rows: FloatArray) -> FloatArray:
    """Evaluate once per distinct row; NaN for rows that cannot be estimated."""
    good = np.isfinite(rows).all(axis=1)
    found = np.full(len(rows), np.nan)
    if good.any():
        distinct, inverse = np.unique(rows[good], axis=0, return_inverse=True)
        found[good] = np.asarray(function(distinct))[inverse.ravel()]
    return found


def estimate_rows(
    inference: Inference, rows: FloatArray, level: float, *, covariance: FloatArray | None = None
) -> pd.DataFrame:
    """Estimates of linear combinations of the fixed effects.

    Parameters
    ----------
    inference : Inference
    rows : array, shape (r, p)
    level : float
        Of the confidence limits.
    covariance : array, shape (r, r), optional
        If already computed.

    Returns
    -------
    DataFrame
        The seven columns of :data:`COLUMNS`, one row per combination; t statistics (z under
        ``df="normal"``).
    """
    rows = np.atleast_2d(rows)
    if covariance is None:
        variance = np.sum((rows @ inference.covariance) * rows, axis=1)
    else:
        variance = np.diagonal(covariance)
    return estimate_table(rows @ inference.beta, variance, inference.single_df(rows), level)


def estimate_table(estimate: FloatArray, variance: FloatArray, df: FloatArray, level: float) -> pd.DataFrame:
    """The seven columns of :data:`COLUMNS` from estimates, variances and degrees of freedom, each (r,)."""
    std_error = np.sqrt(np.maximum(variance, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(std_error > 0, estimate / std_error, np.nan)
    half = t_quantile(0.5 + level / 2, df) * std_error
    p_value = t_p_value(statistic, df)
    values = (estimate, std_error, df, statistic, p_value, estimate - half, estimate + half)
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def joint_test(inference: Inference, rows: FloatArray, hypothesis: str) -> JointTest:
    """Test that all rows of L times the fixed effects are zero; redundant rows are removed.

    Raises
    ------
    ModelError
        If no row says anything.
    """
    rows = np.atleast_2d(np.asarray(rows, dtype=np.float64))
    if not np.isfinite(rows).all():
        raise ModelError(f"{hypothesis}: the data cannot estimate this; there is nothing to test.")
    rows = _independent_rows(rows)
    if not len(rows):
        raise ModelError(f"{hypothesis}: there is nothing to test; every row of the matrix is zero.")
    if rows.shape[1] != len(inference.beta):
        raise ModelError(
            f"{hypothesis}: the matrix has {rows.shape[1]} columns; "
            f"expected {len(inference.beta)}, one per coefficient."
        )
    statistic, df_denominator = inference.joint(rows)
    p_value = f_tail(statistic, len(rows), df_denominator)
    return JointTest(hypothesis, statistic, float(len(rows)), df_denominator, p_value, inference.rule)


def _independent_rows(rows: FloatArray) -> FloatArray:
    """The rows themselves if independent, else an orthonormal basis of their space."""
    if not rows.size:
        return rows
    _, singular, right = np.linalg.svd(rows, full_matrices=False)
    rank = int((singular > 1e-9 * max(singular.max(), 1e-300)).sum())
    return rows if rank == len(rows) else right[:rank]


def check_rule(df: Any, information: Any, level: Any) -> None:
    """Refuse unknown rules in words.

    Raises
    ------
    ModelError
    """
    if df not in DF_RULES:
        raise ModelError(f"df must be one of {', '.join(DF_RULES)}; found {df!r}.")
    if information is not None and information not in INFORMATION:
        raise ModelError(f"information must be 'observed', 'expected' or None; found {information!r}.")
    check_level(level)


def check_level(level: Any) -> float:
    """The level of confidence limits, refused in words where it is none.

    Raises
    ------
    ModelError
    """
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
        raise ModelError(f"level must be a number between 0 and 1, such as 0.95; found {level!r}.")
    return float(level)
