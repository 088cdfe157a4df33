"""How well the growth model fits: what it explains, its residuals, who weighs in, and whether it converged.

Tables of :class:`ModelFit` (beside ``sample_flow``)
----------------------------------------------------
Each but the residuals by class has the families of the model in ``n_families``.

- ``coefficients``, ``variance_components``: as in the trajectory.
- ``fit_statistics(quantity, value)``: ``r2_marginal`` and ``r2_conditional``, ``residual_sd``,
  ``log_likelihood``, ``aic`` and ``bic`` (restricted, as lme4 counts them; in whole numbers),
  ``n_parameters``, ``n_measurements``.
- ``variance_shares(group, unexplained_variance, icc)``: share of the variance that the fixed effects leave,
  by who differs; with random slopes averaged over the measurements.
- ``residuals_by_fitted(tenth, fitted, residual_mean, residual_sd, n_measurements)``: conditional residuals by
  tenth of the expected scores.
- ``residual_spread(from_sd_low, from_sd_high, n_measurements, share, normal_share)``: residuals freed from
  their correlation, in standard deviations, beside the shares of a normal distribution; the outer classes are
  open.
- ``influence(of_leaving_out, p10, p25, p50, p75, p90)``: by leaving out each family, ``change_of_answer`` (of
  the change at the primary month, in its standard errors) and ``cooks_distance``; the largest are never
  shown.
- ``deviance_slices(group, term_1, term_2, moved_by, deviance_rise)``: the deviance along each covariance
  parameter, the others held, against that of the fit; moved by 1 it has risen by about four (two standard
  errors).

References
----------
Nakagawa, S. & Schielzeth, H. (2013). https://doi.org/10.1111/j.2041-210x.2012.00261.x; random slopes after
Johnson, P. C. D. (2014). https://doi.org/10.1111/2041-210X.12225

Christensen, R., Pearson, L. M. & Johnson, W. (1992). Case-deletion diagnostics for mixed models.
*Technometrics*, 34, 38-45. https://doi.org/10.2307/1269550
"""

from dataclasses import dataclass, field
from typing import ClassVar

import pandas as pd

from mpg_research.analysis.columns import by_row, coded, modelled, number_of, tally
from mpg_research.analysis.growth.estimate_tables import (
    coefficient_table,
    model_notes,
    pooled_table,
    variance_table,
)
from mpg_research.analysis.growth.growth_model import (
    DEFAULT_RULE,
    GrowthModel,
    OrganisationRole,
    Shape,
    fit_growth,
)
from mpg_research.analysis.growth.model_frame import prepare_frame
from mpg_research.analysis.growth.question import choose_scores
from mpg_research.analysis.growth.rule import GrowthRule
from mpg_research.analysis.result import Result, ResultTable, collect_tables, sample_flow_table
from mpg_research.analysis.robustness.fit_pictures import (
    deviance_slices,
    influence_table,
    residual_spread,
    residuals_by_fitted,
)
from mpg_research.mixed import DfRule
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, Scores

__all__ = ["ModelFit", "describe_model", "fit_statistics", "variance_shares"]

_VALUE = {
    "r2_marginal": modelled("value", digits=3),
    "r2_conditional": modelled("value", digits=3),
    "residual_sd": modelled("value", digits=2),
    "log_likelihood": modelled("value", digits=0),
    "aic": modelled("value", digits=0),
    "bic": modelled("value", digits=0),
    "n_parameters": tally("value"),
    "n_measurements": number_of("value", of="measurements"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFit(Result):
    """What :func:`describe_model` found; its tables are described in the module's docstring.

    Attributes
    ----------
    model : GrowthModel
        The fitted model.
    """

    model: GrowthModel = field(repr=False)
    kind: ClassVar[str] = "model_fit"


def describe_model(
    study: Study,
    *,
    scores: Scores = AS_CONFIGURED,
    shape: Shape = "spline",
    organisation: bool | OrganisationRole = False,
    case_mix: tuple[str, ...] | None = (),
    worker: bool | None = None,
    df: DfRule = "kenward-roger",
    level: float = 0.95,
    rule: GrowthRule = DEFAULT_RULE,
) -> ModelFit:
    """Look at how well the growth model of a study fits.

    Parameters
    ----------
    study : Study
        A loaded study.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says.
    shape : {"linear", "spline"}
        Of the mean course, as in :func:`fit_trajectory`.
    organisation : {False, True, "fixed", "random"}
        Whether organisations have their own level and course; True means "fixed".
    case_mix : tuple of str, optional
        Columns of ``episodes`` to adjust for; None asks for those of ``study.toml``.
    worker : bool, optional
        Random effects of workers; by default as in :func:`fit_trajectory`.
    df : str
        Rule of the degrees of freedom.
    level : float
        Confidence level.
    rule : GrowthRule
        Knots of the mean course, what each family has of its own, and whether residuals carry on.

    Returns
    -------
    ModelFit
        Tables ``fit_statistics``, ``coefficients``, ``variance_components``, ``variance_shares``,
        ``residuals_by_fitted``, ``residual_spread``, ``influence``, ``deviance_slices`` and ``sample_flow``.

    Raises
    ------
    ModelError
        If the measurements cannot carry a growth model.

    Examples
    --------
    >>> from mpg_research import describe_model, load_study
    >>> from mpg_research.study import shipped_example
    >>> found = describe_model(load_study(shipped_example()))
    >>> quantities = found.tables["fit_statistics"].data.set_index("quantity")["value"]
    >>> bool(0 < quantities["r2_marginal"] < quantities["r2_conditional"] < 1)
    True
    """
    question = choose_scores(study, scores, case_mix=case_mix, months=None)
    role: OrganisationRole = "fixed" if organisation is True else organisation
    frame = prepare_frame(
        question.course,
        by_organisation=role == "fixed",
        until=question.primary_month,
        minimum_measured=question.reach.minimum,
    )
    model = fit_growth(frame, shape=shape, organisation=role, worker=worker, df=df, level=level, rule=rule)
    tables = [sample_flow_table(frame.flow)]
    if model.converged:
        tables += [
            fit_statistics(model),
            coefficient_table(model),
            variance_table(model),
            variance_shares(model),
            residuals_by_fitted(model),
            residual_spread(model),
            influence_table(model, question.primary_month),
            deviance_slices(model),
        ]
    notes = model_notes(model, question.months, minimum=study.config.disclosure.minimum_families)
    return ModelFit(
        model=model,
        tables=collect_tables(tables),
        level=level,
        converged=model.converged,
        **question.parts(
            frame.flow, notes, shape=model.shape, organisation=role, worker=model.worker, df=df, level=level,
            formula=rule.told(model.formula), **rule.described,
        ),
    )  # fmt: skip


def fit_statistics(model: GrowthModel) -> ResultTable:
    """Explained variance, residual standard deviation and likelihood of a fit.

    Parameters
    ----------
    model : GrowthModel
    """
    # AIC and BIC in whole numbers: with more digits they would give away the exact number of measurements.
    fit, explained = model.fit, model.fit.r_squared()
    n_parameters = len(fit.solution.beta) + len(fit.theta) + 1
    found = {
        "r2_marginal": explained.marginal,
        "r2_conditional": explained.conditional,
        "residual_sd": fit.residual_sd,
        **{
            name: float(round(value))
            for name, value in (("log_likelihood", fit.log_likelihood), ("aic", fit.aic), ("bic", fit.bic))
        },
        "n_parameters": float(n_parameters),
        "n_measurements": float(fit.n_observations),
    }
    data = pd.DataFrame({"quantity": list(found), "value": list(found.values())})
    columns = (coded("quantity"), by_row("value", "quantity", _VALUE, "model"))
    return pooled_table("fit_statistics", data, model.frame, columns=columns)


def variance_shares(model: GrowthModel) -> ResultTable:
    """Intraclass correlations: where the variance lies that the fixed effects leave.

    Parameters
    ----------
    model : GrowthModel
    """
    data = model.fit.icc().reset_index().replace({"group": {"Residual": "residual"}})
    data = data.rename(columns={"variance": "unexplained_variance"})
    columns = (coded("group"), modelled("unexplained_variance", digits=2), modelled("icc", digits=3))
    return pooled_table("variance_shares", data, model.frame, columns=columns)
