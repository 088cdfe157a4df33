"""How the score develops during help, over all families of a study.

Tables of :class:`TrajectoryFit` (beside ``sample_flow``)
--------------------------------------------------------
Each has the families of the model in ``n_families`` and their organisations in ``n_organisations``; in
``observed_course`` those measured around the month.

- ``mean_course(months, ...)``: expected score of the average family at the months asked for.
- ``mean_curve(months, ...)``: the same, month by month, for a figure.
- ``change(months, ..., standardised, standardised_low, standardised_high)``: change since the start.
- ``observed_course(months, mean, sd, n_measurements)``: means of families measured around each month.
- ``coefficients(term, ...)``, ``variance_components(group, term_1, term_2, covariance, sd, correlation)``;
  where residuals carry on the last row has their correlation a month apart.
- ``robust_change(months, estimate, conf_low, conf_high, robust_error, robust_low, robust_high,
  error_ratio)``: :mod:`~mpg_research.analysis.growth.robust_errors`.
- ``sensitivity(approach, months, ...)``, where help had ended for many before the primary month:
  :mod:`~mpg_research.analysis.growth.help_ended`.

``...`` stands for estimate, std_error, df, statistic, p_value, conf_low, conf_high.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Unpack

import pandas as pd

from mpg_research.analysis.columns import (
    EACH_ORGANISATION,
    ESTIMATE,
    LEVEL_ESTIMATE,
    MONTHS,
    N_MEASUREMENTS,
    STANDARDISED,
    observed,
)
from mpg_research.analysis.growth.curve_ends import end_curves
from mpg_research.analysis.growth.estimate_tables import (
    add_standardised,
    coefficient_table,
    estimate_rows,
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
from mpg_research.analysis.growth.help_ended import ended_note, sensitivity_table, share_ended
from mpg_research.analysis.growth.help_periods import periods_of_course
from mpg_research.analysis.growth.model_frame import ModelFrame, prepare_frame
from mpg_research.analysis.growth.observed_means import month_grid, observed_means
from mpg_research.analysis.growth.question import ModelQuestion, choose_scores
from mpg_research.analysis.growth.robust_errors import robust_change
from mpg_research.analysis.growth.rule import GrowthRule
from mpg_research.analysis.growth.scale import hold_to_scale
from mpg_research.analysis.result import (
    Result,
    ResultTable,
    collect_tables,
    sample_flow_table,
)
from mpg_research.mixed import DfRule
from mpg_research.study.model import Study
from mpg_research.study.which_scores import AS_CONFIGURED, ScoreKeywords, Scores, gather

__all__ = ["TrajectoryFit", "fit_course", "fit_trajectory", "observed_table"]

_STANDARDISED = ("standardised", "standardised_low", "standardised_high")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrajectoryFit(Result):
    """What :func:`fit_trajectory` found; its tables are described in the module's docstring.

    Attributes
    ----------
    model : GrowthModel
        The fitted model, for further questions (``model.fit`` is the mixed-model fit).
    primary_month : float
        The month that a one-sentence answer is about.
    baseline_sd : float
        Standard deviation that changes are divided by, in points.
    """

    model: GrowthModel = field(repr=False)
    primary_month: float
    baseline_sd: float
    kind: ClassVar[str] = "trajectory"


def fit_trajectory(
    study: Study,
    *,
    scores: Scores = AS_CONFIGURED,
    shape: Shape = "spline",
    organisation: bool | OrganisationRole = False,
    case_mix: tuple[str, ...] | None = None,
    months: tuple[float, ...] | list[float] | None = None,
    worker: bool | None = None,
    df: DfRule = "kenward-roger",
    level: float = 0.95,
    rule: GrowthRule = DEFAULT_RULE,
    **older: Unpack[ScoreKeywords],
) -> TrajectoryFit:
    """Fit a growth model to the scores in the course of help.

    Parameters
    ----------
    study : Study
        A loaded study.
    scores : Scores, optional
        Which scores; by default as ``study.toml`` says.
    shape : {"linear", "spline"}
        A natural cubic spline, or a straight line. Families tend to improve fast at first; a line through
        such a course misleads at every single month (a note says so where it does).
    organisation : {False, True, "fixed", "random"}
        Whether organisations have their own level and course; True means "fixed". The mean course is
        then that of the average family, organisations weighing as their number of families.
    case_mix : tuple of str, optional
        Columns of ``episodes`` to adjust for, in level and in change; none by default.
    months : sequence of float, optional
        Moments to report, in months (or waves) since the start; by default those of ``study.toml``.
    worker : bool, optional
        Random effects of workers; by default where workers are known, ten or more, and have two families
        on average.
    df : str
        Rule of the degrees of freedom: "satterthwaite", "kenward-roger", "residual" or "normal".
    level : float
        Confidence level.
    rule : GrowthRule
        Knots of the mean course, what each family has of its own, and whether residuals carry on;
        ``GrowthRule.simple()`` is a straight line per family with independent residuals.
    **older
        Parts of `scores` as own keywords: ``instrument``, ``outcome``, ``respondents``, ``episodes``.

    Returns
    -------
    TrajectoryFit
        Tables ``mean_course``, ``mean_curve``, ``change``, ``observed_course``, ``coefficients``,
        ``variance_components``, ``sample_flow``, ``robust_change`` and ``sensitivity`` (the
        module says what each holds; some are there only where the study has what they need).

    Raises
    ------
    ModelError
        If the measurements cannot carry a growth model.
    ConfigError
        If an option is impossible.

    Notes
    -----
    ``score ~ spline(months) + (1 + months + log(1 + months) | family)``, by REML, the knots equally spaced
    in the square root of time, residuals that carry on within a series of a family. Added are
    ``(1 | family:respondent)`` with both respondents, ``(1 | family:episode)`` with all episodes,
    ``(1 + months || worker)`` with workers and ``(1 + months + log(1 + months) | organisation)`` with random
    organisations. A standardised change is the
    change divided by the standard deviation of the families' first scores (within the first month), with
    Hedges' correction.

    Examples
    --------
    >>> from mpg_research import fit_trajectory, load_study
    >>> from mpg_research.study import shipped_example
    >>> fit = fit_trajectory(load_study(shipped_example()))
    >>> change = fit.tables["change"].data.set_index("months")
    >>> bool(change.loc[12, "conf_high"] < 0)  # stress falls
    True
    """
    (scores,) = gather(older, scores)
    question = choose_scores(study, scores, case_mix=case_mix or (), months=months)
    role: OrganisationRole = "fixed" if organisation is True else organisation
    asked = _Asked(shape, role, worker, df, level, rule)
    return _fitted(study, question, asked, beside=True)


def fit_course(
    study: Study, *, scores: Scores, months: tuple[float, ...] | list[float] | None, level: float
) -> TrajectoryFit:
    """The course of :func:`fit_trajectory`, without the tables that check it by other models.

    Parameters
    ----------
    study : Study
    scores : Scores
    months : sequence of float or None
    level : float
    """
    question = choose_scores(study, scores, case_mix=(), months=months)
    asked = _Asked("spline", False, None, "kenward-roger", level, DEFAULT_RULE)
    return _fitted(study, question, asked, beside=False)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of the model."""

    shape: Shape
    role: OrganisationRole
    worker: bool | None
    df: DfRule
    level: float
    rule: GrowthRule


def _fitted(study: Study, question: ModelQuestion, asked: _Asked, *, beside: bool) -> TrajectoryFit:
    """Fit and tabulate; ``beside``: with what robust errors and a freer curve say."""
    role, df, level = asked.role, asked.df, asked.level
    frame = prepare_frame(
        question.course,
        by_organisation=role == "fixed",
        until=question.primary_month,
        minimum_measured=question.reach.minimum,
    )
    model = fit_growth(
        frame, shape=asked.shape, organisation=role, worker=asked.worker, df=df, level=level, rule=asked.rule
    )
    month = question.primary_month
    tables = trajectory_tables(model, question.months, level)
    notes = model_notes(model, question.months, minimum=study.config.disclosure.minimum_families)
    if model.converged and beside:
        later = [one for one in question.months if one > 0]
        robust, said = robust_change(model, later, month)
        share = share_ended(periods_of_course(study, question.course, month=month))
        tables |= collect_tables([robust, sensitivity_table(model, share, month, df)])
        notes += [*said, *ended_note(share, month)]
    tables, held = hold_to_scale(tables, question.scale)
    tables, _ = end_curves(tables, question.reach)
    notes += held
    return TrajectoryFit(
        model=model,
        primary_month=month,
        baseline_sd=frame.baseline.sd,
        tables=tables,
        level=level,
        converged=model.converged,
        **question.parts(
            frame.flow, notes, shape=model.shape, organisation=role,
            worker=model.worker, df=df, level=level, formula=asked.rule.told(model.formula),
            **asked.rule.described,
        ),
    )  # fmt: skip


def trajectory_tables(model: GrowthModel, months: list[float], level: float) -> dict[str, ResultTable]:
    """The tables of a trajectory, from a fitted model."""
    frame = model.frame
    later = [month for month in months if month > 0]
    grid = [month for month in month_grid(frame.data) if month < months[-1]]
    curve = sorted({0.0, *grid, *months})
    change = model.mean_rows(later) - model.mean_rows([0.0])
    change_data = add_standardised(estimate_rows(model, _month_keys(later), change), frame, level)
    tables = [
        _by_month("mean_course", model, months),
        _by_month("mean_curve", model, curve),
        pooled_table("change", change_data, frame, columns=(MONTHS, *ESTIMATE, *STANDARDISED)),
        observed_table(frame),
        coefficient_table(model),
        variance_table(model),
        sample_flow_table(frame.flow),
    ]
    return collect_tables(tables)


def observed_table(frame: ModelFrame, *, by_organisation: bool = False) -> ResultTable:
    """Observed means around each month, over all families or per organisation."""
    by = ("organisation",) if by_organisation else ()
    data = observed_means(frame.data, by=by)
    if by_organisation:
        data = data.assign(organisation=data["organisation"].map(dict(frame.organisations)))
        data = data.drop(columns="n_organisations")
    return ResultTable(
        "observed_course",
        data,
        columns=(
            *((EACH_ORGANISATION,) if by_organisation else ()),
            MONTHS,
            observed("mean", own=True),
            observed("sd", digits=2, plain=False, own=True),
            N_MEASUREMENTS,
        ),
    )


def _by_month(name: str, model: GrowthModel, months: list[float]) -> ResultTable:
    data = estimate_rows(model, _month_keys(months), model.mean_rows(months))
    return pooled_table(name, data, model.frame, columns=(MONTHS, *LEVEL_ESTIMATE))


def _month_keys(months: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"months": months})
